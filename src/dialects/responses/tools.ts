/** Tools of `POST /v1/responses`: what can be shown to a model, under which name, and as what the caller knows it. */
import * as v from 'valibot';
import { isObject, type JsonObject, type ResponseFormat, type Tool, type ToolChoice } from '../../core/index.ts';
import { freeformTool } from '../freeform-tools.ts';
import { assertShallow, invalid, optional } from '../validation.ts';

const toolName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,128}$/, 'must be 1 to 128 of a-z, A-Z, 0-9, _ and -'));
const jsonObject = v.record(v.string(), v.unknown());

/** How OpenAI loads a tool, and who else may call it. */
const ignored = { defer_loading: optional(v.unknown()), allowed_callers: optional(v.unknown()) };

const functionTool = v.object({
  type: v.literal('function'),
  name: toolName,
  description: optional(v.string()),
  parameters: optional(jsonObject),
  strict: optional(v.boolean()),
  output_schema: optional(v.unknown()),
  ...ignored,
});

const customTool = v.object({
  type: v.literal('custom'),
  name: toolName,
  description: optional(v.string()),
  format: optional(
    v.variant('type', [
      v.object({ type: v.literal('text') }),
      v.object({ type: v.literal('grammar'), syntax: v.string(), definition: v.string() }),
    ]),
  ),
  ...ignored,
});

const namespaceTool = v.object({
  type: v.literal('namespace'),
  name: toolName,
  description: optional(v.string()),
  tools: v.array(v.variant('type', [functionTool, customTool], 'must be "function" or "custom"')),
});

const OWN = { function: functionTool, custom: customTool, namespace: namespaceTool } as const;

/** A tool that OpenAI's own servers run: `web_search`, `file_search`, `mcp`. There is nothing to show a model of it. */
const hostedTool = v.looseObject({ type: v.pipe(v.string(), v.minLength(1, 'must not be empty')) });

const isOwn = (type: unknown): type is keyof typeof OWN => typeof type === 'string' && Object.hasOwn(OWN, type);

const MAX_TOOLS = 1024;

export const tools = v.pipe(
  v.array(v.lazy((tool) => (isObject(tool) && isOwn(tool.type) ? OWN[tool.type] : hostedTool))),
  v.maxLength(MAX_TOOLS, `must have at most ${MAX_TOOLS} tools`),
);

export const toolChoice = v.union(
  [
    v.picklist(['none', 'auto', 'required']),
    v.variant('type', [
      v.object({ type: v.literal('function'), name: v.string() }),
      v.object({ type: v.literal('custom'), name: v.string() }),
      v.object({
        type: v.literal('allowed_tools'),
        mode: v.picklist(['auto', 'required'], 'must be "auto" or "required"'),
        tools: v.array(v.looseObject({ type: optional(v.string()), name: optional(v.string()) })),
      }),
    ]),
  ],
  'must be "none", "auto", "required", {"type": "function", "name": …}, "custom" or "allowed_tools"',
);

type WireTools = v.InferOutput<typeof tools>;
type WireFunction = v.InferOutput<typeof functionTool>;
type WireCustom = v.InferOutput<typeof customTool>;
type WireNamespace = v.InferOutput<typeof namespaceTool>;

/** As what the caller knows a tool. */
export interface CallersTool {
  readonly name: string;
  readonly namespace?: string;
  readonly freeform: boolean;
}

/** The longest name that every server takes. */
const MAX_NAME = 64;
const DIGEST = 8;

/** FNV-1a. */
function digest(text: string): string {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  return (state >>> 0).toString(16).padStart(DIGEST, '0');
}

/** A namespace whose tools models know by their names alone. */
const PLAIN_NAMESPACE = 'functions';

/** The name by which models know a tool: namespaces are OpenAI's, so they become part of the name. */
export function modelsName(name: string, namespace?: string | null): string {
  const whole = namespace == null || namespace === PLAIN_NAMESPACE ? name : `${namespace}__${name}`;
  return whole.length <= MAX_NAME ? whole : `${whole.slice(0, MAX_NAME - DIGEST - 1)}_${digest(whole)}`;
}

/** The tools of a body, from its `tools` and from within its input. */
export interface ReadTools {
  readonly tools: readonly Tool[];
  /** Where each stands in the body. */
  readonly places: readonly string[];
  /** By the name that models know. */
  readonly known: ReadonlyMap<string, CallersTool>;
  /** Those of other kinds, by the caller's names. */
  readonly dropped: readonly string[];
  /** Those that models are shown, as OpenAI's answers repeat them. */
  readonly shown: readonly JsonObject[];
}

const NONE: ReadTools = { tools: [], places: [], known: new Map(), dropped: [], shown: [] };

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function toFunction(wire: WireFunction, path: string): Tool {
  assertShallow(wire.parameters, `${path}.parameters`);
  const tool: Writable<Tool> = { name: wire.name };
  if (wire.description != null) tool.description = wire.description;
  if (wire.parameters != null) tool.parameters = wire.parameters;
  if (wire.strict != null) tool.strict = wire.strict;
  return tool;
}

function toFreeform({ name, description, format }: WireCustom): Tool {
  return freeformTool(name, description ?? undefined, format?.type === 'grammar' ? format : undefined);
}

/** OpenAI's types have every one of these fields in an answer. */
function repeated(wire: WireFunction | WireCustom): JsonObject {
  const { name, description = null } = wire;
  if (wire.type === 'custom') return { type: 'custom', name, description, format: wire.format ?? { type: 'text' } };
  return { type: 'function', name, description, parameters: wire.parameters ?? null, strict: wire.strict ?? null };
}

const repeatedNamespace = (wire: WireNamespace): JsonObject => ({
  type: 'namespace',
  name: wire.name,
  description: wire.description ?? '',
  tools: wire.tools.map(repeated),
});

/** Lists of tools, each with its path. Throws for two tools that models could not tell apart. */
export function readTools(lists: readonly (readonly [path: string, wire: WireTools])[]): ReadTools {
  if (lists.length === 0) return NONE;
  const out: Tool[] = [];
  const places: string[] = [];
  const dropped: string[] = [];
  const shown: JsonObject[] = [];
  const known = new Map<string, CallersTool>();

  /** @param about what the namespace says of itself, for the first of its tools */
  function add(wire: WireFunction | WireCustom, path: string, namespace?: string, about?: string | null): void {
    const name = modelsName(wire.name, namespace);
    if (known.has(name)) {
      throw invalid(`${path}.name`, `"${name}" is the name of an earlier tool, too. Models could not tell them apart.`);
    }
    known.set(name, {
      name: wire.name,
      ...(namespace === undefined ? {} : { namespace }),
      freeform: wire.type === 'custom',
    });
    const tool = { ...(wire.type === 'custom' ? toFreeform(wire) : toFunction(wire, path)), name };
    const description = [about, tool.description].filter(Boolean).join('\n\n');
    out.push(description === '' ? tool : { ...tool, description });
    places.push(path);
  }

  for (const [base, wire] of lists) {
    for (const [at, one] of wire.entries()) {
      const path = `${base}[${at}]`;
      if (!isOwn(one.type)) {
        dropped.push(`${path} (${String(one.type).slice(0, 64)})`);
        continue;
      }
      const tool = one as WireFunction | WireCustom | WireNamespace;
      if (tool.type === 'namespace') {
        for (const [inner, member] of tool.tools.entries()) {
          add(member, `${path}.tools[${inner}]`, tool.name, inner === 0 ? tool.description : undefined);
        }
        shown.push(repeatedNamespace(tool));
      } else {
        add(tool, path);
        shown.push(repeated(tool));
      }
    }
  }
  return { tools: out, places, known, dropped, shown };
}

type WireChoice = v.InferOutput<typeof toolChoice>;

/** The model's name of the tool that a choice names, which has no namespace: OpenAI's types know none there. */
function nameChosen({ known }: ReadTools, name: string): string | undefined {
  if (known.has(name)) return name;
  for (const [models, { name: theirs }] of known) if (theirs === name) return models;
  return undefined;
}

export interface ReadChoice {
  readonly toolChoice?: ToolChoice;
  readonly tools: readonly Tool[];
  readonly allowedTools?: readonly string[];
  readonly dropped: readonly string[];
}

/** Throws `invalid_request` for a choice of tools that do not exist. */
export function readToolChoice(wire: WireChoice | null | undefined, offered: ReadTools): ReadChoice {
  const { tools: all } = offered;
  if (wire == null) return { tools: all, dropped: [] };
  const assertAny = (left: readonly Tool[], param: string): void => {
    if (left.length === 0) throw invalid(param, '"required" needs tools that a model here can call.');
  };
  const named = (name: string, param: string): string => {
    const found = nameChosen(offered, name);
    if (found === undefined) throw invalid(param, `"${name.slice(0, 128)}" is not one of the tools.`);
    return found;
  };
  if (typeof wire === 'string') {
    if (wire === 'required') assertAny(all, 'tool_choice');
    return { tools: all, toolChoice: wire, dropped: [] };
  }
  if (wire.type !== 'allowed_tools') {
    return { tools: all, toolChoice: { name: named(wire.name, 'tool_choice.name') }, dropped: [] };
  }
  const dropped: string[] = [];
  const names: string[] = [];
  for (const [at, { type, name }] of wire.tools.entries()) {
    const path = `tool_choice.tools[${at}]`;
    if (type != null && type !== 'function' && type !== 'custom') dropped.push(`${path} (${type.slice(0, 64)})`);
    else if (name == null) throw invalid(`${path}.name`, 'is required.');
    else names.push(named(name, `${path}.name`));
  }
  // No others are sent: nothing else keeps every server's models from calling them.
  const allowed = new Set(names);
  const left = all.filter(({ name }) => allowed.has(name));
  if (wire.mode === 'required') assertAny(left, 'tool_choice.tools');
  return { tools: left, toolChoice: wire.mode, allowedTools: names, dropped };
}

export const textFormat = v.variant(
  'type',
  [
    v.object({ type: v.literal('text') }),
    v.object({ type: v.literal('json_object') }),
    v.object({
      type: v.literal('json_schema'),
      name: toolName,
      description: optional(v.string()),
      schema: jsonObject,
      strict: optional(v.boolean()),
    }),
  ],
  'must be "text", "json_object" or "json_schema"',
);

type WireFormat = v.InferOutput<typeof textFormat>;

/** Open Responses wants each of its fields, also where the request left it out. */
export function repeatedFormat(wire: WireFormat | null | undefined): JsonObject {
  if (wire?.type !== 'json_schema') return wire ?? { type: 'text' };
  const { type, name, description = null, schema, strict } = wire;
  return { type, name, description, schema, strict: strict ?? false };
}

export function toResponseFormat(wire: WireFormat): ResponseFormat {
  if (wire.type !== 'json_schema') return { type: wire.type };
  assertShallow(wire.schema, 'text.format.schema');
  const format: Writable<Extract<ResponseFormat, { type: 'json_schema' }>> = {
    type: 'json_schema',
    name: wire.name,
    schema: wire.schema,
  };
  if (wire.description != null) format.description = wire.description;
  if (wire.strict != null) format.strict = wire.strict;
  return format;
}
