/** Where the types of Open Responses (openresponses-types 2.4.0) contradict OpenAI's, which clients are written for. */
type Json = Readonly<Record<string, unknown>>;

interface Contradiction {
  /** Why what is answered is right all the same. */
  readonly why: string;
  /** The value as Open Responses would have it, or the same value where there is no contradiction. */
  readonly settle: (value: Json) => Json;
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value with all objects in it replaced, the innermost first. */
function mapped(value: unknown, change: (value: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((one) => mapped(one, change));
  if (!isJson(value)) return value;
  return change(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapped(member, change)])));
}

const EVENTS: Readonly<Record<string, string>> = {
  'response.reasoning_text.delta': 'response.reasoning.delta',
  'response.reasoning_text.done': 'response.reasoning.done',
};
const FREEFORM_EVENTS: Readonly<Record<string, string>> = {
  'response.custom_tool_call_input.delta': 'response.function_call_arguments.delta',
  'response.custom_tool_call_input.done': 'response.function_call_arguments.done',
};
const EFFORTS: Readonly<Record<string, string>> = { minimal: 'low', max: 'xhigh' };

/** @param events names of theirs, by names of OpenAI's */
const renamed = (value: Json, events: Readonly<Record<string, string>>): Json => {
  const type = typeof value.type === 'string' ? events[value.type] : undefined;
  return type === undefined ? value : { ...value, type, arguments: value.input };
};

export const CONTRADICTIONS: readonly Contradiction[] = [
  {
    why: "OpenAI's types and all its clients know reasoning_text events only.",
    settle: (value) => renamed(value, EVENTS),
  },
  {
    why: 'Open Responses has function tools only. Freeform tools and namespaces are what Codex works with.',
    settle(value) {
      if (value.type === 'custom_tool_call') return { ...value, type: 'function_call', arguments: value.input };
      if (value.type === 'custom' && !('format' in value)) return { ...value, type: 'function' };
      if (Array.isArray(value.tools) && value.object === 'response') {
        return { ...value, tools: value.tools.filter((tool) => isJson(tool) && tool.type === 'function') };
      }
      return renamed(value, FREEFORM_EVENTS);
    },
  },
  {
    why: "The schema of an answer's text.format may only be null there. OpenAI's types require it as it was sent.",
    settle: (value) => (value.type === 'json_schema' ? { ...value, schema: null } : value),
  },
  {
    why: "OpenAI's efforts also are minimal and max, and an answer repeats what it was asked.",
    settle: (value) =>
      typeof value.effort === 'string' && value.effort in EFFORTS ? { ...value, effort: EFFORTS[value.effort] } : value,
  },
];

/** A value of ours with every contradiction settled, but for one. */
export const asOpenResponses = (value: unknown, except?: Contradiction): unknown =>
  CONTRADICTIONS.reduce((so, one) => (one === except ? so : mapped(so, one.settle)), value);
