/** Tools, the choice among them, and the format of the answer, in the forms that OpenAI's clients send. */
import * as v from 'valibot';
import type { ResponseFormat, Tool, ToolChoice } from '../../core/index.ts';
import { assertShallow, invalid, optional } from '../validation.ts';

/** OpenAI's rule for function names. */
const functionName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, A-Z, 0-9, _ and -'));
const jsonObject = v.record(v.string(), v.unknown());

const functionSpec = v.object({
  name: functionName,
  description: optional(v.string()),
  parameters: optional(jsonObject),
  strict: optional(v.boolean()),
});

const MAX_TOOLS = 128;
const TOO_MANY = `must have at most ${MAX_TOOLS} tools`;

export const tools = v.pipe(
  v.array(
    v.object({
      type: v.literal('function', 'must be "function": free-text tools ("custom") are served by /v1/responses'),
      function: functionSpec,
    }),
  ),
  v.maxLength(MAX_TOOLS, TOO_MANY),
);

/** The older form of `tools`, and of `tool_choice`. */
export const functions = v.pipe(v.array(functionSpec), v.maxLength(MAX_TOOLS, TOO_MANY));
export const functionCall = v.union(
  [v.picklist(['auto', 'none']), v.object({ name: functionName })],
  'must be "auto", "none" or {"name": …}',
);

const named = v.object({ type: v.literal('function'), function: v.object({ name: functionName }) });

export const toolChoice = v.union(
  [
    v.picklist(['auto', 'none', 'required']),
    v.variant('type', [
      named,
      v.object({
        type: v.literal('allowed_tools'),
        allowed_tools: v.object({ mode: v.picklist(['auto', 'required']), tools: v.array(named) }),
      }),
    ]),
  ],
  'must be "auto", "none", "required" or {"type": "function", "function": {"name": …}}',
);

/**
 * The schema stands where OpenAI has it, beside the type (Together, llama.cpp), or with `json_object` (instructor-js,
 * and the older form of vLLM and Together).
 */
export const responseFormat = v.variant(
  'type',
  [
    v.object({ type: v.literal('text') }),
    v.object({ type: v.literal('json_object'), schema: optional(jsonObject) }),
    v.object({
      type: v.literal('json_schema'),
      json_schema: optional(
        v.object({
          name: functionName,
          description: optional(v.string()),
          schema: optional(jsonObject),
          strict: optional(v.boolean()),
        }),
      ),
      schema: optional(jsonObject),
    }),
  ],
  'must be "text", "json_object" or "json_schema"',
);

/** The optional fields of `source` that are set, so that nothing unset is ever sent on. */
function set<T extends object>(source: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const out: { [K in keyof T]?: NonNullable<T[K]> } = {};
  for (const key in source) {
    const value = source[key];
    if (value !== null && value !== undefined) out[key] = value;
  }
  return out;
}

type WireFunction = v.InferOutput<typeof functionSpec>;

const toTool = (tool: WireFunction, path: string): Tool => {
  assertShallow(tool.parameters, `${path}.parameters`);
  const { description, parameters, strict } = tool;
  return { name: tool.name, ...set({ description, parameters, strict }) };
};

/** The fields of a body that concern tools, in both of OpenAI's forms. */
export interface WireTools {
  readonly tools?: v.InferOutput<typeof tools> | null | undefined;
  readonly functions?: v.InferOutput<typeof functions> | null | undefined;
  readonly tool_choice?: v.InferOutput<typeof toolChoice> | null | undefined;
  readonly function_call?: v.InferOutput<typeof functionCall> | null | undefined;
}

/** The tools that may be called, and the choice among them. */
export interface ParsedTools {
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly allowedTools?: readonly string[];
  /** Given in the older form, so the answer uses it as well. */
  readonly legacy: boolean;
  /** Fields of the form that was not used. */
  readonly ignored: readonly string[];
}

function assertNamed(tools: readonly Tool[], name: string, param: string): void {
  if (!tools.some((tool) => tool.name === name)) throw invalid(param, `"${name}" is not one of the tools.`);
}

function assertAny(tools: readonly Tool[], param: string): void {
  if (tools.length === 0) throw invalid(param, '"required" needs tools to choose from.');
}

const NO_TOOLS: ParsedTools = { tools: [], legacy: false, ignored: [] };

/** Throws `invalid_request` for a choice of tools that do not exist. */
export function toTools(wire: WireTools): ParsedTools {
  if (!wire.tools && !wire.functions && !wire.tool_choice && !wire.function_call) return NO_TOOLS;
  const legacy = !wire.tools?.length && (wire.functions?.length ?? 0) > 0;
  return { ...chosen(wire, legacy), legacy, ignored: ignoredIn(wire, legacy) };
}

/** A choice without tools asks for nothing, unless it names one. */
function ignoredIn(wire: WireTools, legacy: boolean): string[] {
  if (legacy) return wire.tool_choice == null || wire.tool_choice === 'auto' ? [] : ['tool_choice'];
  return [
    ...(wire.functions?.length ? ['functions'] : []),
    ...(typeof wire.function_call === 'object' && wire.function_call ? ['function_call'] : []),
  ];
}

function chosen(wire: WireTools, legacy: boolean): Pick<ParsedTools, 'tools' | 'toolChoice' | 'allowedTools'> {
  const tools = legacy
    ? (wire.functions ?? []).map((tool, index) => toTool(tool, `functions[${index}]`))
    : (wire.tools ?? []).map((tool, index) => toTool(tool.function, `tools[${index}].function`));
  if (legacy) {
    const choice = wire.function_call;
    if (choice == null) return { tools };
    if (typeof choice === 'object') assertNamed(tools, choice.name, 'function_call.name');
    return { tools, toolChoice: choice };
  }
  const choice = wire.tool_choice;
  if (choice == null) return { tools };
  if (typeof choice === 'string') {
    if (choice === 'required') assertAny(tools, 'tool_choice');
    return { tools, toolChoice: choice };
  }
  if (choice.type === 'function') {
    const { name } = choice.function;
    assertNamed(tools, name, 'tool_choice.function.name');
    return { tools, toolChoice: { name } };
  }
  const { mode, tools: allowed } = choice.allowed_tools;
  for (const [at, { function: one }] of allowed.entries()) {
    assertNamed(tools, one.name, `tool_choice.allowed_tools.tools[${at}].function.name`);
  }
  const names = allowed.map(({ function: one }) => one.name);
  const left = onlyAllowed(tools, names);
  if (mode === 'required') assertAny(left, 'tool_choice.allowed_tools.tools');
  return { tools: left, toolChoice: mode, allowedTools: names };
}

/**
 * The tools of these names. No others are sent, because no other way is enforced by every server
 * (`ChatCall.allowedTools`).
 */
export function onlyAllowed(tools: readonly Tool[], names: readonly string[]): readonly Tool[] {
  const allowed = new Set(names);
  return tools.filter(({ name }) => allowed.has(name));
}

/** `json_schema` needs a name; this is for a schema that came without one. */
const UNNAMED = 'answer';

export function toResponseFormat(wire: v.InferOutput<typeof responseFormat>): ResponseFormat {
  if (wire.type === 'text') return wire;
  if (wire.type === 'json_schema' && wire.json_schema) {
    const { name, description, schema, strict } = wire.json_schema;
    assertShallow(schema, 'response_format.json_schema.schema');
    return { type: 'json_schema', name, ...set({ description, schema, strict }) };
  }
  if (wire.schema) {
    assertShallow(wire.schema, 'response_format.schema');
    return { type: 'json_schema', name: UNNAMED, schema: wire.schema };
  }
  if (wire.type === 'json_schema') throw invalid('response_format.json_schema', 'is required.');
  return { type: 'json_object' };
}
