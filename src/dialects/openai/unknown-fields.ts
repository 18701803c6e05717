/**
 * Top-level fields that a call's schema does not have. Some have no effect anyway, some belong to other services and
 * are dropped, and the rest go to self-hosted servers, which may know them. A field that seems to limit money, length
 * or privacy is refused, never ignored.
 */
import { type Call, GatewayError, type JsonObject, type RetrievalCall } from '../../core/index.ts';
import { letters, routingFieldMeant } from '../routing.ts';
import { assertShallow, invalid } from '../validation.ts';

export interface UnknownFields {
  /** Names of fields that no provider is sent. */
  readonly dropped: readonly string[];
  /** Fields as they came, for self-hosted servers. */
  readonly extra?: JsonObject;
}

type Test = (value: unknown) => boolean;
const always: Test = () => true;
const is =
  (...values: readonly unknown[]): Test =>
  (value) =>
    values.includes(value);
const onlyText: Test = (value) => Array.isArray(value) && value.every((one) => one === 'text');

/** Fields of OpenAI's and OpenRouter's APIs, and the values that ask for no more than happens anyway. */
const ASKS_NOTHING: ReadonlyMap<string, Test> = new Map([
  ['store', is(false)],
  ['metadata', always],
  ['service_tier', is('auto', 'default')],
  ['safety_identifier', always],
  ['prompt_cache_retention', always],
  ['prompt_cache_options', always],
  ['modalities', onlyText],
  ['route', is('fallback')],
]);

/**
 * Fields for OpenAI's and OpenRouter's own services and logs, which no server behind this gateway knows. Others of
 * OpenAI's (`verbosity`, `prediction`, further tiers of service) some self-hosted servers do know.
 */
const NOT_SENT = new Set([
  'cache_control',
  'debug',
  'image_config',
  'moderation',
  'plugins',
  'route',
  'stop_server_tools_when',
  'store',
  'trace',
  'transforms',
  'web_search_options',
]);

type CallKind = (Call | RetrievalCall)['kind'];

/** Fields of the other kind of call, which no server reads in this kind. */
const OF_THE_OTHER: Readonly<Record<CallKind, ReadonlySet<string>>> = {
  chat: new Set(['prompt', 'suffix', 'best_of']),
  embedding: new Set(['prompt', 'messages', 'stream', 'n', 'temperature', 'vote']),
  rerank: new Set(['input', 'prompt', 'messages', 'stream', 'vote']),
  completion: new Set(['messages', 'tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call']),
};

/** Fields that ask for a kind of answer that no model here can give. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['audio', 'no model here speaks. Remove it.'],
  ['modalities', 'no model here answers in anything but text. Remove it, or send ["text"].'],
]);

/** Other names for the limit of output tokens, by their letters. Ignored, they would leave the cost without a limit. */
const OUTPUT_LIMITS = new Set(
  [
    'max_token',
    'maxTokens',
    'max_new_tokens',
    'max_output_tokens',
    'max_gen_len',
    'max_completion_tokens',
    'num_predict',
    'n_predict',
  ].map(letters),
);

const NAME_SHOWN = 64;

/**
 * Refuses a limit of money, length, privacy or providers that is misspelt or in the wrong place.
 *
 * @param limited the output is limited under the right name as well: some clients send the limit under every name
 */
function assertNoGuard(key: string, limited: boolean): void {
  if (key.length > NAME_SHOWN) return;
  if (!limited && OUTPUT_LIMITS.has(letters(key)))
    throw invalid(key, `not known here; the most tokens of output are max_tokens.`);
  const meant = routingFieldMeant(key);
  if (meant === undefined) return;
  throw invalid(
    key,
    key === meant
      ? `belongs into provider: {"provider": {"${meant}": …}}.`
      : `not known here. If it means ${meant}, that belongs into provider: {"provider": {"${meant}": …}}. Else remove it.`,
  );
}

const MAX_UNKNOWN = 100;

const NONE: UnknownFields = { dropped: [] };

/**
 * Sorts the unknown fields of a body. Throws for one that must not be ignored, naming it.
 *
 * @param unknown their names
 */
export function sortUnknownFields(body: JsonObject, unknown: readonly string[], kind: CallKind): UnknownFields {
  if (unknown.length === 0) return NONE;
  const writes = kind === 'chat' || kind === 'completion';
  const limited = !writes || body.max_tokens != null || (kind === 'chat' && body.max_completion_tokens != null);
  const dropped: string[] = [];
  const extra: [string, unknown][] = [];
  for (const [at, key] of unknown.entries()) {
    if (at === MAX_UNKNOWN) {
      throw new GatewayError(
        'invalid_request',
        `The body has more than ${MAX_UNKNOWN} fields that are not known here.`,
      );
    }
    const value = body[key];
    if (ASKS_NOTHING.get(key)?.(value)) continue;
    const refusal = REFUSED.get(key);
    if (refusal !== undefined) throw new GatewayError('unsupported_parameter', `${key}: ${refusal}`, { param: key });
    if (NOT_SENT.has(key) || OF_THE_OTHER[kind].has(key)) dropped.push(key);
    else {
      assertNoGuard(key, limited);
      if (typeof value === 'object') assertShallow(value, key.slice(0, NAME_SHOWN));
      extra.push([key, value]);
    }
  }
  return extra.length > 0 ? { dropped, extra: Object.fromEntries(extra) } : { dropped };
}
