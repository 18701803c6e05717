/**
 * Values that nobody has checked yet: members of parsed JSON, and settings that people write. And the order of
 * names.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object: not an array, not null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The path of a member. A key that is not a plain name is quoted and cut. */
export const memberPath = (path: string, key: string): string =>
  /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 80))}]`;

/**
 * Orders by code units, the same on every machine. `localeCompare` does not, and loads a collation at its first use:
 * 14 ms of a cold start.
 */
export const byCodeUnits = (a: string, b: string): number => Number(a > b) - Number(a < b);

/** A variable's text without spaces around it; empty where it is not set. */
export const settingText = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** One word of printable ASCII, which can go into a header. */
export const isOneWord = (value: string): boolean => /^[!-~]+$/.test(value);

/** An http or https URL, parsed; undefined if the value is anything else. */
export function httpUrl(value: unknown): URL | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** Nothing but host, port and path: no credentials, query or fragment. */
export const isPlainUrl = (url: URL): boolean => !url.username && !url.password && !url.search && !url.hash;

/** A configured base URL without slashes at its end. Undefined if it is not a plain http or https URL. */
export function plainBaseUrl(value: unknown): string | undefined {
  const url = httpUrl(value);
  return url && isPlainUrl(url) ? url.href.replace(/\/+$/, '') : undefined;
}

/** The base URL ends in a version, such as `/v1`. */
export const endsInVersion = (url: string): boolean => /\/v\d+\/?$/.test(url);

/** A value that is made when it is first asked for, and only once. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
