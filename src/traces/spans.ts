/**
 * The spans of a finished call as OTLP's JSON has them: ids in hex, 64-bit integers as text, enums as numbers
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). They hold numbers and names, and no text of a
 * prompt or an answer.
 */
import {
  type AttemptEnd,
  type AttemptStart,
  BILLING,
  type CallRecord,
  type CallTrace,
  completionTokens,
  type ErrorCode,
  formatDollars,
  type MoneyOutcome,
  type NanoDollars,
  promptTokens,
} from '../core/index.ts';
import { attemptSpanId } from './context.ts';

/**
 * OpenTelemetry's conventions for generative AI, v0.1.0: github.com/open-telemetry/semantic-conventions-genai. Every
 * name in it may still change. `gen_ai.usage.cost` is not in it, but is what Langfuse and PostHog read.
 */
export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirst: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  cacheWrite: 'gen_ai.usage.cache_write.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
  cost: 'gen_ai.usage.cost',
} as const;

/** By the API that the provider is asked with: a rendered prompt is a text completion, whatever the caller sent. */
const OPERATIONS: Readonly<Record<string, string>> = {
  converse: 'chat',
  chat: 'chat',
  invoke: 'text_completion',
  predictions: 'text_completion',
  completions: 'text_completion',
};

const KINDS = { server: 2, client: 3 } as const;
const FAILED = { code: 2 };

type Value =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly Value[] } };

type Attribute = { readonly key: string; readonly value: Value };
type Attributes = readonly (Attribute | false | undefined)[];

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code: number };
}

const text = (key: string, value: string | undefined): Attribute | undefined =>
  value === undefined ? undefined : { key, value: { stringValue: value } };
const flag = (key: string, value: boolean | undefined): Attribute | undefined =>
  value === undefined ? undefined : { key, value: { boolValue: value } };
const int = (key: string, value: number | undefined): Attribute | undefined =>
  value === undefined ? undefined : { key, value: { intValue: String(value) } };
const double = (key: string, value: number | undefined): Attribute | undefined =>
  value === undefined ? undefined : { key, value: { doubleValue: value } };

const given = (attributes: Attributes): readonly Attribute[] =>
  attributes.filter((one) => one !== undefined && one !== false);

const nanos = (ms: number): string => `${Math.round(ms)}000000`;
const dollars = (amount: NanoDollars): number => Number(formatDollars(amount));

/** What the request says of itself, whether or not it became a call. */
export interface RequestSeen {
  readonly path: string;
  readonly status: number;
  readonly outcome: 'ok' | ErrorCode;
  /** Milliseconds since the epoch. */
  readonly began: number;
  readonly ended: number;
}

export interface SpanOptions {
  /** A provider's name in the conventions. */
  readonly nameOf: (provider: string) => string;
  /** For names that callers and providers choose. */
  readonly redact: (text: string) => string;
}

/** The span of the request, without tokens: they would be counted twice. */
export function requestSpan(
  trace: CallTrace,
  seen: RequestSeen,
  record: CallRecord | undefined,
  { redact }: SpanOptions,
): Span {
  const { path, status, outcome, began, ended } = seen;
  // A client's mistake is no failure of the server: conventions for HTTP spans.
  const failed = outcome !== 'ok' && outcome !== 'canceled' && !(status >= 400 && status < 500);
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    ...(trace.parentId === undefined ? {} : { parentSpanId: trace.parentId }),
    ...(trace.state === undefined ? {} : { traceState: redact(trace.state) }),
    name: `POST ${path}`,
    kind: KINDS.server,
    startTimeUnixNano: nanos(began),
    endTimeUnixNano: nanos(Math.max(began, ended)),
    attributes: given([
      text('http.request.method', 'POST'),
      text('http.route', path),
      int('http.response.status_code', status),
      text('error.type', outcome === 'ok' ? undefined : outcome),
      ...(record ? callAttributes(record, redact) : []),
    ]),
    ...(failed ? { status: FAILED } : {}),
  };
}

const sum = (ends: readonly AttemptEnd[]): NanoDollars => ends.reduce((total, { cost }) => total + (cost ?? 0n), 0n);

function callAttributes({ start, attempts }: CallRecord, redact: SpanOptions['redact']): Attributes {
  const ended = (money: MoneyOutcome) => attempts.map(({ end }) => end).filter((end) => end.money === money);
  const bounds = ended('upper_bound');
  const unknown = ended('unknown').length;
  return [
    text('chasqui.generation.id', start.call),
    text('chasqui.account', start.account),
    text('chasqui.key', start.key),
    text('chasqui.dialect', start.dialect),
    flag('chasqui.streamed', start.streamed),
    text('chasqui.asked', redact(start.asked)),
    int('chasqui.attempts', attempts.length),
    text('chasqui.cost', formatDollars(sum(ended('settled')))),
    bounds.length > 0 && text('chasqui.cost_upper_bound', formatDollars(sum(bounds))),
    unknown > 0 && int('chasqui.cost_unknown', unknown),
  ];
}

/** The spans of a call's attempts at providers. */
export const attemptSpans = (trace: CallTrace, { attempts }: CallRecord, options: SpanOptions): readonly Span[] =>
  attempts.map(({ start, end }) => attemptSpan(trace, start, end, options));

function attemptSpan(trace: CallTrace, start: AttemptStart, end: AttemptEnd, { nameOf, redact }: SpanOptions): Span {
  const { outcome, usage, first, money, cost } = end;
  const paid = money === 'released' ? 0n : cost;
  const operation = OPERATIONS[start.api] ?? start.api;
  // The conventions' word for an answer that never came to its end.
  const unfinished = outcome !== 'ok' && first !== undefined ? 'error' : undefined;
  const finish = end.finish ?? unfinished;
  return {
    traceId: trace.traceId,
    spanId: attemptSpanId(trace, start.attempt),
    parentSpanId: trace.spanId,
    ...(trace.state === undefined ? {} : { traceState: redact(trace.state) }),
    name: `${operation} ${start.upstream}`,
    kind: KINDS.client,
    startTimeUnixNano: nanos(start.started),
    endTimeUnixNano: nanos(Math.max(start.started, end.ended)),
    attributes: given([
      text(GEN_AI.operation, operation),
      text(GEN_AI.provider, nameOf(start.provider)),
      text(GEN_AI.requestModel, start.upstream),
      finish !== undefined && {
        key: GEN_AI.finishReasons,
        value: { arrayValue: { values: [{ stringValue: finish }] } },
      },
      double(GEN_AI.timeToFirst, first === undefined ? undefined : Math.max(0, first - start.started) / 1000),
      int(GEN_AI.inputTokens, usage && promptTokens(usage)),
      int(GEN_AI.outputTokens, usage && completionTokens(usage)),
      int(GEN_AI.cacheRead, usage?.cacheRead),
      int(GEN_AI.cacheWrite, usage?.cacheWrite),
      int(GEN_AI.reasoning, usage?.reasoning),
      // A bound is no cost: whoever adds these up would be told too much.
      double(GEN_AI.cost, cost !== undefined && money === 'settled' ? dollars(cost) : undefined),
      int('http.response.status_code', end.status),
      text('error.type', outcome === 'ok' ? undefined : outcome),
      int('chasqui.attempt', start.attempt),
      text('chasqui.model', start.model),
      text('chasqui.provider', start.provider),
      text('chasqui.service', start.service),
      text('chasqui.api', start.api),
      int('chasqui.upstream_requests', start.requests),
      text('chasqui.cost', paid === undefined ? undefined : formatDollars(paid)),
      text('chasqui.billing', BILLING[money]),
      text('chasqui.price', end.priceRule),
      text('chasqui.tokens_from', usage?.source),
      text('chasqui.provider_request_id', end.upstreamId === undefined ? undefined : redact(end.upstreamId)),
      flag('chasqui.canceled', end.canceled),
      flag('chasqui.resumed', end.resumed),
      flag('chasqui.undelivered', end.undelivered),
      flag('chasqui.overrun', end.overrun),
    ]),
    ...(outcome === 'ok' || outcome === 'canceled' ? {} : { status: FAILED }),
  };
}

/** The body of a request to a collector. */
export const exportRequest = (spans: readonly Span[], resource: Readonly<Record<string, string>>): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: given(Object.entries(resource).map(([key, value]) => text(key, value))) },
        scopeSpans: [{ scope: { name: 'chasqui' }, spans }],
      },
    ],
  });
