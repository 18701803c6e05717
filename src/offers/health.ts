import type { Message, Tool } from '../core/index.ts';

/** How an offer has been doing, as far as whoever carries calls has seen. */
export interface Observed {
  /** Milliseconds from asking to the first content of a stream, as a moving average. */
  readonly ttftMs?: number;
  /** Output tokens a second from the first content on, as a moving average. */
  readonly tokensPerSecond?: number;
  /** Answers that went into it. */
  readonly samples: number;
  /** When the last one came, in milliseconds since the epoch. */
  readonly at: number;
}

/** `open`: it has failed again and again, and is tried last; `half_open`: long enough ago to try it as before. */
export type Breaker = 'closed' | 'open' | 'half_open';

/** A prompt that we could only estimate, and what the provider billed for it. Tokens. */
export interface Bill {
  readonly counted: number;
  readonly billed: number;
}

/** What an offer's bills say of our estimates: `scale` times the count, and `extra` for each prompt, is what it bills. */
export interface Correction {
  readonly scale: number;
  /** What the template says by itself. */
  readonly extra: number;
  /** Counts between which it is known to hold. */
  readonly from: number;
  readonly to: number;
  /** Share of the corrected count that it may be off by there. */
  readonly errorBound: number;
}

/** What a template says by itself depends on these: a default system prompt stands where the caller gives none, tools are introduced. */
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
 * What ranking asks about offers, each named by provider and the provider's own id, and by the service, where a provider has
 * several: two servers of one model are as different as two providers.
 */
export interface Health {
  observed(provider: string, upstream: string, service?: string): Observed | undefined;
  breaker(provider: string, upstream: string, now: number, service?: string): Breaker;
  /** Output tokens of a usual answer of a model, by the catalogue's name. */
  completionTokens(model: string): number | undefined;
  /** Asked for several choices in one request it brings one: each is asked for by itself. */
  ignoresN(provider: string, upstream: string, service?: string): boolean;
  /** Whether an offer has refused to hold answers to JSON Schemas: to any, or to those of this call. */
  refusesSchemas(provider: string, upstream: string, schemas: string, now: number, service?: string): boolean;
  /** Tokens of the smallest prompt of its kind that an offer has billed lately: its template adds no more by itself. */
  smallestPrompt(provider: string, upstream: string, kind: PromptKind, service?: string): number | undefined;
  /** How an offer's bills differ from our estimates of its prompts, with tools in them or without. */
  correction(provider: string, upstream: string, tools: boolean, service?: string): Correction | undefined;
}

/** Nothing has been seen yet. */
export const UNSEEN: Health = {
  observed: () => undefined,
  breaker: () => 'closed',
  completionTokens: () => undefined,
  ignoresN: () => false,
  refusesSchemas: () => false,
  smallestPrompt: () => undefined,
  correction: () => undefined,
};
