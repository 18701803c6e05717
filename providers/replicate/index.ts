/**
 * Replicate, which serves open-weight models as predictions: how it is configured and probed, and how one job becomes
 * one prediction, which is created here, followed to its end (prediction.ts), and cancelled here if its caller
 * leaves.
 */
import {
  abortReason,
  asGatewayError,
  type Background,
  type ConfigureProvider,
  carryAlike,
  type Event,
  endsInVersion,
  type Fetch,
  GatewayError,
  type Generation,
  httpUrl,
  isOneWord,
  type Job,
  onlyBatch,
  type ProbeModels,
  type PromptJob,
  type ProviderModule,
  probeFailed,
  probeFound,
  settingText as setting,
  unreachable,
  withTimeout,
} from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { about } from './about.ts';
import { type Prediction, type ReplicateApi, replicateApi } from './api.ts';
import { httpError, tooLate } from './errors.ts';
import { createRequest } from './input.ts';
import { conclude, follow } from './prediction.ts';

/** How long a cancel may take, in ms, and how long we wait for a create whose caller has left. */
const CANCEL_MS = 5_000;
const ORPHAN_MS = 10_000;

interface Upstream {
  readonly api: ReplicateApi;
  readonly background: Background;
}

/**
 * Cancels a prediction in the background, whatever has become of the caller. Never throws: if Replicate does not
 * answer, `Cancel-After` is the backstop.
 */
function cancel({ api, background }: Upstream, id: string): void {
  const canceled = withTimeout(CANCEL_MS, new AbortController().signal, tooLate, (limited) => api.cancel(id, limited));
  background(canceled.catch(() => undefined));
}

/**
 * One running prediction, which costs money at Replicate until it ends. Whether the caller aborts, leaves the
 * iterator, or we fail: the prediction is cancelled once, and never after it has ended by itself.
 */
interface Lease {
  /** Aborts with the caller's signal, or when the lease is abandoned. */
  readonly signal: AbortSignal;
  /**
   * Creates the prediction. An abort rejects at once, but does not abort the request: a prediction can be cancelled
   * only by its id, which comes with the answer. Without it a caller who leaves in between would pay for an answer
   * nobody reads.
   */
  create(job: PromptJob): Promise<Prediction>;
  /** The prediction has ended: there is nothing left to cancel. */
  settle(): void;
  /** Nobody waits for the rest. Returns at once, without waiting for the answer to the cancel. */
  abandon(): void;
}

function leaseFor(upstream: Upstream, caller: AbortSignal): Lease {
  const { api, background } = upstream;
  const own = new AbortController();
  carryAlike(caller, own.signal);
  /** Called when the caller leaves: ends the work that is going on. */
  let leave = (reason: unknown): void => own.abort(reason);
  // It stays until the signal is gone: one that belongs to a single attempt.
  caller.addEventListener('abort', () => leave(caller.reason), { once: true });

  /** The prediction runs. From now on leaving cancels it and aborts our requests about it. */
  const hold = (id: string): void => {
    leave = (reason) => {
      leave = () => undefined;
      cancel(upstream, id);
      own.abort(reason);
    };
  };
  const settle = (): void => {
    leave = (reason) => own.abort(reason);
  };
  return {
    signal: own.signal,
    create(job) {
      const request = createRequest(job);
      return new Promise((resolve, reject) => {
        let orphan: ReturnType<typeof setTimeout> | undefined;
        leave = () => {
          orphan = setTimeout(() => own.abort(), ORPHAN_MS);
          reject(abortReason(caller).with({ maybeBilled: true }));
        };
        const created = api.create(request, own.signal).then(
          (prediction) => {
            clearTimeout(orphan);
            if (prediction.state.kind === 'running') hold(prediction.id);
            else settle();
            if (caller.aborted) leave(caller.reason);
            else resolve(prediction);
          },
          (error: unknown) => {
            clearTimeout(orphan);
            settle();
            // After an abort nobody is listening. `Cancel-After` then ends the prediction.
            reject(error);
          },
        );
        // When the caller leaves, the platform may end the isolate. This keeps it until the answer is read and
        // cancelled.
        background(created);
      });
    },
    settle,
    abandon() {
      leave(new GatewayError('canceled', 'The answer is not wanted any more.'));
    },
  };
}

/** A failure after the create. The prediction exists and may be billed, so it must not be created again. */
function failedAfterCreate(error: unknown, id: string): GatewayError {
  const { code, message, details } = asGatewayError(error);
  const known = { provider: 'replicate', upstreamRequestId: id, maybeBilled: true };
  return new GatewayError(code, message, { ...known, ...details });
}

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The events, with every failure typed, and the prediction cancelled if they are not read to their end. */
function eventsOf(next: () => Promise<Event[] | undefined>, lease: Lease, id: string): AsyncIterable<Event[]> {
  let over = false;
  const onBatch = (batch: Event[] | undefined): IteratorResult<Event[], undefined> => {
    if (batch) return { done: false, value: batch };
    over = true;
    lease.settle();
    return ENDED;
  };
  const onFailure = (error: unknown): never => {
    over = true;
    lease.abandon();
    throw failedAfterCreate(error, id);
  };
  const iterator: AsyncIterator<Event[], undefined> = {
    next: () => (over ? Promise.resolve(ENDED) : next().then(onBatch, onFailure)),
    return() {
      over = true;
      lease.abandon();
      return Promise.resolve(ENDED);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/**
 * One prediction for one job. Rejects with a GatewayError if it could not be created, or ended at once in an error.
 */
export async function generate(upstream: Upstream, job: Job, signal: AbortSignal): Promise<Generation> {
  if (job.kind !== 'prompt' || job.api !== 'predictions') {
    throw new GatewayError('internal', 'A job that is not a prompt was sent to Replicate.', { provider: 'replicate' });
  }
  if (signal.aborted) throw abortReason(signal);
  const lease = leaseFor(upstream, signal);
  const created = await lease.create(job);
  if (signal.aborted) throw abortReason(signal).with({ maybeBilled: true });
  const { id, state, starting } = created;
  if (state.kind === 'running') {
    return { events: eventsOf(follow(upstream.api, job, created, lease), lease, id), upstreamId: id, starting };
  }
  try {
    return { events: onlyBatch(conclude(job, created, '')), complete: true, upstreamId: id };
  } catch (error) {
    throw failedAfterCreate(error, id);
  }
}

const DEFAULT_BASE_URL = 'https://api.replicate.com/v1';
const NONE = { providers: [], offers: [], mistakes: [] };

/** How many models a probe asks for. Each is a request of its own. */
const MAX_ASKED = 4;
const MAX_PAGE = 64 * 1024;

/** Reading a model's page is free, but needs a valid token (https://replicate.com/docs/reference/http#models.get). */
const probeReplicate =
  (token: string, baseUrl: string, fetch: Fetch): ProbeModels =>
  async (models, signal) => {
    const names = models.map(({ model }) => model.split(':', 1)[0] ?? model);
    const ids = [...new Set(names)].slice(0, MAX_ASKED);
    const asked = `GET ${baseUrl}/models/{owner}/{name}`;
    const steps = {
      host: 'Check REPLICATE_BASE_URL, which ends in /v1, or leave it out.',
      key: 'Check REPLICATE_API_TOKEN (replicate.com/account/api-tokens) and the credit of the account.',
    };
    const answers = await Promise.all(
      ids.map(async (id) => {
        try {
          const headers = { authorization: `Bearer ${token}` };
          const response = await fetch(`${baseUrl}/models/${id}`, { headers, signal, redirect: 'manual' });
          const { text } = await bodyText(response, signal, MAX_PAGE);
          return { id, error: response.ok ? undefined : httpError('create', response, text) };
        } catch {
          // What fetch says may name hosts and paths.
          return { id, error: unreachable('Replicate') };
        }
      }),
    );
    const there = answers.flatMap(({ id, error }) => (error ? [] : [id]));
    const failed = answers.find(({ error }) => error && error.code !== 'model_not_found')?.error;
    if (failed) return [probeFailed(asked, failed, steps)];
    const step = (found: string) => (found === '' ? steps.host : 'Other models are not concerned.');
    return [probeFound(asked, ids, new Set(there), step, (missing) => missing.length < ids.length)];
  };

/**
 * Replicate, which serves open-weight models as predictions: one finished prompt in, text out.
 * Reads REPLICATE_API_TOKEN, without which it is not configured, and REPLICATE_BASE_URL.
 *
 * @example
 * const { providers, mistakes } = configureReplicate(env, fetch);
 */
export const configureReplicate: ConfigureProvider = (env, fetch, _known, background = () => undefined) => {
  const token = setting(env.REPLICATE_API_TOKEN);
  if (!token) return NONE;
  const baseUrl = setting(env.REPLICATE_BASE_URL) || DEFAULT_BASE_URL;
  const mistakes: string[] = [];
  if (!isOneWord(token)) {
    mistakes.push('REPLICATE_API_TOKEN contains a space or a character that no token has. Copy it again.');
  }
  if (!httpUrl(baseUrl)) {
    mistakes.push(`REPLICATE_BASE_URL is not an http or https URL. Leave it out, or write ${DEFAULT_BASE_URL}.`);
  }
  if (mistakes.length > 0) return { ...NONE, mistakes };
  const upstream = { api: replicateApi({ token, baseUrl, fetch }), background };
  const warnings = endsInVersion(baseUrl)
    ? []
    : [`REPLICATE_BASE_URL does not end in /v1, as Replicate’s own does: ${DEFAULT_BASE_URL}.`];
  return {
    ...NONE,
    warnings,
    providers: [
      {
        id: 'replicate',
        about,
        probe: probeReplicate(token, baseUrl, fetch),
        generate: (job, signal) => generate(upstream, job, signal),
      },
    ],
  };
};

export const replicate: ProviderModule = { about, configure: configureReplicate };
