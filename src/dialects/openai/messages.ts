/** The messages of a chat: what OpenAI's schema allows, and the same in our vocabulary. */
import * as v from 'valibot';
import { type Content, type ContentPart, isObject, type Message, type ToolCall } from '../../core/index.ts';
import { filePart } from '../files.ts';
import { invalid, optional } from '../validation.ts';

/** Where OpenAI's prompt cache may cut. Accepted and ignored: there is no such cache here. */
const ignored = { prompt_cache_breakpoint: optional(v.unknown()) };

const part = v.variant(
  'type',
  [
    v.object({ type: v.literal('text'), text: v.string(), ...ignored }),
    v.object({
      type: v.literal('image_url'),
      image_url: v.union([
        v.pipe(v.string(), v.minLength(1)),
        v.object({ url: v.pipe(v.string(), v.minLength(1)), detail: optional(v.string()) }),
      ]),
      ...ignored,
    }),
    v.object({ type: v.literal('refusal'), refusal: v.string() }),
    v.object({
      type: v.literal('file'),
      file: v.object({
        filename: optional(v.string()),
        file_data: optional(v.string()),
        file_id: optional(v.string()),
      }),
      ...ignored,
    }),
  ],
  'must be "text", "image_url" or "file": no model here takes another kind of part',
);
const content = v.union([v.string(), v.array(part)], 'must be a string or a list of parts');
const name = optional(v.string());
const toolCall = v.object({
  // From a stream's chunks. Clients that put a call together from them leave it in.
  index: optional(v.unknown()),
  id: v.pipe(v.string(), v.minLength(1)),
  type: v.optional(v.literal('function', 'must be "function"')),
  function: v.object({ name: v.pipe(v.string(), v.minLength(1)), arguments: optional(v.string()) }),
});

/**
 * OpenRouter's form of reasoning: `reasoning.text`, `reasoning.summary`, and `reasoning.encrypted`, which nobody else
 * can read (@openrouter/sdk 1.3, `ReasoningDetailUnion`).
 */
const reasoningDetail = v.object({
  type: v.string(),
  text: optional(v.string()),
  summary: optional(v.string()),
  id: optional(v.unknown()),
  index: optional(v.unknown()),
  format: optional(v.unknown()),
});

const legacyCall = v.object({ name: v.pipe(v.string(), v.minLength(1)), arguments: optional(v.string()) });

export const message = v.variant(
  'role',
  [
    v.object({ role: v.literal('system'), content, name }),
    v.object({ role: v.literal('developer'), content, name }),
    v.object({ role: v.literal('user'), content, name }),
    v.object({
      role: v.literal('assistant'),
      content: optional(content),
      tool_calls: optional(v.array(toolCall)),
      function_call: optional(legacyCall),
      refusal: optional(v.string()),
      // DeepSeek, llama.cpp and the AI SDK write the first, vLLM and OpenRouter the second, OpenRouter also the third.
      reasoning_content: optional(v.string()),
      reasoning: optional(v.string()),
      reasoning_details: optional(v.array(reasoningDetail)),
      name,
    }),
    // A name here is that of the function called, which the id already tells.
    v.object({ role: v.literal('tool'), content, tool_call_id: v.pipe(v.string(), v.minLength(1)), name }),
    v.object({ role: v.literal('function'), content, name: v.pipe(v.string(), v.minLength(1)) }),
  ],
  'must be "system", "developer", "user", "assistant" or "tool"',
);

type WireMessage = v.InferOutput<typeof message>;
type WirePart = v.InferOutput<typeof part>;

function toPart(wire: WirePart, path: string): ContentPart {
  switch (wire.type) {
    case 'file': {
      const { filename, file_data: data, file_id: id } = wire.file;
      const field = data == null && id != null ? 'file_id' : 'file_data';
      return filePart({ name: filename ?? undefined, data: data ?? undefined }, `${path}.file.${field}`);
    }
    case 'text':
      return { type: 'text', text: wire.text };
    case 'refusal':
      return { type: 'text', text: wire.refusal };
    case 'image_url': {
      const image = typeof wire.image_url === 'string' ? { url: wire.image_url, detail: undefined } : wire.image_url;
      return image.detail ? { type: 'image', url: image.url, detail: image.detail } : { type: 'image', url: image.url };
    }
  }
}

/** @param path of the content */
const toContent = (wire: string | WirePart[] | null | undefined, path: string): Content =>
  typeof wire === 'string' ? wire : (wire ?? []).map((part, at) => toPart(part, `${path}[${at}]`));

type WireAssistant = Extract<WireMessage, { role: 'assistant' }>;

/** The reasoning before this message, under whichever name the client returns it; undefined if it returns none. */
function reasoningOf(wire: WireAssistant): string | undefined {
  const text = wire.reasoning_content ?? wire.reasoning;
  if (text != null) return text;
  const details = (wire.reasoning_details ?? []).flatMap((detail) => detail.text ?? detail.summary ?? []);
  return details.length > 0 ? details.join('') : undefined;
}

/** An id for a call in the older form, which has none. A result answers the last call of its name. */
const legacyId = (name: string): string => `call_${name}`;

function callsOf(wire: WireAssistant): ToolCall[] {
  const calls = (wire.tool_calls ?? []).map(
    (call): ToolCall => ({ id: call.id, name: call.function.name, arguments: call.function.arguments ?? '' }),
  );
  const legacy = wire.function_call;
  if (!legacy || calls.length > 0) return calls;
  return [{ id: legacyId(legacy.name), name: legacy.name, arguments: legacy.arguments ?? '' }];
}

function toAssistant(wire: WireAssistant, index: number): Message {
  const toolCalls = callsOf(wire);
  const reasoning = reasoningOf(wire);
  const content = wire.content ?? wire.refusal;
  if (content == null && toolCalls.length === 0 && !reasoning) {
    throw invalid(`messages[${index}].content`, 'an assistant message needs content or tool_calls.');
  }
  return {
    role: 'assistant',
    content: content == null ? '' : toContent(content, `messages[${index}].content`),
    ...(wire.name ? { name: wire.name } : {}),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCalls.length > 0 ? { toolCalls } : {}),
  };
}

/**
 * Throws `invalid_request` for a tool result before any assistant message with a tool call: templates and providers
 * each do something else with such a result.
 */
export function assertResultsFollowCalls(messages: readonly Message[]): void {
  const at = messages.findIndex(({ role }) => role === 'tool');
  if (at < 0 || messages.slice(0, at).some((one) => one.role === 'assistant' && one.toolCalls)) return;
  const what =
    'a tool message must follow an assistant message with tool_calls. Send that message, too, or leave this out.';
  throw invalid(`messages[${at}]`, what);
}

interface PlainMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A role, a text and nothing else, like most messages: these are the same in our vocabulary. */
function isPlain(wire: unknown): wire is PlainMessage {
  if (!isObject(wire) || typeof wire.content !== 'string') return false;
  if (wire.role !== 'system' && wire.role !== 'user' && wire.role !== 'assistant') return false;
  let fields = 0;
  for (const _field in wire) if (++fields > 2) return false;
  return true;
}

/**
 * OpenAI's message in our vocabulary. A plain one is not copied, because a conversation has many. `developer` is the
 * newer name of `system`, `function` the older one of `tool`.
 */
export function toMessage(wire: WireMessage, index: number): Message {
  const given: unknown = wire;
  if (isPlain(given)) return given;
  const content = `messages[${index}].content`;
  switch (wire.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: toContent(wire.content, content), ...(wire.name ? { name: wire.name } : {}) };
    case 'user':
      return { role: 'user', content: toContent(wire.content, content), ...(wire.name ? { name: wire.name } : {}) };
    case 'assistant':
      return toAssistant(wire, index);
    case 'tool':
      return { role: 'tool', content: toContent(wire.content, content), toolCallId: wire.tool_call_id };
    case 'function':
      return { role: 'tool', content: toContent(wire.content, content), toolCallId: legacyId(wire.name) };
  }
}
