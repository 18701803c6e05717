/** What arrived, for tests to look at: bounded, in the order of arrival, credentials masked. */
export interface Entry {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly provider: string;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed if it is JSON; the start of it if it is long. */
  readonly body: unknown;
  model?: string;
  /** What reached the model, in its chat template where there is one; the start of it if it is long. Of several, the first. */
  prompt?: string;
  /** What the prompts are billed. */
  promptTokens?: number;
  /** The first prompt in tokens, the first few thousand of them; not where they are estimated. */
  promptIds?: readonly number[];
  /** The faults this request was answered with. */
  faults?: unknown;
  status?: number;
  /** Set when the body was delivered to its end, or was broken off by a fault. */
  ended?: 'complete' | 'broken';
  /** The client went before the answer was complete. */
  aborted: boolean;
  /** On Replicate's create: its prediction was canceled. */
  canceled?: boolean;
}

const MAX_ENTRIES = 500;
const MAX_BODY_CHARACTERS = 64 * 1024;
const MAX_IDS = 4096;
const SECRET = /^(authorization|x-amz-security-token|x-api-key|cookie)$/i;

const entries: Entry[] = [];
let next = 1;

/** Keeps what tells one credential's kind from another: the scheme, and the signed part that is no secret. */
const mask = (value: string): string =>
  value.replace(/^(Bearer|Token)\s.*$/i, '$1 ***').replace(/Signature=\w+/, 'Signature=***');

export function record(provider: string, request: Request, url: URL, source: string, json: unknown): Entry {
  const headers = Object.fromEntries(
    [...request.headers].map(([name, value]) => [name, SECRET.test(name) ? mask(value) : value]),
  );
  const body = source.length > MAX_BODY_CHARACTERS ? source.slice(0, MAX_BODY_CHARACTERS) : (json ?? source);
  const entry: Entry = {
    id: next++,
    at: Date.now(),
    provider,
    method: request.method,
    path: url.pathname + url.search,
    headers,
    body,
    aborted: false,
  };
  entries.push(entry);
  if (entries.length > MAX_ENTRIES) entries.shift();
  return entry;
}

interface Prompt {
  readonly text: string | undefined;
  readonly ids: readonly number[] | undefined;
}

/** Adds what a request came to at the model. */
export function recordPrompt(entry: Entry, prompt: Prompt | undefined, tokens: number): void {
  if (prompt?.text !== undefined) entry.prompt = prompt.text.slice(0, MAX_BODY_CHARACTERS);
  if (prompt?.ids) entry.promptIds = prompt.ids.slice(0, MAX_IDS);
  entry.promptTokens = tokens;
}

export const journal = (): readonly Entry[] => entries;

export function forget(): void {
  entries.length = 0;
}
