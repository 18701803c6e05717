import type { Fetch } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import type { Service } from './service.ts';

/** Characters of an answer that is read: a list of models, or the tokens of a long text. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** What every request to a service has. */
export const headersFor = ({ token, headers }: Service): Readonly<Record<string, string>> => ({
  ...headers,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});

/** Where a server has what stands beside `/v1` and not below it. */
export const rootOf = ({ baseUrl }: Service): string => baseUrl.replace(/\/v\d+$/, '');

/** What a server said: JSON, or its text where it is none. Status 0: it could not be reached, or not in time. */
export interface Said {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Asks a service for something beside an answer: by POST where there is a body. Never throws. */
export async function ask(
  service: Service,
  url: string,
  body: unknown,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Said> {
  try {
    const response = await (service.fetch ?? fetch)(url, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headersFor(service) },
      signal,
      // It may lead the token to another host.
      redirect: 'manual',
    });
    const { text, cut } = await bodyText(response, signal, MAX_ANSWER);
    if (cut || signal.aborted) return { status: 0, headers: response.headers, body: undefined };
    return { status: response.status, headers: response.headers, body: parsed(text) };
  } catch {
    // What fetch says may name hosts and paths.
    return { status: 0, headers: new Headers(), body: undefined };
  }
}
