/**
 * Assesses an offer for embeddings or reranking, and plans its upstream requests. These calls have no output, so an
 * offer takes the call or does not: nothing is shortened to fit.
 */
import type {
  EmbeddingCall,
  EmbeddingJob,
  Family,
  Parameter,
  Prompt,
  RerankCall,
  RerankJob,
  RetrievalCall,
} from '../core/index.ts';
import type { Tokenizer, Tokenizers } from '../tokens/index.ts';
import { contextOf, DEFAULT_SUBREQUESTS, excluded, overRequestLimit } from './assess.ts';
import { AssessedOffer, type Assessment } from './candidate.ts';
import { type Billed, overBudget, overMaxPrice, pricedBy, withinMaxCost } from './cost.ts';
import { fewest, promptBound, promptSize, uncountedPrompt } from './counting.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';
import type { RequestForm } from './request-form.ts';
import {
  type Candidate,
  type Exclusion,
  type ExclusionReason,
  exclude,
  type OutputLimit,
  type PromptSize,
} from './types.ts';

/** The texts that the model reads. */
type Texts = Extract<RequestForm, { form: 'prompts' }> & { readonly prompts: readonly string[] };

const NO_OUTPUT: OutputLimit = { maxTokens: 0, most: 0, clamped: false };
const NOTHING: readonly string[] = [];

const formOf = (call: RetrievalCall, prompts: readonly string[]): Texts => ({
  form: 'prompts',
  api: call.kind === 'embedding' ? 'embeddings' : 'rerank',
  prompts,
  stop: NOTHING,
  altered: NOTHING,
});

/**
 * Forms of calls, by their inputs or documents and by the tokenizer that reads token ids; all its offers share them.
 */
const forms = new WeakMap<object, Map<Family, Texts | ExclusionReason>>();

/** For inputs that are texts, whatever the tokenizer. */
const ANY_FAMILY = '';

function formFor(call: RetrievalCall, offer: ModelOffer, tokenizers: Tokenizers): Texts | ExclusionReason {
  const list = call.kind === 'embedding' ? call.inputs : call.documents;
  let known = forms.get(list);
  if (!known) {
    known = new Map();
    forms.set(list, known);
  }
  const hasIds = call.kind === 'embedding' && typeof call.inputs[0] === 'object';
  const family = hasIds ? offer.family : ANY_FAMILY;
  let form = known.get(family);
  if (!form) {
    const texts =
      call.kind === 'rerank'
        ? call.documents.map((document) => `${call.query}\n${document}`)
        : textsOf(call.inputs, offer, tokenizers(offer.family));
    form = 'code' in texts ? texts : formOf(call, texts);
    known.set(family, form);
  }
  return form;
}

/**
 * Inputs as texts. Token ids are taken where they are what the model's own tokenizer makes of the text that they stand
 * for: then the text says the same. Ids of another tokenizer would make vectors of another text, without any error.
 */
function textsOf(
  inputs: readonly Prompt[],
  { model }: ModelOffer,
  tokenizer: Tokenizer,
): readonly string[] | ExclusionReason {
  const texts: string[] = [];
  for (const [at, input] of inputs.entries()) {
    if (typeof input === 'string') {
      texts.push(input);
      continue;
    }
    const param = inputs.length > 1 ? `input[${at}]` : 'input';
    if (tokenizer.exactness !== 'exact') {
      return exclude('no_token_ids', `${param}: the tokenizer of ${model} is not known here. ${SEND_TEXTS}`, 'input');
    }
    const text = input.every((id) => tokenizer.has(id)) ? tokenizer.decode(input) : undefined;
    const again = text === undefined ? [] : tokenizer.encode(text);
    if (text === undefined || again.length !== input.length || input.some((id, place) => again[place] !== id)) {
      const why = `${param}: these token ids are not of the tokenizer of ${model}, but perhaps of tiktoken. ${SEND_TEXTS}`;
      return exclude('no_token_ids', why, 'input');
    }
    texts.push(text);
  }
  return texts;
}

const SEND_TEXTS = 'Send the texts; with LangChain set check_embedding_ctx_length=False.';

/** Works out what an offer would do with the call, or why it cannot serve it. */
export function assessRetrieval(given: Assessment<RetrievalCall>, offer: ModelOffer): AssessedOffer | Exclusion {
  const { call, world, now, today, tokenizers, ignored } = given;
  const { provider, service, upstream } = offer;
  const api = call.kind === 'embedding' ? 'embeddings' : 'rerank';
  const traits = offer.apis.includes(api) ? traitsOf(offer, api) : undefined;
  if (!traits) return excluded(given, offer, noApi(call, offer));
  const otherLength = call.kind === 'embedding' ? noDimensions(call, offer, traits.takes) : undefined;
  if (otherLength) return excluded(given, offer, otherLength);
  const form = formFor(call, offer, tokenizers);
  if ('code' in form) return excluded(given, offer, form);
  const long = overCharacters(form, offer, traits.mostCharacters);
  if (long) return excluded(given, offer, long);

  const prompt = sizeOf(given, offer, form);
  const priced = pricedBy(world, offer, today);
  const known = { api: form.api, prompt, priced, ...contextOf(offer) };
  const leftOut = (reason: ExclusionReason): Exclusion => ({ ...excluded(given, offer, reason), ...known });
  const tooLong = overContext(call, offer, prompt);
  if (tooLong) return leftOut(tooLong);
  const each = mostInputsOf(call, offer);
  const jobs = Math.ceil(form.prompts.length / each);
  const who = () => `${provider}'s ${upstream}`;
  const what = `takes ${each === 1 ? 'one text' : `${each} texts`} in a request`;
  const perJob = world.providers.get(provider)?.about.requestsPerJob ?? 1;
  const crowded = overRequestLimit(
    PARAMS[call.kind],
    () => `${who()} ${what}`,
    jobs,
    perJob,
    world.subrequests ?? DEFAULT_SUBREQUESTS,
  );
  if (crowded) return leftOut(crowded);
  const tooExpensive = overMaxPrice(call, who, priced);
  if (tooExpensive) return leftOut(tooExpensive);
  const billed: Billed = {
    prompt,
    beside: 0,
    promptTimes: 1,
    prompts: form.prompts.length,
    reportsExtra: traits.reportsExtra ?? 0,
    output: NO_OUTPUT,
    choices: 0,
    usual: undefined,
    cached: () => 0,
  };
  const unpriced = overBudget(call, who, priced, billed);
  if (unpriced) return leftOut(unpriced);
  const output = withinMaxCost(call, who, priced, billed);
  // There is no output that could be cut to save money.
  if ('code' in output || output.clamped) return leftOut(overCost(who()));
  const drops = dropsOf(call, traits.takes);
  if (drops.length > 0 && call.routing.requireParameters) {
    const why = `${provider} does not take ${drops.join(', ')} for ${offer.model}.`;
    return { ...leftOut(exclude('unsupported_parameter', why)), drops };
  }
  const assessed = new AssessedOffer(given, offer, form, {
    drops: ignored.length > 0 ? [...drops, ...ignored] : drops,
    loses: drops.length > 0,
    structured: false,
    nativeN: true,
    nativeStop: true,
    echo: 'none',
    prompt,
    priced,
    billed,
    observed: world.health.observed(provider, upstream, service),
    breaker: world.health.breaker(provider, upstream, now, service),
  });
  assessed.mostInputs = each;
  return assessed;
}

const PARAMS = { embedding: 'input', rerank: 'documents' } as const;

const overCost = (who: string): ExclusionReason =>
  exclude(
    'over_max_cost',
    `${who} may cost more than provider.max_cost, or has no known price. Send less, or allow more.`,
  );

function noApi({ kind }: RetrievalCall, { provider, model }: ModelOffer): ExclusionReason {
  return kind === 'embedding'
    ? exclude('no_embeddings', `${provider} has no API for embeddings of ${model}.`)
    : exclude('no_rerank', `${provider} has no API to rerank with ${model}.`);
}

/** Why an offer makes no vectors of the length that is asked for, if it does not. */
function noDimensions(
  { dimensions }: EmbeddingCall,
  { provider, model, dimensions: has }: ModelOffer,
  takes: ReadonlySet<Parameter>,
): ExclusionReason | undefined {
  if (dimensions === undefined || dimensions === has?.[0]) return undefined;
  if (takes.has('dimensions') && (has === undefined || has.includes(dimensions))) return undefined;
  const known = has === undefined ? '' : ` It makes vectors of ${has.join(', ')}.`;
  const why = `dimensions: ${provider} makes no vectors of ${dimensions} numbers for ${model}.${known}`;
  return exclude('no_dimensions', why, 'dimensions');
}

function overCharacters({ prompts }: Texts, { provider, model }: ModelOffer, most = Number.POSITIVE_INFINITY) {
  const at = prompts.findIndex((text) => text.length > most);
  if (at < 0) return undefined;
  const limit = `${provider} takes at most ${most} characters in one text for ${model}`;
  return exclude('context_too_small', `${limit}, and input[${at}] has ${prompts[at]?.length}.`);
}

/** What the caller set and this API does not take. */
function dropsOf(call: RetrievalCall, takes: ReadonlySet<Parameter>): readonly string[] {
  const drops = [...call.unknownParameters];
  if (call.kind === 'embedding') {
    if (call.user !== undefined && !takes.has('user')) drops.push('user');
    if (call.inputType !== undefined && !takes.has('inputType')) drops.push('input_type');
  }
  if (call.extra && !takes.has('extra')) drops.push(...Object.keys(call.extra));
  return drops;
}

/** How large the texts are. An exact count may wait until somebody reads it. */
function sizeOf(
  { world, counter, tokenizers, countWhenRead, call }: Assessment<RetrievalCall>,
  offer: ModelOffer,
  form: Texts,
): PromptSize {
  const { provider, upstream, service, family, contextLength = Number.POSITIVE_INFINITY } = offer;
  if (countWhenRead && call.routing.maxCost === undefined && tokenizers(family).exactness === 'exact') {
    const bound = promptBound(form, offer, contextLength);
    if (bound !== undefined && bound <= contextLength) return uncountedPrompt(form, offer, counter, bound);
  }
  return promptSize(form, offer, counter(), {
    correction: () => world.health.correction(provider, upstream, false, service),
  });
}

/** A text is refused only if it is certain to be too long: an estimate may be wrong. */
function overContext(call: RetrievalCall, { provider, model, contextLength }: ModelOffer, prompt: PromptSize) {
  if (contextLength === undefined) return undefined;
  if (prompt.uncountedBound !== undefined && prompt.uncountedBound <= contextLength) return undefined;
  if (fewest(prompt) <= contextLength && !(prompt.more && prompt.exactness === 'exact')) return undefined;
  const about = prompt.exactness === 'exact' ? '' : 'about ';
  return exclude(
    'context_too_small',
    `${provider} takes ${contextLength} tokens in one text for ${model}, and the longest of ${PARAMS[call.kind]} has ${about}${prompt.largest}.`,
  );
}

/** Texts that one request may have. A query cannot be split from its documents. */
const mostInputsOf = (call: RetrievalCall, offer: ModelOffer): number =>
  call.kind === 'rerank' ? Number.POSITIVE_INFINITY : (traitsOf(offer, 'embeddings')?.mostInputs ?? MOST_INPUTS);

/** A call has no more (OpenAI's limit, which the dialect checks). */
const MOST_INPUTS = 2048;

/** What all jobs of a call have. */
const jobBase = ({ extra }: RetrievalCall, { upstream, family, service }: Candidate) => ({
  model: upstream,
  family,
  ...(service === undefined ? {} : { service }),
  ...(extra === undefined ? {} : { extra }),
});

/** The upstream requests that serve a call for embeddings: its inputs in order, as many in each as the wire takes. */
export function embeddingJobs(call: EmbeddingCall, offer: Candidate): readonly EmbeddingJob[] {
  const { dimensions, encoding, inputType, user } = call;
  const { mostInputs = MOST_INPUTS, sends } = offer;
  const inputs = sends.form === 'prompts' ? sends.prompts.filter((one) => typeof one === 'string') : [];
  const base = {
    ...jobBase(call, offer),
    kind: 'embedding' as const,
    encoding,
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(inputType === undefined ? {} : { inputType }),
    ...(user === undefined ? {} : { user }),
  };
  if (inputs.length <= mostInputs) return [{ ...base, inputs }];
  const jobs: EmbeddingJob[] = [];
  for (let from = 0; from < inputs.length; from += mostInputs) {
    jobs.push({ ...base, inputs: inputs.slice(from, from + mostInputs) });
  }
  return jobs;
}

/** The one upstream request that serves a call to rerank: a query cannot be split from its documents. */
export function rerankJob(call: RerankCall, offer: Candidate): RerankJob {
  const { query, documents, topN } = call;
  return {
    ...jobBase(call, offer),
    kind: 'rerank',
    query,
    documents,
    ...(topN === undefined ? {} : { topN }),
  };
}
