import { type Call, GatewayError } from '../core/index.ts';
import { hasTemplate, type PromptCounter, promptCounter } from '../tokens/index.ts';
import { measure } from './counting.ts';
import { renderingsOf } from './renderings.ts';
import { wayFor } from './request-form.ts';
import type { Asked } from './resolve.ts';
import { layOut, type Moment } from './sheet.ts';
import { contextLengthOf, type Facts, factsOf, familyOf, type OfferSource } from './sources.ts';
import type { Candidate, Exclusion, PromptSize, Refusal, World } from './types.ts';

/** A prompt counted for one model, and for each offer of it that reads it in its own way. */
export interface ModelCount {
  /** The name in the catalogue, or of the user's own. */
  readonly model: string;
  readonly size: PromptSize;
  /** Whose template the chat was rendered in; absent for raw prompts, and where there is none. */
  readonly template?: string;
  /** Of the offer with the longest, else as the makers state it. */
  readonly contextLength?: number;
  readonly eligible: readonly Candidate[];
  /** Offers that the prompt is too long for. */
  readonly tooSmall: readonly Exclusion[];
}

/**
 * A count for a model whoever serves it gives way to that of the first of its offers, if none of them reads just that (where a
 * schema is put into words, for example); and an estimate to what the first was seen to bill.
 */
function asRead(size: PromptSize, eligible: readonly Candidate[]): PromptSize {
  if (size.exactness === 'exact') {
    const same = eligible.some(({ prompt }) => prompt.largest === size.largest);
    return same ? size : (eligible[0]?.prompt ?? size);
  }
  return eligible.find(({ prompt }) => prompt.counted !== undefined && prompt.counted !== prompt.total)?.prompt ?? size;
}

/** Counts a call's prompt for the one model that it names. Throws `invalid_request` for a chat that the model cannot read. */
export function countCall(call: Call, asked: Asked, world: World, moment: Moment): ModelCount {
  const { tokenizers, today } = moment;
  // One count for all, and of all: an offer that is too small is told by how much.
  const counter = promptCounter(tokenizers, Number.POSITIVE_INFINITY);
  const sheet = layOut(call, asked, world, moment, false, counter);
  const [source] = asked.named.flatMap(({ sources }) => sources);
  if (!source) throw new GatewayError('model_not_found', 'model: nobody offers it.', { param: 'model' });
  const size = referenceSize(call, source, counter, today);
  if ('code' in size) throw new GatewayError('invalid_request', size.message);
  const family = call.templating.name ?? familyOf(source);
  const tooSmall = sheet.excluded.filter(({ code }) => code === 'context_too_small');
  const lengths = [...sheet.eligible, ...tooSmall].flatMap((offer) => offer.contextLength ?? []);
  const contextLength = lengths.length > 0 ? Math.max(...lengths) : contextLengthOf(source);
  return {
    model: source.kind === 'service' ? source.model : source.model.id,
    size: asRead(size, sheet.eligible),
    ...(call.kind === 'chat' && hasTemplate(family) ? { template: family } : {}),
    ...(contextLength === undefined ? {} : { contextLength }),
    eligible: sheet.eligible,
    tooSmall,
  };
}

/**
 * What a call comes to for a model whoever serves it: a chat in the template of its own repository, a raw prompt behind
 * the begin-of-sequence that the model reads; as any vLLM would have it.
 */
export function referenceSize(
  call: Call,
  source: OfferSource,
  counter: PromptCounter,
  today: string,
): PromptSize | Refusal {
  const facts: Facts = {
    ...factsOf(source),
    provider: 'reference',
    apis: ['chat', 'completions'],
    tools: true,
    vision: true,
  };
  const mode = call.templating.markers;
  const renderings = call.kind === 'chat' ? renderingsOf(call, today, mode, new Map(), facts) : undefined;
  const way = wayFor(call, facts, renderings, mode, (ids) => ids);
  return 'code' in way ? way : measure(way, facts, counter);
}
