import { isObject, type JsonObject, memberPath, parseDollars, type ServiceOffer } from '../../src/core/index.ts';
import { readBaseUrl } from './base-url.ts';
import type { Service } from './service.ts';

/** A service as configured; `offers` lack the provider, which is not the entry's to say. */
export interface Entry extends Service {
  readonly offers: readonly Omit<ServiceOffer, 'provider'>[];
}

/** Takes a mistake: where it is, as a JSON path, and what ought to be there. Never the value that is. */
type Report = (path: string, expected: string) => void;

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

function onlyKeys(fields: JsonObject, path: string, known: readonly string[], report: Report): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) report(memberPath(path, key), `is not known; known here are ${known.join(', ')}`);
  }
}

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
  if (value === undefined) return UNKNOWN;
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

function readModels(value: unknown, path: string, service: string, cost: Cost, report: Report): Entry['offers'] {
  if (!isObject(value) || Object.keys(value).length === 0) {
    report(path, 'must be an object with at least one model');
    return [];
  }
  return Object.entries(value).flatMap(([model, entry]) => {
    const at = memberPath(path, model);
    if (!isText(model)) report(at, 'must have a name');
    if (!isObject(entry)) {
      report(at, 'must be an object');
      return [];
    }
    onlyKeys(entry, at, ['upstream', 'family', 'context_length', 'max_output_tokens'], report);
    const { upstream, family, context_length: context, max_output_tokens: output } = entry;
    if (upstream !== undefined && !isText(upstream))
      report(`${at}.upstream`, "must be the service's own id of the model");
    if (family !== undefined && !isText(family)) report(`${at}.family`, 'must be the name of a template family');
    for (const [key, number] of Object.entries({ context_length: context, max_output_tokens: output })) {
      if (number !== undefined && !isCount(number)) report(`${at}.${key}`, 'must be a whole number of tokens above 0');
    }
    return [
      {
        service,
        model,
        upstream: isText(upstream) ? upstream : model,
        ...(isText(family) ? { family } : {}),
        ...(isCount(context) ? { contextLength: context } : {}),
        ...(isCount(output) ? { maxOutput: output } : {}),
        ...cost,
      },
    ];
  });
}

function readEntry(value: unknown, path: string, taken: Set<string>, report: Report): Entry[] {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return [];
  }
  onlyKeys(value, path, ['id', 'base_url', 'token', 'models', 'price'], report);
  const id = typeof value.id === 'string' && /^[a-z0-9-]{1,64}$/.test(value.id) ? value.id : undefined;
  if (id === undefined) report(`${path}.id`, 'must be 1 to 64 of the characters a-z, 0-9 and -');
  else if (taken.has(id)) report(`${path}.id`, 'must be a name that no other service or provider has');
  else taken.add(id);
  const baseUrl = readBaseUrl(value.base_url);
  if ('mistake' in baseUrl) report(`${path}.base_url`, baseUrl.mistake);
  const token = typeof value.token === 'string' ? value.token.trim() : value.token;
  if (token !== undefined && (typeof token !== 'string' || !/^[!-~]*$/.test(token))) {
    report(`${path}.token`, 'must be one line of printable ASCII without spaces');
  }
  const cost = readPrice(value.price, `${path}.price`, report);
  const offers = readModels(value.models, `${path}.models`, id ?? '', cost, report);
  if (id === undefined || 'mistake' in baseUrl) return [];
  return [{ id, baseUrl: baseUrl.url, ...(isText(token) ? { token } : {}), offers }];
}

/**
 * The services a variable describes: JSON, or the value itself where the platform has parsed it already. Every mistake is
 * reported, as a sentence that names the variable and the place in it. `reserved` ids are not to be had.
 */
export function readServices(
  variable: string,
  value: unknown,
  reserved: readonly string[],
): { readonly entries: readonly Entry[]; readonly mistakes: readonly string[] } {
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) {
    return { entries: [], mistakes: [] };
  }
  let list: unknown = value;
  if (typeof value === 'string') {
    try {
      list = JSON.parse(value);
    } catch {
      // The parser's message quotes the text, which holds tokens.
      return { entries: [], mistakes: [`${variable} must be valid JSON.`] };
    }
  }
  if (!Array.isArray(list)) return { entries: [], mistakes: [`${variable} must be a JSON array of services.`] };
  const mistakes: string[] = [];
  const taken = new Set(reserved);
  const report: Report = (path, expected) => mistakes.push(`${path} ${expected}.`);
  const entries = list.flatMap((entry: unknown, i) => readEntry(entry, `${variable}[${i}]`, taken, report));
  return { entries, mistakes };
}
