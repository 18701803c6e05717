import { truncates, wireOf } from '../catalog/index.ts';
import type { Api, Call } from '../core/index.ts';
import type { Facts } from './facts.ts';
import { fewest, longest } from './measure.ts';
import { type OutputLimit, type PromptSize, type Refusal, refuse } from './types.ts';

/** Bedrock's InvokeModel for Llama takes at most this as `max_gen_len` (and truncates at 512 without it). */
const INVOKE_MOST = 2048;
/** What Replicate's engines serve where the catalogue knows no context, and a server of the user's own of a model that can take more. */
const ASSUMED_CONTEXT = 4096;
/** What such a server serves of a model that nobody knows; and what its answer gets in any case. */
const ASSUMED_SERVICE_CONTEXT = 2048;
const LEAST_OUTPUT = 256;

/**
 * Tokens of a context that a provider does not give. Together: prompt and output "must be less than the context length"
 * (docs.together.ai/docs/error-codes), and one more was counted in the field (stanford-crfm/helm#2079).
 */
const MARGIN: Readonly<Record<string, number>> = { together: 2 };

const grouped = (count: number): string => count.toLocaleString('en-US');

const sizeText = ({ largest, exactness, more }: PromptSize): string =>
  `${more ? 'more than ' : exactness === 'estimate' ? 'about ' : ''}${grouped(largest)} tokens`;

/**
 * How long an answer may get at an offer: what the caller asked for, cut to what fits behind the prompt and to what the
 * offer gives. What the caller did not set is not sent, except where the wire truncates without a limit (see `truncates`);
 * then it is the largest that fits. A prompt that leaves no room for one token is refused.
 */
export function outputFor(call: Call, facts: Facts, api: Api, prompt: PromptSize): OutputLimit | Refusal {
  const { contextLength, provider, model } = facts;
  const given = facts.maxOutput(api) ?? (api === 'invoke' ? INVOKE_MOST : undefined);
  const context = contextLength === undefined ? undefined : contextLength - (MARGIN[provider] ?? 0);
  const least = fewest(prompt);
  if (context !== undefined && (least >= context || (prompt.more && prompt.exactness === 'exact'))) {
    return refuse(
      'context_too_small',
      `${provider} takes ${grouped(contextLength ?? 0)} tokens for ${model}, prompt and answer together, and the prompt alone is ${sizeText(prompt)}.`,
    );
  }
  // An estimate that says it does not fit may be wrong: then only what fits for certain is cut.
  const room = context === undefined ? undefined : context - (prompt.largest < context ? prompt.largest : least);
  const ceiling = smaller(room, given);
  const wanted = call.maxTokens;
  if (wanted !== undefined) {
    const maxTokens = ceiling === undefined ? wanted : Math.min(wanted, ceiling);
    return { maxTokens, most: maxTokens, clamped: maxTokens < wanted };
  }
  if (truncates(wireOf(provider, api, facts.family, facts.upstream))) {
    const maxTokens = certain(facts, api, prompt, ceiling);
    return { maxTokens, most: maxTokens, clamped: false };
  }
  return { clamped: false, ...(ceiling === undefined ? {} : { most: ceiling }) };
}

/** The largest output that fits for certain: one that may not fit is refused, and nobody asked for it. */
function certain(facts: Facts, api: Api, prompt: PromptSize, ceiling: number | undefined): number {
  const most = longest(prompt);
  if (facts.contextServed || api !== 'completions') {
    const context = facts.contextLength ?? ASSUMED_CONTEXT;
    return Math.max(1, Math.min(ceiling ?? context, context - (MARGIN[facts.provider] ?? 0) - most));
  }
  const context = facts.contextLength === undefined ? ASSUMED_SERVICE_CONTEXT : ASSUMED_CONTEXT;
  return Math.min(ceiling ?? context, Math.max(LEAST_OUTPUT, context - most));
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
