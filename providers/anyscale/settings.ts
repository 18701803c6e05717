/**
 * Reads what a configuration says of a service's models: names, price, timeouts, capabilities. Also the checks that it
 * shares with the rest of a service's entry (services.ts). Every mistake is reported with its JSON path.
 */
import {
  isObject,
  type JsonObject,
  memberPath,
  parseDollars,
  type ServiceOffer,
  type TimeoutSettings,
} from '../../src/core/index.ts';
import type { ConfiguredService, ModelSettings } from './service.ts';

/** Reports a mistake: its JSON path and what is expected there. Never the value, which may be a secret. */
export type ReportMistake = (path: string, expected: string) => void;

/** The deployment's variables and bindings, which a configuration can refer to by name. */
export interface Bindings {
  /** A variable's text. */
  secret(name: string): string | undefined;
  binding(name: string): unknown;
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

export function onlyKeys(fields: JsonObject, path: string, known: readonly string[], report: ReportMistake): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) report(memberPath(path, key), `is not known; known here are ${known.join(', ')}`);
  }
}

/** A variable's name for an error message. Anything that does not look like one may be the secret itself. */
export const shownName = (name: string): string => (/^[A-Z][A-Z0-9_]{0,79}$/.test(name) ? name : '(not shown)');

/**
 * A value as written, or the variable's value for `{"env": "NAME"}`. With it a configuration file has no secrets in it
 * and can be shared.
 */
export function resolved(value: unknown, path: string, bindings: Bindings, report: ReportMistake): unknown {
  if (!isObject(value)) return value;
  const { env: name, ...others } = value;
  if (!isText(name) || Object.keys(others).length > 0) {
    report(path, 'must be text, or {"env": "NAME"} for the variable that holds it');
    return undefined;
  }
  const told = bindings.secret(name);
  if (told !== undefined) return told;
  report(path, `names the variable ${shownName(name)}, which is not set`);
  return undefined;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Headers that the gateway or the connection sets. */
const RESERVED = ['accept', 'connection', 'content-length', 'content-type', 'host', 'transfer-encoding'];

/** Headers by their names in lower case. `hasToken`: `authorization` is set already. */
export function readHeaders(
  value: unknown,
  path: string,
  hasToken: boolean,
  bindings: Bindings,
  report: ReportMistake,
): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isObject(value)) {
    report(path, 'must be an object of header names and values');
    return {};
  }
  const headers: Record<string, string> = {};
  for (const [name, given] of Object.entries(value)) {
    const at = memberPath(path, name);
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name)) report(at, 'must be named like a header');
    else if (RESERVED.includes(lower)) report(at, 'is written by the gateway and cannot be set');
    else if (lower === 'authorization' && hasToken)
      report(at, 'cannot be set beside token, which is sent under this name');
    else {
      const text = resolved(given, at, bindings, report);
      if (typeof text === 'string' && /^[ -~]+$/.test(text)) headers[lower] = text.trim();
      else if (text !== undefined || !isObject(given)) report(at, 'must be one line of printable ASCII');
    }
  }
  return headers;
}

/** Stands for all models that the server lists. */
const ANY = '*';

const MODEL_FIELDS = [
  'upstream',
  'kind',
  'family',
  'context_length',
  'max_output_tokens',
  'dimensions',
  'price',
  'timeouts',
  'capabilities',
];

const KINDS = ['chat', 'embedding', 'rerank'] as const;

function dollars(value: unknown, path: string, report: ReportMistake): bigint | undefined {
  try {
    if (typeof value === 'string') return parseDollars(value);
  } catch {
    // Reported below, like every other value that is not an amount.
  }
  report(path, 'must be an amount in dollars as a decimal string, like "0.66"');
  return undefined;
}

type Cost = Pick<ServiceOffer, 'price' | 'hourly'>;

const UNKNOWN: Cost = { price: { known: false } };

/** At less than a thousandth of a token a second, no price of a token can be worked out. */
const isRate = (value: unknown): value is number => typeof value === 'number' && value >= 0.001 && value <= 1e9;

/** A price by the token, or by the hour, shared among the output tokens (Anyscale bills hardware time only). */
function readPrice(value: unknown, path: string, report: ReportMistake): Cost {
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

function readTimeouts(value: unknown, path: string, report: ReportMistake): TimeoutSettings {
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

function readCapabilities(value: unknown, path: string, report: ReportMistake): Capabilities {
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

/** Settings that a service can have for all its models, and each model for itself. */
export function readShared(
  value: Readonly<Record<string, unknown>>,
  path: string,
  report: ReportMistake,
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

/** A model's settings over its service's: the price as a whole, timeouts and capabilities one by one. */
function mergeSettings(service: Partial<ModelSettings>, model: Partial<ModelSettings>): ModelSettings {
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

/** The lengths of vectors that an embedding model can make: one number, or several, the usual one first. */
function readDimensions(value: unknown, path: string, report: ReportMistake): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const lengths: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (lengths.length > 0 && lengths.every(isCount)) return lengths;
  report(path, 'must be a whole number above 0, or a list of them with the usual one first');
  return undefined;
}

/** Checks the name of a template family. Undefined: it is known. Otherwise what is expected. */
export type CheckFamily = (family: string) => string | undefined;

function readModel(
  value: unknown,
  path: string,
  service: Partial<ModelSettings>,
  checkFamily: CheckFamily,
  report: ReportMistake,
): { readonly settings: ModelSettings; readonly upstream?: string } | undefined {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return undefined;
  }
  onlyKeys(value, path, MODEL_FIELDS, report);
  const { upstream, kind: kindGiven, family, context_length: context, max_output_tokens: output, dimensions } = value;
  const kind = KINDS.find((one) => one === kindGiven);
  if (kindGiven !== undefined && !kind) report(`${path}.kind`, `must be one of ${KINDS.join(', ')}`);
  const lengths = readDimensions(dimensions, `${path}.dimensions`, report);
  if (upstream !== undefined && !isText(upstream)) {
    report(`${path}.upstream`, "must be the service's own id of the model");
  }
  const mistake =
    family === undefined ? undefined : isText(family) ? checkFamily(family) : 'must be the name of a family of models';
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
      ...(kind ? { kind } : {}),
      ...(lengths ? { dimensions: lengths } : {}),
      ...mergeSettings(service, readShared(value, path, report)),
    },
  };
}

/**
 * The `models` of a service: an object of model names and settings, or a list of names. `"*"`, or no `models` at all,
 * stands for every model that the server lists. As a name in the object, `*` has the settings of all models not named.
 */
export function readModels(
  value: unknown,
  path: string,
  service: string,
  shared: Partial<ModelSettings>,
  checkFamily: CheckFamily,
  report: ReportMistake,
): Pick<ConfiguredService, 'offers' | 'listed'> {
  if (value === undefined || value === ANY) return { offers: [], listed: mergeSettings(shared, {}) };
  if (Array.isArray(value) && value.every(isText)) {
    const named = Object.fromEntries(value.map((name) => [name, {}]));
    return readModels(named, path, service, shared, checkFamily, report);
  }
  if (!isObject(value) || Object.keys(value).length === 0) {
    report(path, 'must be an object with at least one model, or "*" for all that the server lists');
    return { offers: [] };
  }
  const offers: ConfiguredService['offers'][number][] = [];
  let listed: ModelSettings | undefined;
  for (const [model, entry] of Object.entries(value)) {
    const at = memberPath(path, model);
    if (!isText(model)) report(at, 'must have a name');
    const read = readModel(entry, at, shared, checkFamily, report);
    if (!read) continue;
    if (model !== ANY) offers.push({ service, model, upstream: read.upstream ?? model, ...read.settings });
    else if (read.upstream === undefined) listed = read.settings;
    else report(`${at}.upstream`, 'cannot be set for every model at once');
  }
  return { offers, ...(listed ? { listed } : {}) };
}
