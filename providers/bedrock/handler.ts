import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { type Fetch, unreachable } from '../../src/core/index.ts';
import { bytesOf } from './collector.ts';
import { type Reads, reads } from './reads.ts';

/** What the SDK hides of an HTTP answer; undefined until there is one. Header names are in lower case. */
export interface HttpHead {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What came instead of an answer; the SDK does not keep what it cannot parse. */
  readonly text?: string;
}

/** What has been heard of one request. */
export interface Heard {
  head: HttpHead;
  reads: Reads | undefined;
}

interface Listener {
  readonly heard: Heard;
  readonly signal: AbortSignal;
  readonly streamed: boolean;
}

/** Bytes of an error, or of the page that comes in its place. */
const MAX_ERROR = 64 * 1024;

type HandleArguments = Parameters<FetchHttpHandler['handle']>;

/**
 * The SDK's own fetch handler, listened to: the only place where headers and body pass by. A request is known by its
 * abort signal, which is the one thing of a call that the SDK carries unchanged from `send` to here.
 */
class ListeningHandler extends FetchHttpHandler {
  readonly #listeners = new WeakMap<object, Listener>();

  /** `signal` must be this request's alone. */
  listen(signal: AbortSignal, streamed: boolean): Heard {
    const heard: Heard = { head: { headers: {} }, reads: undefined };
    this.#listeners.set(signal, { heard, signal, streamed });
    return heard;
  }

  override async handle(...[request, options]: HandleArguments): ReturnType<FetchHttpHandler['handle']> {
    const answer = await super.handle(request, options);
    const { response } = answer;
    const listener = options?.abortSignal && this.#listeners.get(options.abortSignal);
    if (!listener) return answer;
    const { heard, signal, streamed } = listener;
    heard.head = { status: response.statusCode, headers: response.headers };
    if (!(response.body instanceof ReadableStream)) return answer;
    if (response.statusCode >= 300) {
      const bytes = await bytesOf(response.body, MAX_ERROR);
      heard.head = { ...heard.head, text: new TextDecoder().decode(bytes) };
      response.body = bytes;
    } else if (streamed) {
      heard.reads = reads(response.body, signal);
      response.body = heard.reads;
    }
    return answer;
  }
}

/** The cause is the truth: the SDK writes into the errors that pass through it. */
const unreached = (): Error => new Error('fetch failed', { cause: unreachable('AWS Bedrock') });

export const listeningHandler = (fetch: Fetch): ListeningHandler =>
  new ListeningHandler({
    customFetch: async (request: RequestInfo | URL, init?: RequestInit) => {
      try {
        return await fetch(request, init);
      } catch {
        throw unreached();
      }
    },
    // A redirect would take the signature to another host.
    requestInit: () => ({ redirect: 'manual' }),
  });
