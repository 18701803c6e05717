/**
 * Carries a call for embeddings, or to rerank, to its end. An attempt is as many upstream requests as the wire needs, a
 * few at a time. If one of them fails, the attempt fails, and the same model is asked elsewhere for all of it:
 * vectors of one answer come from one offer.
 */
import type { Admission } from '../accounts/index.ts';
import {
  abortReason,
  asGatewayError,
  type EmbeddingCall,
  type Embeddings,
  GatewayError,
  orAbort,
  type RankedDocument,
  type Ranking,
  type RerankCall,
  type RetrievalCall,
  sleep,
  type Usage,
  type Vector,
} from '../core/index.ts';
import { type Candidate, embeddingJobs, type OfferSheet, rerankJob } from '../offers/index.ts';
import { type AttemptTerms, carryErrand, type Errand, type Outcome, type Relay, type Served } from './carry.ts';
import { RETRIES, WIDTH } from './fan-out.ts';
import { type Fault, limitOf, watchdog } from './timeouts.ts';
import { mayBeBilled } from './upstream-request.ts';

interface Retrieved {
  readonly usage: Usage;
  readonly upstreamId?: string;
}

export interface CarriedEmbeddings extends Served, Retrieved {
  /** One for each input of the call, in their order. */
  readonly vectors: readonly Vector[];
}

export interface CarriedRanking extends Served, Retrieved {
  readonly results: readonly RankedDocument[];
}

type Answer = Embeddings | Ranking;
type Ask<J, T> = (job: J, signal: AbortSignal) => Promise<T>;
type Plan<J> = { readonly jobs: readonly J[]; readonly form: 'piece' };

const PIECE = { form: 'piece' } as const;

const without = (provider: string, what: string): GatewayError =>
  new GatewayError('internal', `The offer sheet names ${provider}, which has no API to ${what}.`, { provider });

export async function carryEmbeddings(
  call: EmbeddingCall,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account?: Admission,
): Promise<CarriedEmbeddings> {
  const { answer, ...served } = await carryErrand(
    errandOf(
      call,
      relay,
      (offer) => embeddingJobs(call, offer),
      ({ id, embed }) => {
        if (!embed) throw without(id, 'make embeddings');
        return async (job, signal) => {
          const made = await embed(job, signal);
          if (made.vectors.length === job.inputs.length) return made;
          const what = `${id} made ${made.vectors.length} embeddings of ${job.inputs.length} texts.`;
          throw new GatewayError('provider_error', what, { provider: id });
        };
      },
    ),
    sheet,
    caller,
    relay,
    account,
  );
  return { ...served, ...retrieved(answer), vectors: answer.parts.flatMap(({ vectors }) => vectors) };
}

export async function carryRanking(
  call: RerankCall,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account?: Admission,
): Promise<CarriedRanking> {
  const { answer, ...served } = await carryErrand(
    errandOf(
      call,
      relay,
      (offer) => [rerankJob(call, offer)],
      ({ id, rerank }) => {
        if (!rerank) throw without(id, 'rerank');
        return rerank;
      },
    ),
    sheet,
    caller,
    relay,
    account,
  );
  return { ...served, ...retrieved(answer), results: answer.parts.flatMap(({ results }) => results) };
}

interface Whole<T> {
  readonly parts: readonly T[];
  readonly usage: Usage;
}

function retrieved<T extends Answer>({ parts, usage }: Whole<T>): Retrieved {
  const upstreamId = parts.find((part) => part.upstreamId !== undefined)?.upstreamId;
  return { usage, ...(upstreamId === undefined ? {} : { upstreamId }) };
}

function errandOf<J, T extends Answer>(
  call: RetrievalCall,
  { health, clock }: Relay,
  jobsOf: (offer: Candidate) => readonly J[],
  asking: (provider: AttemptTerms['provider']) => Ask<J, T>,
): Errand<Plan<J>, Whole<T>> {
  return {
    ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    plan: (offer) => ({ ...PIECE, jobs: jobsOf(offer) }),
    async attempt(offer, { jobs }, terms, begun) {
      const outcome = await askAll(jobs, asking(terms.provider), terms);
      if (outcome.kind === 'failed') return outcome;
      const usage = await usageOf(offer, outcome.answer);
      const now = clock.now();
      terms.book?.complete(usage, { upstreamId: outcome.answer.find(({ upstreamId }) => upstreamId)?.upstreamId });
      health.succeeded(offer, { ms: now - begun, outputTokens: 0, choices: 0 }, now);
      if (usage.source === 'provider') learn(offer, usage.input);
      return { kind: 'answered', answer: { parts: outcome.answer, usage } };
    },
  };

  /** Compares the bill of one text with our count of it: an estimate is corrected, an exact count is watched. */
  function learn(offer: Candidate, billed: number): void {
    if (offer.sends.form !== 'prompts' || offer.sends.prompts.length !== 1) return;
    health.billed(offer, billed);
    const { prompt } = offer;
    if (prompt.exactness === 'exact' && prompt.uncountedBound === undefined)
      health.reported(offer, billed, prompt.total);
  }
}

/** What all requests are billed: as the provider says, or our count where it does not say it of each. */
async function usageOf(offer: Candidate, parts: readonly Answer[]): Promise<Usage> {
  let told: number | undefined = 0;
  for (const { promptTokens } of parts) {
    told = promptTokens === undefined || told === undefined ? undefined : told + promptTokens;
  }
  const nothing = { cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };
  if (told !== undefined) return { ...nothing, input: told, source: 'provider' };
  await offer.counter.load?.();
  return {
    ...nothing,
    input: offer.prompt.total,
    source: offer.prompt.exactness === 'exact' ? 'counted' : 'estimated',
  };
}

/** Makes all requests, a few at a time, and puts their answers in the order of the jobs. */
async function askAll<J, T>(jobs: readonly J[], ask: Ask<J, T>, terms: AttemptTerms): Promise<Outcome<readonly T[]>> {
  const { provider, limits, deadline, alone, takeRequest, takeRetry, caller, clock } = terms;
  const controller = new AbortController();
  const { signal } = controller;
  terms.carry?.(signal);
  const onCallerGone = () => controller.abort(abortReason(caller));
  if (caller.aborted) onCallerGone();
  else caller.addEventListener('abort', onCallerGone, { once: true });
  terms.refusal?.then((refused) => {
    if (refused) controller.abort(refused);
  });

  let fault: Fault = 'upstream';
  /** Requests that were sent and not refused. */
  let sent = 0;
  const parts: T[] = new Array(jobs.length);
  let next = 0;

  /** One request under its own timer. Of several, a refused one is made again while others go on or are done. */
  async function answerTo(job: J): Promise<T> {
    for (let tries = 1; ; tries++) {
      const asked = clock.now();
      const { total, answer } = limits;
      const whole = limitOf(provider.id, 'did not finish', total.ms, total.fault);
      const timer = watchdog(clock, { ...whole, ms: Math.max(1, deadline - asked) }, (broken) => {
        fault = broken.fault;
        controller.abort(broken.error());
      });
      timer.expect(limitOf(provider.id, 'did not answer', answer.ms, answer.fault));
      sent++;
      try {
        return await orAbort(ask(job, signal), signal);
      } catch (thrown) {
        // After an abort the cause is the abort's reason, whatever the upstream threw.
        const error = signal.aborted ? abortReason(signal) : asGatewayError(thrown);
        if (mayBeBilled(error, { elapsedMs: clock.now() - asked, stage: 'asked' })) throw error;
        sent--;
        const wait = Math.max(clock.random() * RETRIES.baseMs * 2 ** tries, error.details.retryAfterMs ?? 0);
        const worthIt = alone && sent > 0 && error.retryable && tries < RETRIES.tries && wait <= RETRIES.waitMs;
        if (signal.aborted || !worthIt || !takeRetry() || !takeRequest()) throw error;
        await sleep(wait, signal, clock.after);
      } finally {
        timer.stop();
      }
    }
  }

  async function work(): Promise<void> {
    for (let at = next++; at < jobs.length; at = next++) {
      const job = jobs[at];
      if (job === undefined) return;
      parts[at] = await answerTo(job);
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(WIDTH, jobs.length) }, work));
    return { kind: 'answered', answer: parts };
  } catch (thrown) {
    const error = (signal.aborted ? abortReason(signal) : asGatewayError(thrown)).with({ provider: provider.id });
    const failure = { error, maybeBilled: sent > 0, fault };
    controller.abort(error);
    return { kind: 'failed', failure };
  } finally {
    caller.removeEventListener('abort', onCallerGone);
  }
}
