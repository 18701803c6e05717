import { registry } from '../../providers/index.ts';
import type { Admission, Covered, Need } from '../../src/accounts/index.ts';
import {
  type AttemptEnd,
  type ChatCall,
  type Event,
  GatewayError,
  type Generation,
  type Job,
  type Provider,
} from '../../src/core/index.ts';
import type { Candidate } from '../../src/offers/index.ts';
import {
  type Carried,
  type Clock,
  carry,
  DEFAULT_TIMEOUTS,
  type HealthBook,
  healthBook,
  type Relay,
  retryBudget,
  type Timeouts,
} from '../../src/relay/index.ts';

/** A clock that moves only when told, and a chance that is always the same. */
export interface HandClock extends Clock {
  /** Moves time on, ringing what is due, and lets what was waiting run. */
  advance(ms: number): Promise<void>;
}

export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
};

export function handClock(random = 0.5): HandClock {
  let now = 1_000_000;
  let timers: { at: number; ring: () => void }[] = [];
  return {
    now: () => now,
    random: () => random,
    after(ms, ring) {
      const timer = { at: now + ms, ring };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        now = Math.max(now, due.at);
        timers = timers.filter((other) => other !== due);
        due.ring();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

export type Behaviour = (job: Job, signal: AbortSignal) => Promise<Generation> | Generation;

/** A provider that plays one behaviour for each attempt, the last one for ever, and notes what it was asked. */
export function scripted(id: string, ...script: Behaviour[]): Provider & { jobs: Job[]; signals: AbortSignal[] } {
  const jobs: Job[] = [];
  const signals: AbortSignal[] = [];
  return {
    id,
    about: { ...registry.of(id), requestsPerJob: 1 },
    jobs,
    signals,
    async generate(job, signal) {
      const play = script[Math.min(jobs.length, script.length - 1)];
      jobs.push(job);
      signals.push(signal);
      if (!play) throw new Error('no behaviour');
      return play(job, signal);
    },
  };
}

export const said = (text: string): Event => ({ type: 'text', choice: 0, text });
export const finished: Event = { type: 'finish', choice: 0, reason: 'stop' };

/** Answers with these batches. */
export const answers =
  (...batches: Event[][]): Behaviour =>
  () => ({
    events: (async function* () {
      for (const batch of batches) yield batch;
    })(),
  });

/** Answers with these batches, then throws. */
export const breaks =
  (error: unknown, ...batches: Event[][]): Behaviour =>
  () => ({
    events: (async function* () {
      for (const batch of batches) yield batch;
      throw error;
    })(),
  });

export const fails =
  (error: unknown): Behaviour =>
  () =>
    Promise.reject(error);

/** Never answers, and does not even listen to its signal. */
export const hangs: Behaviour = () => new Promise(() => undefined);

/** Answers at once, sends these batches, and then nothing until it is aborted. */
export const stalls =
  (...batches: Event[][]): Behaviour =>
  (_job, signal) => ({
    events: (async function* () {
      for (const batch of batches) yield batch;
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    })(),
  });

export const offer = (provider: string, more: Partial<Candidate> = {}): Candidate => ({
  provider,
  model: 'llama-3-8b-instruct',
  upstream: `${provider}-llama`,
  api: 'chat',
  family: 'llama-3',
  drops: [],
  altered: [],
  sends: { form: 'messages', messages: [{ role: 'user', content: 'Hi' }], tools: [] },
  prompt: { largest: 11, total: 11, exactness: 'exact' },
  reportsExtra: 0,
  output: { clamped: false },
  // A token a word.
  counter: { exactness: 'exact', count: (text) => text.split(' ').length },
  standing: 'served',
  priced: { known: false, reason: 'Not in these tests.' },
  breaker: 'closed',
  loses: false,
  structured: false,
  why: [],
  nativeN: true,
  nativeStop: true,
  echo: 'none',
  toolStreaming: true,
  systemRole: true,
  ...more,
});

export const call = (more: Partial<ChatCall> = {}): ChatCall => ({
  kind: 'chat',
  id: 'gen-1',
  models: ['llama-3-8b-instruct'],
  sampling: {},
  n: 1,
  stop: [],
  stream: true,
  routing: {},
  templating: {},
  unknownParameters: [],
  messages: [{ role: 'user', content: 'Hi' }],
  tools: [],
  ...more,
});

/** An account that covers everything at once, unless it is told otherwise, and keeps what it was asked and told. */
export function ledger(more: Partial<Omit<Admission, 'cover'>> & { readonly cover?: (need: Need) => Covered } = {}) {
  const needs: Need[] = [];
  const ends: AttemptEnd[] = [];
  const account: Admission = {
    budgeted: false,
    cheaper: false,
    metered: false,
    parts: 1,
    refusal: undefined,
    admitted: () => undefined,
    end: (end) => ends.push(end),
    ...more,
    cover(need) {
      needs.push(need);
      return more.cover?.(need) ?? { kind: 'held', attempt: needs.length };
    },
  };
  return { account, needs, ends };
}

export interface Scene {
  providers: Provider[];
  offers?: Candidate[];
  clock?: Clock;
  caller?: AbortSignal;
  timeouts?: Partial<Timeouts>;
  asked?: ChatCall;
  health?: HealthBook;
  budget?: Relay['budget'];
  account?: Admission;
}

/** Carries a call over offers of these providers, in this order. */
export const run = ({
  providers,
  offers,
  clock = handClock(),
  caller,
  timeouts,
  asked = call(),
  health = healthBook(),
  budget = retryBudget(),
  account,
}: Scene): Promise<Carried> =>
  carry(
    asked,
    { eligible: offers ?? providers.map((p) => offer(p.id)), excluded: [] },
    caller ?? new AbortController().signal,
    {
      providers: new Map(providers.map((provider) => [provider.id, provider])),
      subrequests: 50,
      timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
      budget,
      health,
      clock,
    },
    account,
  );

export async function textOf(events: AsyncIterable<Event[]>): Promise<string> {
  let text = '';
  for await (const batch of events) for (const event of batch) if (event.type === 'text') text += event.text;
  return text;
}

export const good = answers([said('Hello')], [finished]);
export const error = (code: GatewayError['code'], details = {}) => new GatewayError(code, `it was ${code}`, details);

/** Answers after so many milliseconds. */
export const late =
  (clock: Clock, ms: number, then: Behaviour = good): Behaviour =>
  (job, signal) =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => resolve(then(job, signal)));
      signal.addEventListener('abort', () => {
        cancel();
        reject(signal.reason);
      });
    });

/** Answers at once, and sends one batch every so many milliseconds, the last one for ever where there is no end. */
export const drips =
  (clock: Clock, ms: number, ...batches: Event[][]): Behaviour =>
  (_job, signal) => ({
    events: (async function* () {
      for (const batch of batches) {
        await new Promise<void>((resolve, reject) => {
          const cancel = clock.after(ms, resolve);
          signal.addEventListener('abort', () => {
            cancel();
            reject(signal.reason);
          });
        });
        yield batch;
      }
    })(),
  });

export async function eventsOf({ events }: Carried): Promise<Event[]> {
  const all: Event[] = [];
  for await (const batch of events) all.push(...batch);
  return all;
}
