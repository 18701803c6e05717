import type { Fetch } from '../../../src/core/index.ts';
import type { ListSource } from './sources.ts';
import type { Heard } from './types.ts';

const TIMEOUT_MS = 30_000;

/** What a source says; undefined where it wants a key that is not there. Throws for whatever is not the list as it was. */
export async function ask(
  { id, url, authority, key, read }: ListSource,
  env: Readonly<Record<string, string | undefined>>,
  fetch: Fetch,
): Promise<Heard | undefined> {
  const secret = key === undefined ? undefined : env[key];
  if (key !== undefined && !secret) return undefined;
  const response = await fetch(url, {
    headers: secret ? { authorization: `Bearer ${secret}` } : {},
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return { source: id, authority, ...read(await response.json()) };
}
