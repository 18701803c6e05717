/** Bodies of routes that take the body of any other: in which API's words they are, and the call they ask for. */
import type { Context } from 'hono';
import { type Call, isObject, type JsonObject, type RetrievalCall, withSamples } from '../core/index.ts';
import { parseCount } from '../dialects/messages/index.ts';
import {
  type CallContext,
  type ParsedRequest,
  parseCall,
  parseEmbeddings,
  parseRerank,
  retrievalKind,
} from '../dialects/openai/index.ts';
import { parseResponses } from '../dialects/responses/index.ts';
import { answersAsMessages, speaksMessages } from './middleware.ts';

export interface AnyRequest extends Pick<ParsedRequest, 'callersNames'> {
  readonly call: Call | RetrievalCall;
}

/** Fields that only a body of Messages has. */
const OF_MESSAGES = ['system', 'stop_sequences', 'output_config', 'output_format', 'context_management'];

/** Fields that only a body of Responses has, beside `input`. */
const OF_RESPONSES = [
  'instructions',
  'max_output_tokens',
  'tools',
  'tool_choice',
  'text',
  'reasoning',
  'include',
  'store',
  'stream',
  'previous_response_id',
  'conversation',
  'truncation',
];

/** Blocks that only contents of Messages have. */
const BLOCKS: ReadonlySet<unknown> = new Set(['tool_use', 'tool_result', 'thinking', 'redacted_thinking', 'document']);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const has = (body: JsonObject, fields: readonly string[]): boolean => fields.some((field) => field in body);

const isMessages = (body: JsonObject): boolean =>
  has(body, OF_MESSAGES) ||
  listOf(body.tools).some((tool) => isObject(tool) && 'input_schema' in tool) ||
  listOf(body.messages).some(
    (message) =>
      isObject(message) &&
      listOf(message.content).some(
        (block) => isObject(block) && (BLOCKS.has(block.type) || (block.type === 'image' && 'source' in block)),
      ),
  );

/** `input` alone, as a text, asks for embeddings or for the tokens of a text. Items are objects. */
const isResponses = (body: JsonObject): boolean =>
  !('messages' in body) && !('prompt' in body) && (listOf(body.input).some(isObject) || has(body, OF_RESPONSES));

/** Whose API a body is written for. Texts that any of them could mean are OpenAI's chat, completion or embeddings. */
function apiOf(c: Context, body: unknown): 'messages' | 'responses' | 'others' {
  if (!isObject(body)) return speaksMessages(c) ? 'messages' : 'others';
  if (speaksMessages(c) && !('input' in body) && !('prompt' in body)) return 'messages';
  if ('messages' in body) return isMessages(body) ? 'messages' : 'others';
  return isResponses(body) ? 'responses' : 'others';
}

/**
 * The call that a body of Messages or of Responses asks for; undefined for all others. Errors are in the envelope of
 * the body's API from here on.
 */
export function otherApisCall(c: Context, body: unknown, context: CallContext): ParsedRequest | undefined {
  const api = apiOf(c, body);
  if (api === 'others') return undefined;
  if (api === 'responses') return parseResponses(body, context);
  answersAsMessages(c);
  return parseCount(body, context);
}

/** A body of any route that asks a model. */
export function anyCall(c: Context, body: unknown, context: CallContext): AnyRequest {
  const other = otherApisCall(c, body, context);
  if (other) return { ...other, call: withSamples(other.call) };
  const kind = retrievalKind(body);
  if (kind === 'embedding') return { call: parseEmbeddings(body, context) };
  return { call: kind === 'rerank' ? parseRerank(body, context) : withSamples(parseCall(body, context)) };
}
