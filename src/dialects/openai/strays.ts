import { GatewayError } from '../../core/index.ts';
import { assertShallow } from './check.ts';
import { letters, routingFieldMeant } from './slips.ts';
import { isUnset } from './unknown.ts';

/**
 * Top-level fields that are not part of a call's schema: those that mean nothing to an open model, those of other services, and
 * those that only a server of one's own may know. What would limit money, length or privacy is refused, never ignored.
 */
export interface Strays {
  /** Names of fields that no provider is sent, and that had something to say. */
  readonly dropped: readonly string[];
  /** Fields as they came, for a server of one's own. */
  readonly extra: Readonly<Record<string, unknown>>;
}

type Holds = (value: unknown) => boolean;
const always: Holds = () => true;
const is =
  (...values: readonly unknown[]): Holds =>
  (value) =>
    values.includes(value);
const onlyText: Holds = (value) => Array.isArray(value) && value.every((one) => one === 'text');

/** Fields of OpenAI's and OpenRouter's APIs, and the values with which they ask for nothing that does not happen anyway. */
const MEANS_NOTHING: ReadonlyMap<string, Holds> = new Map([
  ['store', is(false)],
  ['metadata', always],
  ['service_tier', is('auto', 'default')],
  ['safety_identifier', always],
  ['prompt_cache_retention', always],
  ['prompt_cache_options', always],
  ['modalities', onlyText],
  ['route', is('fallback')],
]);

/** OpenRouter's own services, and what it tells its own logs: no server behind this gateway knows them. */
const NOT_SENT = new Set([
  'cache_control',
  'debug',
  'image_config',
  'plugins',
  'route',
  'stop_server_tools_when',
  'trace',
  'transforms',
]);

/**
 * Fields of the other of the two calls, chat or completion, by the field that tells whose body this is: no server reads them
 * there, not even one that is sent all that is unknown here.
 */
const OF_THE_OTHER: Readonly<Record<'messages' | 'prompt', ReadonlySet<string>>> = {
  messages: new Set(['prompt', 'suffix', 'best_of']),
  prompt: new Set(['messages', 'tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call']),
};

/** Fields that change what kind of answer comes, which no model here can give. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['audio', 'no model here speaks. Remove it.'],
  ['modalities', 'no model here answers in anything but text. Remove it, or send ["text"].'],
]);

/** Other names for the most tokens of output, by their letters: unheard, an answer costs what it likes. */
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

const wrong = (param: string, text: string, code: 'invalid_request' | 'unsupported_parameter' = 'invalid_request') =>
  new GatewayError(code, `${param}: ${text}`, { param });

/**
 * Refuses what limits money, length, privacy or who may serve the call, and is in the wrong place or misspelt.
 *
 * @param limited the output is limited by its right name, too: clients of several servers send the limit under all the names
 */
function assertNoGuard(key: string, limited: boolean): void {
  if (key.length > NAME_SHOWN) return;
  if (!limited && OUTPUT_LIMITS.has(letters(key)))
    throw wrong(key, `not known here; the most tokens of output are max_tokens.`);
  const meant = routingFieldMeant(key);
  if (meant === undefined) return;
  throw wrong(
    key,
    key === meant
      ? `belongs into provider: {"provider": {"${meant}": …}}.`
      : `not known here. If it means ${meant}, that belongs into provider: {"provider": {"${meant}": …}}. Else remove it.`,
  );
}

const MAX_STRAYS = 100;

/** @throws GatewayError for a field that must not be ignored, by its name */
export function straysOf(body: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): Strays {
  const dropped: string[] = [];
  const extra: [string, unknown][] = [];
  const limited = body.max_tokens != null || (known.has('max_completion_tokens') && body.max_completion_tokens != null);
  const other = OF_THE_OTHER[known.has('messages') ? 'messages' : 'prompt'];
  let count = 0;
  for (const key of Object.keys(body)) {
    const value = body[key];
    if (known.has(key) || isUnset(value)) continue;
    count += 1;
    if (count > MAX_STRAYS) {
      throw new GatewayError('invalid_request', `The body has more than ${MAX_STRAYS} fields that are not known here.`);
    }
    if (MEANS_NOTHING.get(key)?.(value)) continue;
    const refusal = REFUSED.get(key);
    if (refusal !== undefined) throw wrong(key, refusal, 'unsupported_parameter');
    if (NOT_SENT.has(key) || other.has(key)) dropped.push(key);
    else {
      assertNoGuard(key, limited);
      if (typeof value === 'object') assertShallow(value, key.slice(0, NAME_SHOWN));
      extra.push([key, value]);
    }
  }
  return { dropped, extra: Object.fromEntries(extra) };
}
