import { type Costing, costOf, estimateCost } from '../catalog/index.ts';
import {
  type Call,
  type ChatJob,
  completionTokens,
  type Job,
  type NanoDollars,
  type Prompt,
  type PromptJob,
  type Usage,
} from '../core/index.ts';
import type { Candidate, OfferSheet, Plan } from './types.ts';

/** Before and after the relay: the upstream requests (jobs) by which one offer serves a call, and what they cost. */

/** One upstream request for each prompt, and for each sample if the API has no `n`. */
export function planFor(call: Call, offer: Candidate, deadlineMs: number): Plan {
  const { sends, nativeN, nativeStop, prompt } = offer;
  const { n, sampling } = call;
  const stop = sends.form === 'prompts' ? [...call.stop, ...sends.stop] : call.stop;
  const base: JobBase = {
    model: offer.upstream,
    family: offer.family,
    sampling,
    stop: nativeStop ? stop : NO_STOP,
    n: nativeN ? n : 1,
    stream: call.stream,
    deadlineMs,
  };
  if (offer.service !== undefined) base.service = offer.service;
  if (offer.output.maxTokens !== undefined) base.maxTokens = offer.output.maxTokens;
  if (call.extra !== undefined) base.extra = call.extra;
  const samples = nativeN ? 1 : n;
  const jobs: Job[] = [];
  const prompts = sends.form === 'prompts' ? sends.prompts : CHAT_PROMPT;
  for (const one of prompts) {
    for (let sample = 0; sample < samples; sample++) {
      // With one seed all samples would be the same.
      const seeded = samples > 1 && sampling.seed !== undefined;
      const own = seeded ? { ...base, sampling: { ...sampling, seed: (sampling.seed ?? 0) + sample } } : base;
      jobs.push(one === undefined ? chatJob(call, offer, own) : promptJob(offer, own, one));
    }
  }
  const choicesPerJob = nativeN ? n : 1;
  return {
    jobs,
    form: jobs.some(comesInOnePiece) ? 'piece' : 'stream',
    choicesPerJob,
    choices: jobs.length * choicesPerJob,
    stop: nativeStop ? NO_STOP : stop,
    ...(call.kind === 'chat' && call.allowedTools ? { allowedTools: call.allowedTools } : {}),
    promptTokens: () => prompt.total * samples,
    promptExactness: prompt.exactness,
    counter: offer.counter,
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type JobBase = Mutable<Omit<PromptJob, 'kind' | 'api' | 'prompt' | 'promptIds' | 'echo'>>;

const NO_STOP: readonly string[] = [];
/** A chat is one prompt, which its provider writes. */
const CHAT_PROMPT: readonly [undefined] = [undefined];

/** Llama on Bedrock refuses tools in a stream, so the answer comes as a whole even if the caller streams. */
const comesInOnePiece = (job: Job): boolean =>
  !job.stream || (job.kind === 'chat' && !job.toolStreaming && usesTools(job));

/** Earlier turns with tool calls count too: Bedrock requires `toolConfig` then. */
const usesTools = ({ tools, toolChoice, messages }: ChatJob): boolean =>
  (tools.length > 0 && toolChoice !== 'none') ||
  messages.some((message) => message.role === 'tool' || (message.role === 'assistant' && message.toolCalls));

function promptJob({ api, echo }: Candidate, base: JobBase, prompt: Prompt): PromptJob {
  if (api !== 'invoke' && api !== 'predictions' && api !== 'completions')
    throw new Error(`${api} takes no raw prompt.`);
  return {
    ...base,
    kind: 'prompt',
    api,
    ...(typeof prompt === 'object' ? { prompt: '', promptIds: prompt } : { prompt }),
    ...(echo === 'wire' ? { echo: true } : {}),
  };
}

function chatJob(call: Call, offer: Candidate, base: JobBase): ChatJob {
  const { api, sends, toolStreaming, systemRole, structured } = offer;
  if (sends.form !== 'messages' || (api !== 'converse' && api !== 'chat')) throw new Error(`${api} takes no chat.`);
  const { messages, tools, toolNames, dropsToolCalls, imagePaths } = sends;
  const job: Mutable<ChatJob> = {
    ...base,
    kind: 'chat',
    api,
    messages,
    tools,
    toolStreaming,
    systemRole,
    structured,
  };
  if (toolNames) job.toolNames = toolNames;
  if (dropsToolCalls) job.dropsToolCalls = dropsToolCalls;
  if (imagePaths) job.imagePaths = imagePaths;
  if (call.kind === 'chat') {
    if (call.toolChoice !== undefined) job.toolChoice = call.toolChoice;
    if (call.responseFormat !== undefined) job.responseFormat = call.responseFormat;
  }
  return job;
}

/** What a call cost. */
export interface Receipt {
  readonly cost: Costing;
  /** Failed attempts that may have been billed: how many, and the most they can have cost; undefined if unknown. */
  readonly failed?: { readonly count: number; readonly atMost: NanoDollars | undefined };
}

/** Prices a usage by the price row with which its offer was ranked. */
export function receiptOf(offer: Candidate, maybeBilled: readonly Candidate[], usage: Usage): Receipt {
  const { priced } = offer;
  const cost: Costing = priced.known ? costOf(priced.row, usage) : { known: false, reason: priced.reason };
  if (maybeBilled.length === 0) return { cost };
  const bounds = maybeBilled.map((failed) => failed.cost?.max);
  const known = bounds.filter((bound) => bound !== undefined);
  const atMost = known.length < bounds.length ? undefined : known.reduce((sum, bound) => sum + bound, 0n);
  return { cost, failed: { count: maybeBilled.length, atMost } };
}

/** The cost of the same answer at another offer. */
export interface Alternative {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  readonly rule: string | undefined;
  /** Undefined if unknown. */
  readonly cost: NanoDollars | undefined;
}

/** The other eligible offers, each with the prompt as it would have read it and an answer as long as this one. */
export function alternativesTo(
  offer: Candidate,
  { eligible }: OfferSheet,
  usage: Usage,
  choices: number,
): readonly Alternative[] {
  const out = completionTokens(usage);
  const served = offer.cutFrom ?? offer;
  return (
    eligible
      // The offer may have served the call in its form without a schema.
      .filter((other) => other !== served && other.plain !== served)
      .map((other) => {
        const { provider, model, upstream, priced, prompt, reportsExtra, nativeN, sends } = other;
        const prompts = sends.form === 'prompts' ? sends.prompts.length : 1;
        const times = nativeN ? 1 : choices / prompts;
        const input = (prompt.total + reportsExtra * prompts) * times;
        const range = priced.known ? estimateCost(priced.row, input, out, out, out) : undefined;
        return {
          provider,
          model,
          upstream,
          rule: priced.known ? priced.row.id : undefined,
          cost: range?.expected,
        };
      })
  );
}

// Votes. Their sheet is that of all samples together, so an offer's cost is the cost of all of them.

/** The most that one sample can cost, if each is a request of its own. Undefined if there is no bound. */
export function mostForSample({ cost }: Candidate, samples: number): NanoDollars | undefined {
  const count = BigInt(samples);
  return cost?.max === undefined ? undefined : (cost.max + count - 1n) / count;
}

/** What the prompts would cost that one request for all samples saves. Undefined if unknown. */
export function promptsSaved({ priced, prompt, reportsExtra, nativeN }: Candidate, samples: number) {
  if (!nativeN) return 0n;
  const alone = priced.known ? estimateCost(priced.row, prompt.total + reportsExtra, 0, 0, 0) : undefined;
  return alone && alone.expected * BigInt(samples - 1);
}

/** The receipts of several answers as one. If the cost of one is unknown, so is the sum. */
export function sumReceipts(receipts: readonly (Receipt | undefined)[]): Receipt {
  let sum: KnownCost | undefined;
  let failed: Receipt['failed'];
  let unknown: string | undefined;
  for (const receipt of receipts) {
    const cost = receipt?.cost ?? { known: false, reason: 'The provider told no usage.' };
    if (!cost.known) unknown ??= cost.reason;
    else sum = sum ? addCosts(sum, cost) : cost;
    if (receipt?.failed) failed = failed ? addFailed(failed, receipt.failed) : receipt.failed;
  }
  const cost: Costing =
    sum && unknown === undefined ? sum : { known: false, reason: unknown ?? 'Nothing was answered.' };
  return failed ? { cost, failed } : { cost };
}

type KnownCost = Extract<Costing, { known: true }>;

const addCosts = (a: KnownCost, b: KnownCost): KnownCost => ({
  known: true,
  total: a.total + b.total,
  prompt: a.prompt + b.prompt,
  completion: a.completion + b.completion,
  cached: a.cached + b.cached,
  basis: a.basis === 'provider_tokens' ? b.basis : a.basis,
  estimate: a.estimate || b.estimate,
  rule: a.rule.split(', ').includes(b.rule) ? a.rule : `${a.rule}, ${b.rule}`,
});

type Failed = NonNullable<Receipt['failed']>;

const addFailed = (a: Failed, b: Failed): Failed => ({
  count: a.count + b.count,
  atMost: a.atMost === undefined || b.atMost === undefined ? undefined : a.atMost + b.atMost,
});
