import { isObject, memberPath, parseDollars, type ServiceOffer, type TimeoutSettings } from '../../src/core/index.ts';
import { isCount, isText, onlyKeys, type Report } from './fields.ts';
import type { Entry, ModelSettings } from './service.ts';

/** Stands for every model that the server lists. */
const ANY = '*';

const MODEL_FIELDS = ['upstream', 'family', 'context_length', 'max_output_tokens', 'price', 'timeouts', 'capabilities'];

function dollars(value: unknown, path: string, report: Report): bigint | undefined {
  try {
    if (typeof value === 'string') return parseDollars(value);
  } catch {
    // Reported below, with every other value that is no amount.
  }
  report(path, 'must be an amount in dollars as a decimal string, like "0.66"');
  return undefined;
}

type Cost = Pick<ServiceOffer, 'price' | 'hourly'>;

const UNKNOWN: Cost = { price: { known: false } };

/** Below a thousandth of a token a second there is no share of an hour to work out. */
const isRate = (value: unknown): value is number => typeof value === 'number' && value >= 0.001 && value <= 1e9;

/** A service is paid by the token, or by the hour that its output tokens share (Anyscale bills hardware alone). */
function readPrice(value: unknown, path: string, report: Report): Cost {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return UNKNOWN;
  }
  if ('usd_per_hour' in value || 'tokens_per_second' in value) {
    onlyKeys(value, path, ['usd_per_hour', 'tokens_per_second'], report);
    const perHour = dollars(value.usd_per_hour, `${path}.usd_per_hour`, report);
    const tokensPerSecond = value.tokens_per_second;
    if (!isRate(tokensPerSecond)) report(`${path}.tokens_per_second`, 'must be a number, 0.001 or above');
    return perHour === undefined || !isRate(tokensPerSecond)
      ? UNKNOWN
      : { ...UNKNOWN, hourly: { perHour, tokensPerSecond } };
  }
  onlyKeys(value, path, ['input_per_mtok', 'output_per_mtok'], report);
  const inputPerMtok = dollars(value.input_per_mtok, `${path}.input_per_mtok`, report);
  const outputPerMtok = dollars(value.output_per_mtok, `${path}.output_per_mtok`, report);
  if (inputPerMtok === undefined || outputPerMtok === undefined) return UNKNOWN;
  return { price: { known: true, inputPerMtok, outputPerMtok } };
}

const TIMEOUTS = {
  connect_ms: 'connectMs',
  first_token_ms: 'firstTokenMs',
  piece_ms: 'pieceMs',
  idle_ms: 'idleMs',
} as const satisfies Record<string, keyof TimeoutSettings>;

function readTimeouts(value: unknown, path: string, report: Report): TimeoutSettings {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return {};
  }
  onlyKeys(value, path, Object.keys(TIMEOUTS), report);
  const timeouts: { -readonly [K in keyof TimeoutSettings]: number } = {};
  for (const [name, ours] of Object.entries(TIMEOUTS)) {
    const ms = value[name];
    if (ms === undefined) continue;
    if (typeof ms === 'number' && ms > 0 && Number.isFinite(ms)) timeouts[ours] = ms;
    else report(`${path}.${name}`, 'must be a number of milliseconds above 0');
  }
  return timeouts;
}

const CAPABILITIES = ['vision', 'tools', 'completions'] as const;

type Capabilities = NonNullable<ServiceOffer['capabilities']>;

function readCapabilities(value: unknown, path: string, report: Report): Capabilities {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return {};
  }
  onlyKeys(value, path, CAPABILITIES, report);
  const capabilities: { -readonly [K in keyof Capabilities]: boolean } = {};
  for (const name of CAPABILITIES) {
    const can = value[name];
    if (can === undefined) continue;
    if (typeof can === 'boolean') capabilities[name] = can;
    else report(`${path}.${name}`, 'must be true or false');
  }
  return capabilities;
}

/** What may be said of a service, for all its models, and of each of them: price, timeouts, capabilities. */
export function readShared(
  value: Readonly<Record<string, unknown>>,
  path: string,
  report: Report,
): Partial<ModelSettings> {
  const { price, timeouts, capabilities } = value;
  return {
    ...(price === undefined ? {} : readPrice(price, `${path}.price`, report)),
    ...(timeouts === undefined ? {} : { timeouts: readTimeouts(timeouts, `${path}.timeouts`, report) }),
    ...(capabilities === undefined
      ? {}
      : { capabilities: readCapabilities(capabilities, `${path}.capabilities`, report) }),
  };
}

/** What a model says over what its service says: a price as a whole, timeouts and capabilities one by one. */
function over(service: Partial<ModelSettings>, model: Partial<ModelSettings>): ModelSettings {
  const priced = 'price' in model ? model : service;
  const timeouts = { ...service.timeouts, ...model.timeouts };
  const capabilities = { ...service.capabilities, ...model.capabilities };
  return {
    price: priced.price ?? UNKNOWN.price,
    ...(priced.hourly ? { hourly: priced.hourly } : {}),
    ...(Object.keys(timeouts).length > 0 ? { timeouts } : {}),
    ...(Object.keys(capabilities).length > 0 ? { capabilities } : {}),
  };
}

/** How a family's name is judged: undefined for one that is known, else what ought to be there. */
export type JudgeFamily = (family: string) => string | undefined;

function readModel(
  value: unknown,
  path: string,
  service: Partial<ModelSettings>,
  judge: JudgeFamily,
  report: Report,
): { readonly settings: ModelSettings; readonly upstream?: string } | undefined {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return undefined;
  }
  onlyKeys(value, path, MODEL_FIELDS, report);
  const { upstream, family, context_length: context, max_output_tokens: output } = value;
  if (upstream !== undefined && !isText(upstream)) {
    report(`${path}.upstream`, "must be the service's own id of the model");
  }
  const mistake =
    family === undefined ? undefined : isText(family) ? judge(family) : 'must be the name of a family of models';
  if (mistake !== undefined) report(`${path}.family`, mistake);
  for (const [key, number] of Object.entries({ context_length: context, max_output_tokens: output })) {
    if (number !== undefined && !isCount(number)) report(`${path}.${key}`, 'must be a whole number of tokens above 0');
  }
  return {
    ...(isText(upstream) ? { upstream } : {}),
    settings: {
      ...(isText(family) ? { family } : {}),
      ...(isCount(context) ? { contextLength: context } : {}),
      ...(isCount(output) ? { maxOutput: output } : {}),
      ...over(service, readShared(value, path, report)),
    },
  };
}

/**
 * The `models` of a service: by the names callers use, with what is to be said of each, or a list of names; `"*"`, or nothing, for whatever the server lists; or both, where `*`
 * among the names says what holds for the others.
 */
export function readModels(
  value: unknown,
  path: string,
  service: string,
  shared: Partial<ModelSettings>,
  judge: JudgeFamily,
  report: Report,
): Pick<Entry, 'offers' | 'listed'> {
  if (value === undefined || value === ANY) return { offers: [], listed: over(shared, {}) };
  if (Array.isArray(value) && value.every(isText)) {
    const named = Object.fromEntries(value.map((name) => [name, {}]));
    return readModels(named, path, service, shared, judge, report);
  }
  if (!isObject(value) || Object.keys(value).length === 0) {
    report(path, 'must be an object with at least one model, or "*" for all that the server lists');
    return { offers: [] };
  }
  const offers: Entry['offers'][number][] = [];
  let listed: ModelSettings | undefined;
  for (const [model, entry] of Object.entries(value)) {
    const at = memberPath(path, model);
    if (!isText(model)) report(at, 'must have a name');
    const read = readModel(entry, at, shared, judge, report);
    if (!read) continue;
    if (model !== ANY) offers.push({ service, model, upstream: read.upstream ?? model, ...read.settings });
    else if (read.upstream === undefined) listed = read.settings;
    else report(`${at}.upstream`, 'cannot be set for every model at once');
  }
  return { offers, ...(listed ? { listed } : {}) };
}
