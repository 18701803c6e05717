/**
 * Calls of this isolate that run and that no account holds anything for. Their accounts are told of them along with
 * what they are told or asked anyway, so that whoever watches sees them.
 */
import type { SentAttempt } from './protocol.ts';

/** Told at a time. */
const MOST_TOLD = 50;

const byAccount = new Map<string, Map<string, SentAttempt>>();

export function began(one: SentAttempt): void {
  const { account, call } = one.call;
  const known = byAccount.get(account);
  if (known) known.set(call, one);
  else byAccount.set(account, new Map([[call, one]]));
}

export function ended(account: string, call: string): void {
  const known = byAccount.get(account);
  known?.delete(call);
  if (known?.size === 0) byAccount.delete(account);
}

export function runningIn(account: string): readonly SentAttempt[] {
  const known = byAccount.get(account);
  if (!known) return [];
  const all: SentAttempt[] = [];
  for (const one of known.values()) {
    if (all.length >= MOST_TOLD) break;
    all.push(one);
  }
  return all;
}
