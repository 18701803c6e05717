/** One attempt as several upstream requests: where a wire has no `n`, or a call has several prompts. */
import {
  addUsage,
  asGatewayError,
  type Event,
  type GatewayError,
  type Generation,
  type Job,
  sleep,
  type Usage,
} from '../core/index.ts';
import type { Plan } from '../offers/index.ts';
import type { Clock } from './timeouts.ts';
import { mayBeBilled, type UpstreamRequest } from './upstream-request.ts';

/**
 * Upstream requests of one attempt that may wait for their response headers at the same time. Workers allows six in
 * an invocation and queues the others
 * (https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections). One is left for
 * everything else that the call has to fetch.
 */
export const WIDTH = 5;

/** Tries of one request, and the longest wait between two. The others of its call go on meanwhile. */
export const RETRIES = { tries: 3, waitMs: 3_000, baseMs: 250 } as const;

/** One upstream request of several, and which of the call's choices it brings. */
interface Share {
  readonly job: Job;
  readonly base: number;
  readonly choices: number;
  /** The errors with which it was refused so far. */
  readonly refusals: readonly unknown[];
}

interface Running extends Share {
  readonly request: UpstreamRequest;
  /** Its choices that have begun, and those that have finished. */
  readonly begun: Set<number>;
  readonly finished: Set<number>;
  readonly askedAt: number;
}

export interface Pool {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  start(job: Job): UpstreamRequest;
  opened(generation: Generation): void;
  /** A request was refused, so it is not billed. */
  refused(request: UpstreamRequest): void;
  /** No other offer can serve the call, so that a refused request is retried while others of the same call go on. */
  readonly alone: boolean;
  /** Takes one of the provider's retries, if there is one. */
  takeRetry(): boolean;
  /** The upstream ignores or refuses `n`, so that this many more requests are made. */
  ignoresN(missing: number): void;
}

/** An event of one upstream request, under the choice number it has in the whole call. */
function renumber(event: Event, base: number): Event {
  return base === 0 || event.type === 'usage' ? event : { ...event, choice: event.choice + base };
}

/** The job for one more sample. It gets another seed, so that it differs. */
function sampleOf(job: Job, sample: number): Job {
  const { seed } = job.sampling;
  return { ...job, n: 1, ...(seed === undefined ? {} : { sampling: { ...job.sampling, seed: seed + sample } }) };
}

const sharesOf = ({ jobs, choicesPerJob }: Plan): Share[] =>
  jobs.map((job, at) => ({ job, base: at * choicesPerJob, choices: choicesPerJob, refusals: [] }));

/** The choices that a server which ignores `n` left out, as requests of their own. */
function missing({ job, base, choices, begun, finished }: Running): Share[] {
  const brought = finished.size;
  if (job.n < 2 || brought === 0 || brought >= choices || begun.size > brought) return [];
  // Servers that ignore it send the first choices alone. Anything else is a broken answer.
  for (let choice = 0; choice < brought; choice++) if (!finished.has(choice)) return [];
  return Array.from({ length: choices - brought }, (_, more) => ({
    job: sampleOf(job, brought + more),
    base: base + brought + more,
    choices: 1,
    refusals: [],
  }));
}

/** llama.cpp: "Field 'n': Value must be between 1 <= value <= 1"; Groq: "'n' : number must be at most 1". */
const N_NAMED = /['"`]n['"`]/;

/** The choices of a request that was refused for its `n`, as requests of their own. */
function oneByOne({ job, base, choices }: Share, { code, details }: GatewayError): Share[] {
  if (job.n < 2 || (code !== 'invalid_request' && code !== 'unsupported_parameter')) return [];
  if (details.param !== 'n' && !N_NAMED.test(details.upstreamMessage ?? '')) return [];
  return Array.from({ length: choices }, (_, at) => ({
    job: sampleOf(job, at),
    base: base + at,
    choices: 1,
    refusals: [],
  }));
}

function note({ begun, finished }: Running, batch: readonly Event[]): void {
  for (const event of batch) {
    if (event.type === 'usage') continue;
    begun.add(event.choice);
    if (event.type === 'finish') finished.add(event.choice);
  }
}

type Happening =
  | { readonly kind: 'opened'; readonly running: Running; readonly generation: Generation }
  | { readonly kind: 'read'; readonly running: Running; readonly result: IteratorResult<Event[], undefined> }
  | { readonly kind: 'failed'; readonly running: Running; readonly thrown: unknown }
  | { readonly kind: 'waited' };

/**
 * Merges the events of several upstream requests, a few of them at a time. Their usages become one, at the end. Ends
 * when all have ended. A request that is refused while others go on is retried. Any other failure fails all.
 */
export async function* fanOut(plan: Plan, pool: Pool): AsyncGenerator<Event[], void, undefined> {
  const { clock } = pool;
  const queue: Share[] = sharesOf(plan);
  const pending = new Map<Running | 'wait', Promise<Happening>>();
  let opening = 0;
  let notBefore = 0;
  let served = 0;
  let told = 0;
  let usage: Usage | undefined;

  const until = (running: Running, work: Promise<Happening>) =>
    pending.set(
      running,
      work.catch((thrown: unknown): Happening => ({ kind: 'failed', running, thrown })),
    );
  const read = (running: Running) =>
    until(
      running,
      running.request.next().then((result): Happening => ({ kind: 'read', running, result })),
    );
  function start(share: Share): void {
    if (share.refusals.length > 0 && !pool.takeRetry()) throw share.refusals.at(-1);
    const request = pool.start(share.job);
    const running: Running = { ...share, request, begun: new Set(), finished: new Set(), askedAt: clock.now() };
    opening++;
    until(
      running,
      request.open().then((generation): Happening => ({ kind: 'opened', running, generation })),
    );
  }
  function fill(): void {
    const wait = notBefore - clock.now();
    if (queue.length > 0 && wait > 0) {
      if (!pending.has('wait')) {
        const waited = sleep(wait, pool.signal, clock.after).catch(() => undefined);
        pending.set(
          'wait',
          waited.then((): Happening => ({ kind: 'waited' })),
        );
      }
      return;
    }
    while (opening < WIDTH) {
      const share = queue.shift();
      if (!share) return;
      start(share);
    }
  }

  /** Queues a refused request again, or throws its error. */
  function again(running: Running, thrown: unknown): void {
    const error = asGatewayError(thrown);
    const elapsedMs = clock.now() - running.askedAt;
    if (mayBeBilled(error, { elapsedMs, stage: running.request.stage })) throw thrown;
    pool.refused(running.request);
    const singly = oneByOne(running, error);
    if (singly.length > 0) {
      pool.ignoresN(singly.length - 1);
      queue.push(...singly);
      return;
    }
    const { job, base, choices, refusals } = running;
    const tries = refusals.length + 1;
    const wait = Math.max(clock.random() * RETRIES.baseMs * 2 ** tries, error.details.retryAfterMs ?? 0);
    // Where all requests are refused the offer is not available, and the next one is asked at once.
    const othersGoOn = served > 0 || [...pending.keys()].some((key) => key !== 'wait');
    if (!pool.alone || !othersGoOn || !error.retryable || tries >= RETRIES.tries || wait > RETRIES.waitMs) throw thrown;
    notBefore = clock.now() + wait;
    queue.push({ job, base, choices, refusals: [...refusals, thrown] });
  }

  try {
    for (fill(); pending.size > 0; fill()) {
      const happening = await Promise.race(pending.values());
      if (happening.kind === 'waited') {
        pending.delete('wait');
        continue;
      }
      const { running } = happening;
      pending.delete(running);
      if (happening.kind === 'opened') {
        opening--;
        pool.opened(happening.generation);
        read(running);
      } else if (happening.kind === 'failed') {
        if (running.request.stage === 'asked') opening--;
        again(running, happening.thrown);
      } else if (happening.result.done) {
        served++;
        const more = missing(running);
        if (more.length > 0) pool.ignoresN(more.length);
        queue.push(...more);
      } else {
        note(running, happening.result.value);
        read(running);
        const batch: Event[] = [];
        for (const event of happening.result.value) {
          if (event.type === 'usage') {
            usage = usage ? addUsage(usage, event.usage) : event.usage;
            told++;
          } else if (event.choice < running.choices) {
            // A choice beyond would take another request's place.
            batch.push(renumber(event, running.base));
          }
        }
        yield batch;
      }
    }
    // The usage of only some of the requests would be too low.
    if (usage && told === served) yield [{ type: 'usage', usage }];
  } finally {
    for (const running of pending.keys()) if (running !== 'wait') running.request.leave();
  }
}
