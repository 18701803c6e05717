import type { Api, Message, Tool } from '../core/index.ts';

/**
 * What ranking and counting ask about offers that have been used: speed, failures, and how their bills differ from our
 * estimates. The relay collects it. Learning from bills is here, because it is what corrects an estimate.
 */

/** An offer's observed speed. */
export interface Observed {
  /** Milliseconds from the request to the first content of a stream, as a moving average. */
  readonly ttftMs?: number;
  /** Output tokens a second from the first content on, as a moving average. */
  readonly tokensPerSecond?: number;
  /** Answers that were measured. */
  readonly samples: number;
  /** When the last one was measured, in milliseconds since the epoch. */
  readonly at: number;
}

/** `open`: it keeps failing, and is tried last; `half_open`: that was long enough ago to try it normally again. */
export type Breaker = 'closed' | 'open' | 'half_open';

/** Our estimate of a prompt, and what the provider billed for it. Tokens. */
export interface Bill {
  readonly counted: number;
  readonly billed: number;
}

/** How an offer's bills relate to our estimates: it bills `scale` times the count, plus `extra` for each prompt. */
export interface Correction {
  readonly scale: number;
  /** Tokens of the template itself. */
  readonly extra: number;
  /** The range of counts in which it was seen to hold. */
  readonly from: number;
  readonly to: number;
  /** Relative error of the corrected count in that range, at most. */
  readonly errorBound: number;
}

/**
 * A template's own text depends on these: without a system prompt it may add a default one, and it introduces tools.
 */
export type PromptKind = 'plain' | 'system' | 'tools' | 'system and tools';

export function promptKind({
  messages,
  tools,
}: {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
}): PromptKind {
  const system = messages.some(({ role }) => role === 'system');
  if (tools.length === 0) return system ? 'system' : 'plain';
  return system ? 'system and tools' : 'tools';
}

/**
 * What is known about offers, each identified by provider, the provider's id of the model, and the service if the
 * provider has several: two servers of one model can differ like two providers.
 */
export interface Health {
  observed(provider: string, upstream: string, service?: string): Observed | undefined;
  breaker(provider: string, upstream: string, now: number, service?: string): Breaker;
  /** Output tokens of a model's recent answers, on average, by the catalogue's name. */
  completionTokens(model: string): number | undefined;
  /** It ignores `n` and returns one choice, so each choice needs a request of its own. */
  ignoresN(provider: string, upstream: string, service?: string): boolean;
  /** The most tokens of output that it takes, as it said when it refused to give more; undefined if it never did. */
  outputLimit(provider: string, upstream: string, api: Api, now: number, service?: string): number | undefined;
  /** Whether an offer has rejected JSON Schemas: any, or those of this call. */
  refusesSchemas(provider: string, upstream: string, schemas: string, now: number, service?: string): boolean;
  /** Tokens of the smallest prompt of its kind an offer has billed lately: its template adds no more than that. */
  smallestPrompt(provider: string, upstream: string, kind: PromptKind, service?: string): number | undefined;
  /**
   * Tokens that an offer's cache has of a conversation's prompt, as far as can be known: those of its last one, if that
   * was served lately. `conversation` as in affinity.ts.
   */
  cachedTokens(conversation: number, provider: string, upstream: string, now: number, service?: string): number;
  /** How an offer's bills differ from our estimates of its prompts, with tools in them or without. */
  correction(provider: string, upstream: string, tools: boolean, service?: string): Correction | undefined;
}

/** Nothing has been observed yet. */
export const UNSEEN: Health = {
  observed: () => undefined,
  breaker: () => 'closed',
  completionTokens: () => undefined,
  ignoresN: () => false,
  outputLimit: () => undefined,
  refusesSchemas: () => false,
  smallestPrompt: () => undefined,
  cachedTokens: () => 0,
  correction: () => undefined,
};

// Learning from bills.

/** How many of an offer's newest bills are kept. */
export const BILLS_KEPT = 16;
/** Fewer say too little: a first answer may be cached or cut. */
const LEAST_BILLS = 3;
/** No known vocabulary makes less than half or more than twice as many tokens of ordinary text as another. */
const SCALE = { least: 0.5, most: 2 } as const;
/** No known template adds more tokens by itself. */
const EXTRA_MOST = 4096;
/** The weight of the assumption that the estimate is right, relative to a bill. */
const DOUBT = 0.02;
/** The error bound of an estimate is never below this. */
const LEAST_ERROR = 0.05;
/** The next prompt may be further off than any before it. */
const MARGIN = 1.5;

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const predictedBill = (
  { scale, extra }: Pick<Correction, 'scale' | 'extra'>,
  counted: number,
  prompts = 1,
): number => scale * counted + extra * prompts;

/**
 * Fits a line through the bills with the least relative error: least squares of `billed / counted`, which is
 * `scale + extra / counted`, pulled slightly towards no correction.
 */
function fitted(bills: readonly Bill[]): Pick<Correction, 'scale' | 'extra'> {
  const inverse = bills.map(({ counted }) => 1 / counted);
  const ratio = bills.map(({ billed, counted }) => billed / counted);
  const usual = sum(bills.map(({ counted }) => counted)) / bills.length;
  const [n, u, r] = [bills.length + DOUBT, sum(inverse), sum(ratio) + DOUBT];
  const uu = sum(inverse.map((value) => value * value)) + DOUBT / usual ** 2;
  const ur = sum(inverse.map((value, at) => value * (ratio[at] ?? 0)));
  const free = (n * ur - u * r) / (n * uu - u * u);
  const scale = within((r - Math.max(0, free) * u) / n, SCALE.least, SCALE.most);
  return { scale, extra: within((ur - scale * u) / uu, 0, EXTRA_MOST) };
}

/** The correction that an offer's bills suggest; undefined while there are too few. */
export function correctionFrom(bills: readonly Bill[]): Correction | undefined {
  if (bills.length < LEAST_BILLS) return undefined;
  const line = fitted(bills);
  const counts = bills.map(({ counted }) => counted);
  const off = bills.map(({ counted, billed }) => Math.abs(billed / predictedBill(line, counted) - 1));
  return {
    ...line,
    from: Math.min(...counts) / 2,
    to: Math.max(...counts) * 2,
    errorBound: Math.max(LEAST_ERROR, MARGIN * Math.max(...off)),
  };
}
