import { fraction, hash } from '../random.ts';

/** A log probability for a token: always the same for the same token, at most 0. */
export const logprobOf = (token: string): number => -Math.round(fraction(hash(token), 0) * 1e4) / 1e4;

/** An id for a token, as the tokenizers of these models have below 128,000. */
export const tokenId = (token: string): number => hash(token) % 128_000;

/** The likeliest tokens in its place, itself first. */
export const alternatives = (token: string, k: number): { token: string; logprob: number }[] =>
  Array.from({ length: k }, (_, i) => ({ token: i === 0 ? token : `${token}${i}`, logprob: logprobOf(token) - i }));
