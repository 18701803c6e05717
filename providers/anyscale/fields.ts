import { isObject, type JsonObject, memberPath } from '../../src/core/index.ts';

/** Takes a mistake: where it is, as a JSON path, and what ought to be there. Never the value that is. */
export type Report = (path: string, expected: string) => void;

/** The variables and bindings of the deployment, for what a configuration only names. */
export interface Named {
  /** A variable's text. */
  secret(name: string): string | undefined;
  binding(name: string): unknown;
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

export function onlyKeys(fields: JsonObject, path: string, known: readonly string[], report: Report): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) report(memberPath(path, key), `is not known; known here are ${known.join(', ')}`);
  }
}

/** A name as it may be shown: what does not look like the name of a variable may be the secret itself. */
export const shownName = (name: string): string => (/^[A-Z][A-Z0-9_]{0,79}$/.test(name) ? name : '(not shown)');

/**
 * A value as it is written, or of the variable that `{"env": "NAME"}` names: a file can be shared then, and what is secret
 * stays a secret of the deployment.
 */
export function resolved(value: unknown, path: string, named: Named, report: Report): unknown {
  if (!isObject(value)) return value;
  const { env: name, ...others } = value;
  if (!isText(name) || Object.keys(others).length > 0) {
    report(path, 'must be text, or {"env": "NAME"} for the variable that holds it');
    return undefined;
  }
  const told = named.secret(name);
  if (told !== undefined) return told;
  report(path, `names the variable ${shownName(name)}, which is not set`);
  return undefined;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Written by the gateway or by the connection, for each request. */
const RESERVED = ['accept', 'connection', 'content-length', 'content-type', 'host', 'transfer-encoding'];

/** Headers by their names in lower case. `hasToken` says that `authorization` is taken. */
export function readHeaders(
  value: unknown,
  path: string,
  hasToken: boolean,
  named: Named,
  report: Report,
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
      const text = resolved(given, at, named, report);
      if (typeof text === 'string' && /^[ -~]+$/.test(text)) headers[lower] = text.trim();
      else if (text !== undefined || !isObject(given)) report(at, 'must be one line of printable ASCII');
    }
  }
  return headers;
}
