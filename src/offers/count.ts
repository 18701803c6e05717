import { type Call, GatewayError } from '../core/index.ts';
import { hasTemplate, type PromptCounter, promptCounter } from '../tokens/index.ts';
import { promptSize } from './counting.ts';
import type { ModelOffer } from './model-offers.ts';
import { renderingsOf } from './renderings.ts';
import { requestFormFor } from './request-form.ts';
import type { ResolvedCall } from './resolve.ts';
import { layOut, type Moment } from './sheet.ts';
import type { Candidate, Exclusion, ExclusionReason, PromptSize, World } from './types.ts';

/** Counts a call's prompt for one model (`POST /v1/count_tokens`), and at each of its offers. */

/** A prompt counted for one model. */
export interface ModelCount {
  /** The name in the catalogue, or the user's own. */
  readonly model: string;
  readonly size: PromptSize;
  /** The family whose template rendered the chat; absent for raw prompts, and if there is no template. */
  readonly template?: string;
  /** The longest of its offers, or else the model's own. */
  readonly contextLength?: number;
  readonly eligible: readonly Candidate[];
  /** Offers that the prompt is too long for. */
  readonly tooSmall: readonly Exclusion[];
}

/** Stands for an OpenAI-compatible server of anybody's. */
const REFERENCE = 'reference';

/** Counts a call's prompt for the one model it names. Throws `invalid_request` for a chat that the model cannot read. */
export function countCall(call: Call, resolved: ResolvedCall, world: World, moment: Moment): ModelCount {
  const { tokenizers, today } = moment;
  // One counter for all, without a limit: for an offer that is too small the caller is told by how much.
  const counter = promptCounter(tokenizers, Number.POSITIVE_INFINITY);
  const sheet = layOut(call, resolved, world, { ...moment, countWhenRead: false }, false, () => counter);
  const [offer] = resolved.models.flatMap(({ offers }) => offers);
  if (!offer) throw new GatewayError('model_not_found', 'model: nobody offers it.', { param: 'model' });
  const size = referenceSize(call, { ...offer, about: world.registry.of(REFERENCE) }, counter, today);
  if ('code' in size) throw new GatewayError('invalid_request', size.message);
  const family = call.templating.name ?? offer.family;
  const tooSmall = sheet.excluded.filter(({ code }) => code === 'context_too_small');
  const lengths = [...sheet.eligible, ...tooSmall].flatMap((one) => one.contextLength ?? []);
  const contextLength = lengths.length > 0 ? Math.max(...lengths) : offer.contextLength;
  return {
    model: offer.model,
    size: sizeAtOffers(size, sheet.eligible),
    ...(call.kind === 'chat' && hasTemplate(family) ? { template: family } : {}),
    ...(contextLength === undefined ? {} : { contextLength }),
    eligible: sheet.eligible,
    tooSmall,
  };
}

/**
 * The size of a prompt for a model, whoever serves it: a chat in the template of the model's repository, a raw prompt with
 * the begin-of-sequence that the model reads, as any vLLM server would read it.
 */
function referenceSize(
  call: Call,
  first: ModelOffer,
  counter: PromptCounter,
  today: string,
): PromptSize | ExclusionReason {
  const offer: ModelOffer = {
    ...first,
    provider: REFERENCE,
    apis: ['chat', 'completions'],
    tools: true,
    vision: true,
  };
  const mode = call.templating.markers;
  const renderings = call.kind === 'chat' ? renderingsOf(call, today, mode, new Map(), offer) : undefined;
  const form = requestFormFor(call, offer, renderings, mode, (ids) => ids);
  return 'code' in form ? form : promptSize(form, offer, counter);
}

/**
 * The count for a model gives way to the count at its first offer if no offer has the same (where a schema is put into words,
 * for example), and an estimate to one that was corrected by an offer's bills.
 */
function sizeAtOffers(size: PromptSize, eligible: readonly Candidate[]): PromptSize {
  if (size.exactness === 'exact') {
    const same = eligible.some(({ prompt }) => prompt.largest === size.largest);
    return same ? size : (eligible[0]?.prompt ?? size);
  }
  return eligible.find(({ prompt }) => prompt.counted !== undefined && prompt.counted !== prompt.total)?.prompt ?? size;
}
