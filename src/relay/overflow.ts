/**
 * What is known of the sizes when a provider itself says that the context overflowed. Clients that shorten a
 * conversation by themselves read two numbers out of the error, whoever found it too long.
 */
import type { GatewayError } from '../core/index.ts';
import type { Candidate } from '../offers/index.ts';

/** Tokens that a refusal names. */
interface ToldSizes {
  readonly limit?: number;
  readonly prompt?: number;
  /** The most tokens of output that were asked for. */
  readonly output?: number;
}

/**
 * Wordings with numbers, the most telling first. Sources as for the wordings without them (providers/openai/errors.ts
 * and its neighbours in the other providers): the servers' code, and recorded refusals.
 */
const WORDINGS: readonly RegExp[] = [
  // vLLM, OpenAI.
  /context length is (?<limit>\d+) tokens\D+\d+ tokens \((?<prompt>\d+) in the \w+, (?<output>\d+) in the completion/i,
  // SGLang.
  /context length of (?<limit>\d+) tokens\D+\d+ tokens: (?<prompt>\d+) tokens from the input\D+(?<output>\d+) tokens/i,
  /input \((?<prompt>\d+) tokens\) is longer than \D+(?<limit>\d+) tokens/i,
  // TGI, Together.
  /must be <= (?<limit>\d+)\. Given: (?<prompt>\d+) `inputs` tokens and (?<output>\d+)/i,
  // Anthropic.
  /prompt is too long: (?<prompt>\d+) tokens > (?<limit>\d+)/i,
  // Replicate.
  /input length \((?<prompt>\d+)\) > (?<limit>\d+)/i,
  /(?:context|model|input|prompt) length (?:is|of)(?: only)? (?<limit>\d+)(?: tokens\D{1,80}(?<prompt>\d+) (?:input |prompt )?tokens)?/i,
  // llama.cpp.
  /available context size \((?<limit>\d+)/i,
];

/** Only the beginning of a message is read: some quote the input. */
const READ = 2000;

function toldSizes(message: string): ToldSizes {
  const text = message.slice(0, READ).replace(/(?<=\d),(?=\d{3}\b)/g, '');
  for (const wording of WORDINGS) {
    const found = wording.exec(text)?.groups;
    if (!found) continue;
    const told = Object.entries(found).filter(([, digits]) => digits !== undefined);
    return Object.fromEntries(told.map(([name, digits]) => [name, Number(digits)]));
  }
  return {};
}

/** The error with the sizes: those that the provider names, else our count and the context we know of. */
export async function withSizes(error: GatewayError, offer: Candidate): Promise<GatewayError> {
  if (error.code !== 'context_length_exceeded' || error.details.offers) return error;
  const told = toldSizes(error.details.upstreamMessage ?? '');
  // An exact count may not have been needed before.
  if (told.prompt === undefined) await offer.counter.load?.();
  const limit = told.limit ?? offer.contextLength;
  const sizes = {
    provider: offer.provider,
    model: offer.model,
    provider_model: offer.upstream,
    prompt_tokens: told.prompt ?? offer.prompt.largest,
    exactness: told.prompt === undefined ? offer.prompt.exactness : 'provider',
    ...(limit === undefined ? {} : { context_length: limit }),
    ...(told.output === undefined ? {} : { max_tokens: told.output }),
  };
  return error.with({ offers: [sizes] });
}
