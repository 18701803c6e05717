/**
 * What accounts are still to be told of calls that are over. It is gathered for a moment and told by one request for
 * all: requests may share data, but none may use another's connections. What could not be told is told again. Each
 * account knows for a while what it was told, so that nothing counts twice.
 */
import type { AccountRpc, Told } from './protocol.ts';
import { retried, soon } from './retried.ts';
import { runningIn } from './running.ts';
import { endSettling, settled } from './settling.ts';

/** How long the end of a call waits for those of others. */
const GATHER_MS = 100;
/** Told at a time, which is also when nobody waits any longer. */
const MOST_TOLD = 250;
/** Kept for an account that cannot be reached. */
const MOST_KEPT = 10_000;
/** A sender that has not come back after so long was dropped by the platform. Longer than all of its tries. */
const DROPPED_MS = 60_000;
/**
 * How long a call may be told again after it may have arrived. With all tries of the last time that is less than the
 * account remembers it (`REMEMBERED_MS`); later it could count twice.
 */
const TOLD_MS = 30_000;

interface Entry {
  readonly told: Told;
  /** When it may first have arrived. */
  sentAt?: number;
}

interface Outbox {
  /** The oldest first. */
  waiting: Entry[];
  /** On their way, by a request that may be dropped. */
  sending: { readonly entries: readonly Entry[]; readonly since: number }[];
  /** When a request is to send what waits. */
  dueAt: number;
}

const outboxes = new Map<string, Outbox>();

function outboxOf(account: string): Outbox {
  const known = outboxes.get(account);
  if (known) return known;
  const made: Outbox = { waiting: [], sending: [], dueAt: 0 };
  outboxes.set(account, made);
  return made;
}

export interface Sender {
  readonly account: string;
  /** A stub that is not broken: a new one each time. */
  readonly rpc: () => Pick<AccountRpc, 'tell'>;
  /** Keeps the request alive until the work is done. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * Has an account told, soon. The caller has counted each entry with `beginSettling`.
 *
 * @param atOnce others wait for what it changes
 */
export function tellSoon({ account, rpc, background }: Sender, told: readonly Told[], atOnce: boolean): void {
  const outbox = outboxOf(account);
  const now = Date.now();
  const { waiting } = outbox;
  for (const one of told) waiting.push({ told: one });
  dropOldest(account, outbox);
  if (atOnce || waiting.length >= MOST_TOLD) background(send(account, rpc));
  // Later than twice the wait, whoever was to send has been dropped.
  else if (outbox.dueAt < now - GATHER_MS) {
    outbox.dueAt = now + GATHER_MS;
    background(
      wait(GATHER_MS).then(async () => {
        outbox.dueAt = 0;
        await send(account, rpc);
        if (outbox.waiting.length + outbox.sending.length + outbox.dueAt === 0) outboxes.delete(account);
      }),
    );
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function dropOldest(account: string, { waiting }: Outbox): void {
  const lost = waiting.splice(0, Math.max(0, waiting.length - MOST_KEPT));
  given(account, lost, `has not been reached for so long that ${lost.length} calls are in no ledger`);
}

function given(account: string, lost: readonly Entry[], why: string): void {
  if (lost.length === 0) return;
  for (const _ of lost) endSettling(account);
  console.error(`Account ${account} ${why}.`);
}

/** Takes what waits, at most one batch, to be told by whoever asks: `done` or `failed` is to be called. */
export function take(account: string): Batch | undefined {
  const outbox = outboxes.get(account);
  if (!outbox) return undefined;
  const now = Date.now();
  const dropped = outbox.sending.filter(({ since }) => now - since > DROPPED_MS);
  for (const one of dropped) putBack(outbox, one);
  const entries = outbox.waiting.splice(0, MOST_TOLD);
  const fresh = entries.filter(({ told, sentAt = now }) => told.settle || now - sentAt <= TOLD_MS);
  if (fresh.length < entries.length) {
    const lost = entries.filter((entry) => !fresh.includes(entry));
    given(account, lost, `may have heard of ${lost.length} calls, or not: nobody answered for too long`);
  }
  if (fresh.length === 0) return undefined;
  for (const entry of fresh) entry.sentAt ??= now;
  const batch = { entries: fresh, since: now };
  outbox.sending.push(batch);
  return {
    told: fresh.map(({ told }) => told),
    done() {
      if (!remove(outbox, batch)) return;
      for (const _ of fresh) endSettling(account);
    },
    failed: () => putBack(outbox, batch),
  };
}

export interface Batch {
  readonly told: readonly Told[];
  /** The account has it. */
  done(): void;
  /** Nobody knows whether the account has it. */
  failed(): void;
}

type Sending = Outbox['sending'][number];

/** False: it was taken for dropped before. */
function remove(outbox: Outbox, batch: Sending): boolean {
  const at = outbox.sending.indexOf(batch);
  if (at >= 0) outbox.sending.splice(at, 1);
  return at >= 0;
}

function putBack(outbox: Outbox, batch: Sending): void {
  if (remove(outbox, batch)) outbox.waiting.unshift(...batch.entries);
}

/** Tells all that waits now. Never rejects: what fails is told by the next call's request. */
export async function send(account: string, rpc: Sender['rpc']): Promise<void> {
  for (let batch = take(account); batch; batch = take(account)) {
    const { told, done, failed } = batch;
    try {
      await retried(() => rpc().tell(told, runningIn(account)), 'tell');
      done();
    } catch {
      failed();
      console.error('An account could not be told of calls; they are told with the next one.');
      return;
    }
  }
}

/**
 * Has an account told of every call of this isolate that has its answer, so that whoever asks next finds it there. Gives
 * up after so many milliseconds. Never rejects.
 */
export async function tellNow(account: string, rpc: Sender['rpc'], mostMs: number): Promise<void> {
  const begun = Date.now();
  await soon(send(account, rpc), mostMs);
  await settled(account, mostMs - (Date.now() - begun));
}
