/** One service: where it is, how to get in, and how to ask it for something other than an answer. */
import type { Fetch, ServiceOffer } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';

/** One deployment: its address and credentials. */
export interface Service {
  readonly id: string;
  /** Without a slash at its end; usually ends in `/v1`. */
  readonly baseUrl: string;
  readonly token?: string;
  /** Sent with every request, for example to an access proxy in front of the server. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Reaches the service through a binding of the Worker. Absent: over the network. */
  readonly fetch?: Fetch;
}

/** The settings of a model, apart from its names. */
export type ModelSettings = Omit<ServiceOffer, 'provider' | 'service' | 'model' | 'upstream'>;

/** A service as configured. Its `offers` do not name the provider yet. */
export interface ConfiguredService extends Service {
  readonly offers: readonly Omit<ServiceOffer, 'provider'>[];
  /** Settings of models that the server lists and the configuration does not. Absent: the server is not asked. */
  readonly listed?: ModelSettings;
  /** A whole sentence about an address that is probably wrong. */
  readonly warning?: string;
}

/** Characters of a list of models, or of the tokens of a long text. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** Headers of every request to a service. */
export const headersFor = ({ token, headers }: Service): Readonly<Record<string, string>> => ({
  ...headers,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});

/** The server's root, without `/v1`: for routes that stand beside it. */
export const rootOf = ({ baseUrl }: Service): string => baseUrl.replace(/\/v\d+$/, '');

/** A server's answer: parsed JSON, or text. Status 0: the server could not be reached, or not in time. */
export interface ServiceReply {
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

/** Sends a small request: GET, or POST with a body. Never throws. */
export async function callService(
  service: Service,
  url: string,
  body: unknown,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<ServiceReply> {
  try {
    const response = await (service.fetch ?? fetch)(url, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headersFor(service) },
      signal,
      // A redirect may send the token to another host.
      redirect: 'manual',
    });
    const { text, cut } = await bodyText(response, signal, MAX_ANSWER);
    if (cut || signal.aborted) return { status: 0, headers: response.headers, body: undefined };
    return { status: response.status, headers: response.headers, body: parsed(text) };
  } catch {
    // The message of fetch's error may contain hosts and paths.
    return { status: 0, headers: new Headers(), body: undefined };
  }
}
