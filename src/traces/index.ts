/** Traces: a request's place in its caller's trace, and its spans on their way to a collector. */
import { type CallRecord, type CallTrace, carryHeaders, type ErrorCode } from '../core/index.ts';
import { attemptSpanId, beginTrace, readParent, traceparent } from './context.ts';
import type { SendSpans } from './sender.ts';
import type { TraceSettings } from './settings.ts';
import { attemptSpans, requestSpan, type SpanOptions } from './spans.ts';

export { type SenderOptions, type SendSpans, spanSender } from './sender.ts';
export { type Collector, readTraceSettings, type TraceSettings } from './settings.ts';
export type { Span, SpanOptions } from './spans.ts';

/** One request, as far as its trace is concerned. */
export interface TracedRequest {
  /** The value of `traceresponse`, if spans of it are recorded. */
  readonly response: string | undefined;
  /** The request became a call: its spans wait for the call's record. */
  begins(): void;
  /** Requests with this signal are the attempt's. Absent: providers are told nothing. */
  readonly carry?: (attempt: number, signal: AbortSignal) => void;
  /** The call is over. */
  record(record: CallRecord): void;
  /** The request has its answer, though a stream may go on. */
  answered(status: number, outcome: 'ok' | ErrorCode): void;
}

export interface Traces {
  /** Undefined: there is nothing to say of this request. */
  begin(path: string, headers: Headers): TracedRequest | undefined;
}

export interface TraceOptions extends SpanOptions {
  readonly settings: TraceSettings;
  /** Absent where there is no collector. */
  readonly send: SendSpans | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Undefined where nobody asked for traces: then no request pays for any. */
export function tracing({ settings, send, now, ...options }: TraceOptions): Traces | undefined {
  const { collector, toProviders } = settings;
  if (!collector || !send) return toProviders ? { begin: (_path, headers) => passedOn(headers) } : undefined;
  const { sampler } = collector;

  return {
    begin(path, headers) {
      const trace = beginTrace(readParent(headers), sampler, crypto.getRandomValues(new Uint8Array(24)));
      const began = now();
      let isCall = false;
      let answer: { readonly status: number; readonly outcome: 'ok' | ErrorCode; readonly at: number } | undefined;
      let record: CallRecord | undefined;

      function sendIfOver(): void {
        if (!answer || (isCall && !record) || !trace.sampled) return;
        const seen = {
          path,
          status: answer.status,
          outcome: record?.outcome ?? answer.outcome,
          began,
          ended: Math.max(answer.at, record?.ended ?? 0),
        };
        const spans = [requestSpan(trace, seen, record, options)];
        if (record) spans.push(...attemptSpans(trace, record, options));
        send?.(spans);
      }

      return {
        response: traceparent(trace, trace.spanId),
        begins() {
          isCall = true;
        },
        ...(toProviders ? { carry: carrier((attempt) => headersOf(trace, attemptSpanId(trace, attempt))) } : {}),
        record(told) {
          record = told;
          sendIfOver();
        },
        answered(status, outcome) {
          answer = { status, outcome, at: now() };
          sendIfOver();
        },
      };
    },
  };
}

type OutgoingHeaders = Readonly<Record<string, string>>;

const headersOf = (trace: Omit<CallTrace, 'spanId'>, spanId: string): OutgoingHeaders => ({
  traceparent: traceparent(trace, spanId),
  ...(trace.state === undefined ? {} : { tracestate: trace.state }),
});

const carrier =
  (headers: (attempt: number) => OutgoingHeaders) =>
  (attempt: number, signal: AbortSignal): void =>
    carryHeaders(signal, headers(attempt));

const ignored = (): void => undefined;

/** Without spans of our own, the caller's span stays the parent of what providers record. */
function passedOn(headers: Headers): TracedRequest | undefined {
  const parent = readParent(headers);
  if (!parent) return undefined;
  const outgoing = headersOf(parent, parent.parentId);
  return {
    response: undefined,
    begins: ignored,
    carry: carrier(() => outgoing),
    record: ignored,
    answered: ignored,
  };
}
