import { type Fetch, isObject } from '../../src/core/index.ts';
import { doubtOfBaseUrl, readBaseUrl } from './base-url.ts';
import { isText, type Named, onlyKeys, type Report, readHeaders, resolved, shownName } from './fields.ts';
import { type JudgeFamily, readModels, readShared } from './models.ts';
import type { Entry } from './service.ts';

const FIELDS = ['id', 'base_url', 'token', 'headers', 'binding', 'models', 'price', 'timeouts', 'capabilities'];

/** What an entry is read with. */
export interface Reading {
  /** Ids that are not to be had. */
  readonly reserved: readonly string[];
  readonly named: Named;
  readonly judgeFamily: JudgeFamily;
}

function readToken(value: unknown, path: string, named: Named, report: Report): string | undefined {
  const given = resolved(value, path, named, report);
  const token = typeof given === 'string' ? given.trim() : given;
  if (token !== undefined && (typeof token !== 'string' || !/^[!-~]*$/.test(token))) {
    report(path, 'must be one line of printable ASCII without spaces');
    return undefined;
  }
  return isText(token) ? token : undefined;
}

const isFetcher = (value: unknown): value is { fetch: Fetch } => isObject(value) && typeof value.fetch === 'function';

/** How a service is reached through a binding: a VPC service, which leads into a private network, or another Worker. */
function readBinding(value: unknown, path: string, named: Named, report: Report): Fetch | undefined {
  if (value === undefined) return undefined;
  if (!isText(value)) {
    report(path, 'must be the name of a binding of this Worker');
    return undefined;
  }
  const bound = named.binding(value);
  if (isFetcher(bound)) return (input, init) => bound.fetch(input, init);
  report(path, `names ${shownName(value)}, which is not bound: it must be a VPC service or a service binding`);
  return undefined;
}

function readEntry(value: unknown, path: string, taken: Set<string>, reading: Reading, report: Report): Entry[] {
  if (!isObject(value)) {
    report(path, 'must be an object');
    return [];
  }
  onlyKeys(value, path, FIELDS, report);
  const id = typeof value.id === 'string' && /^[a-z0-9-]{1,64}$/.test(value.id) ? value.id : undefined;
  if (id === undefined) report(`${path}.id`, 'must be 1 to 64 of the characters a-z, 0-9 and -');
  else if (taken.has(id)) report(`${path}.id`, 'must be a name that no other service or provider has');
  else taken.add(id);
  const baseUrl = readBaseUrl(value.base_url);
  if ('mistake' in baseUrl) report(`${path}.base_url`, baseUrl.mistake);
  const { named, judgeFamily } = reading;
  const token = readToken(value.token, `${path}.token`, named, report);
  const headers = readHeaders(value.headers, `${path}.headers`, token !== undefined, named, report);
  const fetch = readBinding(value.binding, `${path}.binding`, named, report);
  const shared = readShared(value, path, report);
  const models = readModels(value.models, `${path}.models`, id ?? '', shared, judgeFamily, report);
  if (id === undefined || 'mistake' in baseUrl) return [];
  const doubt = typeof value.base_url === 'string' ? doubtOfBaseUrl(value.base_url) : undefined;
  return [
    {
      id,
      baseUrl: baseUrl.url,
      ...(doubt === undefined ? {} : { doubt: `${path}.base_url ${doubt}.` }),
      ...(token === undefined ? {} : { token }),
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(fetch ? { fetch } : {}),
      ...models,
    },
  ];
}

/**
 * The services a variable describes: JSON, or the value itself where the platform has parsed it already. Every mistake is
 * reported, as a sentence that names the variable and the place in it.
 */
export function readServices(
  variable: string,
  value: unknown,
  reading: Reading,
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
  const taken = new Set(reading.reserved);
  const report: Report = (path, expected) => mistakes.push(`${path} ${expected}.`);
  const entries = list.flatMap((entry: unknown, i) => readEntry(entry, `${variable}[${i}]`, taken, reading, report));
  return { entries, mistakes };
}
