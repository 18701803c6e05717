import type { Cover, KeySettings, NewKey, ReserveRequest, SettleRequest } from '../../src/accounts/protocol.ts';
import type { AttemptEnd, AttemptStart } from '../../src/core/index.ts';

export const HASH = 'a'.repeat(64);
export const newKey = (settings: Partial<KeySettings> = {}, id = 'k1'): NewKey => ({
  id,
  secretHash: HASH,
  settings: { name: 'test', atLimit: 'clamp', ...settings },
});

export const attemptStart = (attempt: number, started = Date.now()): AttemptStart => ({
  attempt,
  model: 'llama-3.3-70b-instruct',
  provider: 'together',
  upstream: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  api: 'openai',
  requests: 1,
  started,
});

export interface CallOptions extends Partial<Omit<ReserveRequest, 'start' | 'cover'>> {
  readonly key?: string;
  readonly now?: number;
  readonly cover?: Cover | undefined;
}

/** A request to let a call in, whose attempt costs between 1 and 10 nano-dollars. */
export function reserveRequest(
  call: string,
  { key = 'k1', now = Date.now(), ...more }: CallOptions = {},
): ReserveRequest {
  const { cover, ...rest } = { cover: { most: 10n, least: 1n }, ...more };
  return {
    start: { call, account: 'main', key, dialect: 'chat', streamed: false, asked: 'llama', started: now },
    secretHash: HASH,
    revision: 1,
    attempt: attemptStart(1, now),
    tokens: 100,
    deadline: now + 60_000,
    ...(cover ? { cover } : {}),
    ...rest,
  };
}

export const settled = (attempt: number, cost: bigint, more: Partial<AttemptEnd> = {}): AttemptEnd => ({
  attempt,
  outcome: 'ok',
  money: 'settled',
  cost,
  ended: Date.now(),
  ...more,
});

export const released = (attempt: number): AttemptEnd => ({
  attempt,
  outcome: 'provider_overloaded',
  money: 'released',
  ended: Date.now(),
});

export const settleRequest = (call: string, ...ended: readonly AttemptEnd[]): SettleRequest => ({
  call,
  ended,
  outcome: ended.at(-1)?.outcome ?? 'ok',
  status: 200,
  endedAt: Date.now(),
});
