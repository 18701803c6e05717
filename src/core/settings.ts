/** Checks of configured values that every provider needs: text, one-line credentials, base URLs. */

/** A variable's text without spaces around it; empty where it is not set. */
export const settingText = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** One word of printable ASCII, which can go into a header. */
export const isOneWord = (value: string): boolean => /^[!-~]+$/.test(value);

/** An http or https URL, parsed; undefined if the value is anything else. */
export function httpUrl(value: unknown): URL | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return /^https?:$/.test(url.protocol) ? url : undefined;
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
