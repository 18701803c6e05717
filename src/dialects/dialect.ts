/**
 * A dialect is one shape of API that callers speak. It fills the interface below for each kind of call that it has;
 * its folder holds nothing else. To add one: a folder here, and a route that hands it to `generate`
 * (src/routes/generate.ts).
 */
import {
  type Call,
  type Event,
  formatDollars,
  type GatewayError,
  isObject,
  type NanoDollars,
  type Usage,
} from '../core/index.ts';
import type { Alternative, Receipt } from '../offers/index.ts';

/** @typeParam R what it makes of a body: the call, and how this dialect's caller wants the answer written */
export interface Dialect<R extends ParsedRequest = ParsedRequest> {
  /** The call that a request's body asks for. Throws `invalid_request` naming the field at fault. */
  parse(body: unknown, context: CallContext): R;
  /** The whole answer, as an object to be written as JSON. */
  answer(request: R, envelope: Envelope, events: readonly Event[]): Record<string, unknown>;
  stream(request: R, envelope: Envelope): StreamEncoder;
  error: ErrorForm;
  /** Whether a call that fails before its stream has begun is answered by a stream, which ends in the error. */
  readonly failsInStream?: (request: R, error: GatewayError) => boolean;
  /** A stream begins with the count of the prompt's tokens: the tokenizer must be loaded by then. */
  readonly countsFirst?: true;
}

/** How an error is answered. The body is an object, to be written as JSON. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** @param requestId as in `x-request-id` */
export type ErrorForm = (error: GatewayError, requestId: string) => ErrorAnswer;

/** What the request's headers say about a call, and the id we gave it. */
export interface CallContext {
  readonly id: string;
  readonly timeoutMs?: number;
  /** `x-chasqui-strict: 1` */
  readonly strict: boolean;
  /** `x-session-id` */
  readonly session?: string;
  /** The conversation's id in a header that Claude Code or Codex sends by itself. */
  readonly clientSession?: string;
  /** `user-agent` */
  readonly client?: string;
}

/** Longest id of a conversation. */
export const MAX_SESSION = 256;

/**
 * What can name a conversation in a body. `user` does where it is JSON with a `session_id`, as Claude Code sends it.
 */
interface SessionFields {
  readonly session_id?: string | null | undefined;
  readonly prompt_cache_key?: string | null | undefined;
  readonly user?: string | null | undefined;
}

/**
 * The id of the conversation that a call belongs to: what the caller chose goes before what its program sends by
 * itself, and the body before the headers, as at OpenRouter. Undefined if nothing names it.
 */
export const sessionOf = (context: CallContext, body: SessionFields): string | undefined =>
  (
    body.session_id ||
    context.session ||
    body.prompt_cache_key ||
    context.clientSession ||
    sessionIn(body.user ?? '')
  )?.slice(0, MAX_SESSION);

/**
 * Claude Code's `user_id` is JSON about its installation, which is nobody's business but has the id of the
 * conversation.
 */
export function sessionIn(user: string): string | undefined {
  if (!user.startsWith('{')) return undefined;
  try {
    const about: unknown = JSON.parse(user);
    if (isObject(about) && typeof about.session_id === 'string') return about.session_id;
  } catch {
    // A name that happens to begin with a brace.
  }
  return undefined;
}

export interface ParsedRequest<C extends Call = Call> {
  readonly call: C;
  /** Replaces our names of fields (those of chat completions) by the names of the caller's dialect. */
  readonly callersNames?: (text: string) => string;
}

/** What every answer and every chunk says about itself. */
export interface Envelope {
  readonly id: string;
  /** As in `x-request-id`. */
  readonly requestId?: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Milliseconds since the epoch, when it is called. */
  readonly now?: () => number;
  readonly model: string;
  readonly provider: string;
  /** Whose reasoning the answer has, for a carrier (reasoning-carrier.ts). */
  readonly reasoningFamily?: string;
  /** The upstream's name for the configuration it answered with; null where it gave none. */
  readonly fingerprint: string | null;
  /** The text to repeat before a choice, where the caller asked for `echo` and the provider does not do it. */
  readonly echo?: (choice: number) => string;
  /**
   * The tokens of the prompt, as this offer is expected to bill them. Counted when this is called, if nothing needed
   * it before.
   */
  readonly promptTokens?: () => number;
  /** What a usage cost. */
  readonly costs?: (usage: Usage) => WireCost;
  /** Of a vote: what came of it. */
  readonly vote?: WireVoteResult;
  /** How the answer came about, for callers who ask. */
  readonly debug?: (usage: Usage | undefined) => Readonly<Record<string, unknown>>;
}

/** What came of a vote. Dollars are decimal strings; null is unknown. */
export interface WireVoteResult {
  /** The answer that won; null if too few agree, or none of the samples has an answer. */
  readonly outcome: string | null;
  /** As many samples agree as must. If false, the answer is one of the most common kind all the same. */
  readonly agreed: boolean;
  readonly votes: Readonly<Record<string, number>>;
  readonly abstentions: number;
  /** Share of `samples` that voted for the most common answer. */
  readonly agreement: number;
  /** Samples that answered. */
  readonly samples: number;
  /** Samples that were under way when the vote was decided, and the most they may be billed. */
  readonly cancelled: number;
  readonly cancelled_at_most: string | null;
  /** Samples that no offer could serve. */
  readonly failed: number;
  readonly asked: 'together' | 'separately';
  readonly cost: string | null;
  /** What all samples, each a request of its own, would have cost beyond `cost`. */
  readonly saved: string | null;
}

/** Turns a stream's events into server-sent events: one string for each batch, so that one read is one write. */
export interface StreamEncoder {
  encode(batch: readonly Event[]): string;
  /** What follows the last event of a complete stream. */
  end(): string;
  /** The error that ends a broken stream. Nothing may follow it, so that the stream never looks complete. */
  fail(error: GatewayError): string;
  /** Sent while nothing comes, so that no proxy closes the connection. Absent: an SSE comment is sent. */
  readonly keepAlive?: string;
}

/**
 * The cost of a usage, under OpenRouter's names where it has them
 * (https://openrouter.ai/docs/use-cases/usage-accounting). Dollars are numbers, because clients add them up; the exact
 * amount stands beside them as a decimal string. Unknown is null and never zero.
 */
export interface WireCost {
  readonly cost: number | null;
  readonly cost_exact: string | null;
  /** False: `cost` is everything. Where it is true, clients of OpenRouter add `upstream_inference_cost` to it. */
  readonly is_byok: false;
  readonly cost_details: Readonly<Record<string, unknown>>;
}

const NANO_DOLLARS = 1e9;

/** The double nearest to an amount, from which every amount below nine million dollars can be read back exactly. */
function dollars(amount: NanoDollars): number {
  const nano = Number(amount);
  // Up to here the division is the only rounding.
  return Number.isSafeInteger(nano) ? nano / NANO_DOLLARS : Number(formatDollars(amount));
}

export function toCost({ cost, failed }: Receipt): WireCost {
  const attempts = failed && {
    failed_attempts: {
      count: failed.count,
      at_most: failed.atMost === undefined ? null : dollars(failed.atMost),
    },
  };
  if (!cost.known) {
    const details = { price: null, reason: cost.reason, ...attempts };
    return { cost: null, cost_exact: null, is_byok: false, cost_details: details };
  }
  const total = dollars(cost.total);
  return {
    cost: total,
    cost_exact: formatDollars(cost.total),
    is_byok: false,
    cost_details: {
      upstream_inference_cost: total,
      upstream_inference_prompt_cost: dollars(cost.prompt + cost.cached),
      upstream_inference_completions_cost: dollars(cost.completion),
      prompt: dollars(cost.prompt),
      completion: dollars(cost.completion),
      cached: dollars(cost.cached),
      basis: cost.basis,
      price: cost.rule,
      ...(cost.estimate ? { estimate: true } : {}),
      ...attempts,
    },
  };
}

/** What the answer would have cost elsewhere, and what was saved compared with the most expensive of these offers. */
export function toAlternatives(receipt: Receipt, alternatives: readonly Alternative[]): Record<string, unknown> {
  const { cost } = receipt;
  const savings = alternatives.flatMap(({ cost: other }) =>
    other === undefined || !cost.known ? [] : [other - cost.total],
  );
  savings.sort((a, b) => (a < b ? 1 : -1));
  const [most] = savings;
  return {
    alternatives: alternatives.map(({ provider, model, upstream, rule, cost: other }) => ({
      provider,
      model,
      provider_model: upstream,
      cost: other === undefined ? null : formatDollars(other),
      price: rule ?? null,
    })),
    // Negative if the offer used was the most expensive.
    saved: most === undefined ? null : formatDollars(most),
  };
}

/** Most clients show only the message, so it includes what the provider said, which has been sanitised before. */
export function messageOf({ message, details }: GatewayError): string {
  const { provider, upstreamMessage } = details;
  return upstreamMessage && !message.includes(upstreamMessage)
    ? `${message} ${provider ?? 'The provider'} said: ${upstreamMessage}`
    : message;
}

/** What is known of an error beside its message. All of it may be shown to the caller. */
export function errorMetadata({ retryable, details }: GatewayError): Record<string, unknown> {
  const metadata: Record<string, unknown> = { retryable };
  if (details.provider !== undefined) metadata.provider = details.provider;
  if (details.upstreamStatus !== undefined) metadata.upstream_status = details.upstreamStatus;
  if (details.upstreamCode !== undefined) metadata.upstream_code = details.upstreamCode;
  if (details.upstreamMessage !== undefined) metadata.upstream_message = details.upstreamMessage;
  if (details.upstreamRequestId !== undefined) metadata.upstream_request_id = details.upstreamRequestId;
  if (details.attempts !== undefined) metadata.attempts = details.attempts;
  if (details.offers !== undefined) metadata.offers = details.offers;
  if (details.receipt !== undefined) metadata.receipt = details.receipt;
  return metadata;
}

const DEFAULT_RETRY_AFTER_S = 1;

/** Statuses that OpenAI's and Anthropic's clients repeat by themselves (openai-node 7.57, `shouldRetry`). */
const isRepeated = (status: number): boolean => status === 408 || status === 409 || status === 429 || status >= 500;
/** Statuses that others may repeat, and that only another key or more money can change. */
const ON_THE_KEY: ReadonlySet<number> = new Set([401, 402, 403]);

/**
 * When to repeat a request that failed. On 409, 429 and 503 `Retry-After` in whole seconds, rounded up, and the exact
 * milliseconds where they are known, which OpenAI's and Anthropic's clients prefer (openai-node and
 * anthropic-sdk-typescript, `retryRequest`). Where a repeat is pointless, `x-should-retry: false`, which both obey.
 *
 * @param longestMs the client sleeps however long it is told to, so a longer wait counts as pointless
 */
export function retryHeaders(
  error: GatewayError,
  status = error.status,
  longestMs = Number.POSITIVE_INFINITY,
): Record<string, string> {
  const { retryAfterMs: ms } = error.details;
  if (ON_THE_KEY.has(status) || !error.retryable || (ms ?? 0) > longestMs) {
    return ON_THE_KEY.has(status) || isRepeated(status) ? { 'x-should-retry': 'false' } : {};
  }
  if (error.status !== 409 && error.status !== 429 && error.status !== 503) return {};
  if (ms === undefined) return { 'retry-after': String(DEFAULT_RETRY_AFTER_S) };
  return { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))), 'retry-after-ms': String(Math.ceil(ms)) };
}
