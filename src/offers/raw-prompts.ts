import { type Parameter, WIRES, wireOf } from '../catalog/index.ts';
import type { Api, Call, Prompt } from '../core/index.ts';
import type { Tokenizers } from '../tokens/index.ts';
import { type Facts, factsOf } from './facts.ts';
import type { OfferSource } from './source.ts';
import { type Echo, type Refusal, refuse } from './types.ts';

/** A prompt as an offer is sent it, for one that came as token ids: they mean something to one tokenizer alone. */
export type ReadIds = (ids: readonly number[], facts: Facts, api: Api) => Prompt | Refusal;

const isSameTokenizer = (facts: Facts, origin: Facts): boolean =>
  facts.model === origin.model || (facts.family === origin.family && facts.family !== 'unknown');

const takesIds = ({ provider, family, upstream }: Facts, api: Api): boolean => {
  const wire = wireOf(provider, api, family, upstream);
  return wire !== undefined && WIRES[wire].has('promptIds');
};

/**
 * Ids go as they are where the wire takes them. Elsewhere they go as the text that makes these very tokens, if there is one
 * and the model's own tokenizer is here; and never to a model with another tokenizer.
 *
 * @param first the first offer of the call, whose model's ids they are
 */
export function idsReader(first: OfferSource | undefined, tokenizers: Tokenizers): ReadIds {
  const origin = first ? factsOf(first) : undefined;
  return (ids, facts, api) => {
    if (!origin || !isSameTokenizer(facts, origin)) {
      const why = `The prompt is token ids of ${origin?.model ?? 'another model'}, which mean something else to ${facts.model}.`;
      return refuse('unsupported_parameter', why, 'prompt');
    }
    if (takesIds(facts, api)) return ids;
    const tokenizer = tokenizers(facts.family);
    const text = tokenizer.exactness === 'exact' ? tokenizer.decode(ids) : undefined;
    const again = text === undefined ? [] : tokenizer.encode(text, { markers: 'parse' });
    if (text !== undefined && again.length === ids.length && again.every((id, at) => id === ids[at])) return text;
    return refuse(
      'unsupported_parameter',
      `${facts.provider} takes prompts of ${facts.model} as text, and no text is known to make these token ids. Send the text.`,
      'prompt',
    );
  };
}

/** What an offer makes of `echo`. Without an output only an echo is left to ask for, so that there must be one. */
export function echoFor(
  call: Call,
  takes: ReadonlySet<Parameter>,
  facts: Facts,
  prompts: readonly Prompt[],
): Echo | Refusal {
  if (call.kind === 'chat' || !call.echo) return 'none';
  const onWire = takes.has(call.stream ? 'streamedEcho' : 'echo');
  if (call.maxTokens === 0 && !onWire) {
    return refuse(
      'unsupported_parameter',
      `${facts.provider} makes at least one token for ${facts.model}: it cannot be asked about a prompt alone.`,
      'max_tokens',
    );
  }
  const more =
    call.maxTokens === 0 || call.sampling.logprobs !== undefined || prompts.some((one) => typeof one !== 'string');
  return more && onWire ? 'wire' : 'ours';
}
