import type { ErrorFault, Fault } from '../control/faults.ts';
import type { Entry } from '../control/journal.ts';
import type { Credentials } from '../env.ts';

/** One request, read whole. */
export interface Exchange {
  readonly request: Request;
  readonly url: URL;
  /** The path behind the wire's own prefix, still percent-encoded. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
  readonly credentials: Credentials;
  readonly faults: readonly Fault[];
  readonly entry: Entry;
  /** Aborts when the client goes. */
  readonly signal: AbortSignal;
}

/** A piece of a streamed body. Faults count tokens and frames, so a frame says what it holds. */
export interface Frame {
  readonly data: string | Uint8Array;
  /** Tokens of the answer in it; 0 for what only frames them. */
  readonly tokens?: number;
  /** Part of how the wire says that the answer is complete. */
  readonly terminal?: boolean;
}

export type Answer =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: unknown;
      /** Tokens in the body, for faults that count them. */
      readonly tokens?: number;
      /** In place of the exchange's faults. */
      readonly faults?: readonly Fault[];
    }
  | {
      readonly kind: 'stream';
      readonly headers: Readonly<Record<string, string>>;
      readonly frames: Iterable<Frame> | AsyncIterable<Frame>;
      /** Frames in one network write, as vLLM batches them. */
      readonly batch?: number;
      readonly faults?: readonly Fault[];
    };

/** One provider's wire. */
export interface Wire {
  readonly provider: string;
  /** The model a request asks for, which fault rules may name. */
  modelOf(exchange: Pick<Exchange, 'path' | 'json'>): string | undefined;
  /** Whether a request asks for an answer of a model: rules that name no path apply to these alone. */
  generates(exchange: Pick<Exchange, 'path' | 'request'>): boolean;
  answer(exchange: Exchange): Promise<Answer> | Answer;
  /** What the provider says with an error status. */
  refusal(status: number): Answer;
  /** How the provider breaks off an answer under way. */
  interruption(fault: ErrorFault): readonly Frame[];
  /** A frame in the wire's framing whose payload is no JSON. */
  garbage(): Frame;
}

export const json = (status: number, body: unknown, headers?: Readonly<Record<string, string>>): Answer => ({
  kind: 'json',
  status,
  body,
  ...(headers && { headers }),
});
