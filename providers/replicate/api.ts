import Replicate from 'replicate';
import { abortReason, asGatewayError, type Fetch, GatewayError, unreachable } from '../../src/core/index.ts';
import { wholeText } from './body.ts';
import { httpError } from './errors.ts';
import { type Prediction, parsePrediction } from './prediction.ts';
import type { CreateRequest } from './request.ts';

/** Replicate's HTTP API, as far as a generation needs it. Each method makes exactly one HTTP request. */
export interface ReplicateApi {
  create(request: CreateRequest, signal: AbortSignal): Promise<Prediction>;
  get(id: string, signal: AbortSignal): Promise<Prediction>;
  cancel(id: string, signal: AbortSignal): Promise<void>;
  /** The event stream of a prediction, at whatever host it is: so it gets no credential. */
  stream(url: string, signal: AbortSignal): Promise<Response>;
}

export interface ApiSettings {
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: Fetch;
}

type RequestOptions = Parameters<Replicate['request']>[1];

export function replicateApi({ token, baseUrl, fetch }: ApiSettings): ReplicateApi {
  /**
   * The official client builds and sends the request; what comes back is judged here. On its own it repeats a create six
   * times within 20 ms on a 429 or a dropped connection, each one billed, and ignores Retry-After (replicate 1.4.0,
   * lib/util.js `withAutomaticRetries`). It does not repeat what succeeded: so its fetch keeps the real outcome aside and
   * hands it an empty 200 whatever happened.
   */
  async function once(route: string, options: RequestOptions): Promise<Response> {
    let outcome: Response | undefined;
    const client = new Replicate({
      auth: token,
      baseUrl,
      userAgent: 'chasqui',
      useFileOutput: false,
      fetch: async (url, init) => {
        try {
          // A redirect would repeat a create, and might carry the token elsewhere.
          outcome = await fetch(url, { ...init, redirect: 'manual' });
        } catch {
          // No answer came: `outcome` stays unset, which is reported below.
        }
        return new Response(null);
      },
    });
    await client.request(route, options);
    if (outcome) return outcome;
    const { signal } = options;
    throw signal?.aborted ? abortReason(signal) : unreachable('Replicate');
  }

  async function text(response: Response, signal: AbortSignal): Promise<string> {
    try {
      return await wholeText(response, signal);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw unreachable('Replicate');
    }
  }

  async function refusal(request: 'create' | 'get', response: Response, signal: AbortSignal): Promise<GatewayError> {
    // The status says most of it: a body that cannot be read takes nothing from that.
    const body = await text(response, signal).catch(() => '');
    return httpError(request, response, body);
  }

  return {
    async create({ route, headers, data }, signal) {
      try {
        const response = await once(route, { method: 'POST', headers, data, signal });
        if (response.ok) return parsePrediction(await text(response, signal));
        throw await refusal('create', response, signal);
      } catch (error) {
        // Once the bytes may have left, the prediction may exist, unless Replicate says that it does not.
        const { code, message, details } = asGatewayError(error);
        throw new GatewayError(code, message, { maybeBilled: true, ...details });
      }
    },
    async get(id, signal) {
      const response = await once(`predictions/${id}`, { method: 'GET', signal });
      if (!response.ok) throw await refusal('get', response, signal);
      return parsePrediction(await text(response, signal));
    },
    async cancel(id, signal) {
      const response = await once(`predictions/${id}/cancel`, { method: 'POST', signal });
      await response.body?.cancel();
    },
    stream: (url, signal) => fetch(url, { headers: { Accept: 'text/event-stream' }, signal }),
  };
}
