/**
 * Very many calls at once on a budget that pays for a part of them, with every provider held at a barrier while the
 * books are looked at. What must hold: posted and pending money never exceed the budget, at no look and not at the end,
 * and what is left at the end is less than one call costs.
 */
import { type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

const NANO_DIGITS = 9;

/** Dollars as a decimal string to nano-dollars. */
export function nano(dollars: string): bigint {
  const [whole = '0', fraction = ''] = dollars.replace('-', '').split('.');
  const amount = BigInt(whole + fraction.padEnd(NANO_DIGITS, '0'));
  return dollars.startsWith('-') ? -amount : amount;
}

const dollars = (amount: bigint): string => {
  const digits = String(amount).padStart(NANO_DIGITS + 1, '0');
  return `${digits.slice(0, -NANO_DIGITS)}.${digits.slice(-NANO_DIGITS)}`;
};

/** The cheap model is on the emulator of Anyscale's wire, the dear one on that of any other vLLM server. */
const service = (id: string, origin: string, wire: string, price: string, models: readonly string[]) => ({
  id,
  base_url: `${origin}/${wire}/v1`,
  token: 'sandbox-anyscale-token',
  models: Object.fromEntries(
    models.map((name) => [name, { upstream: 'meta-llama/Meta-Llama-3-8B-Instruct', family: 'llama-3' }]),
  ),
  price: { input_per_mtok: price, output_per_mtok: price },
});

export const startStorms = (): Promise<Stack> =>
  startStack((origin) => ({
    ...sandboxEnv(origin),
    OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
      service('cheap', origin, 'anyscale', '1', ['tempest']),
      service('dear', origin, 'openai-compatible', '10', ['tempest']),
    ]),
  }));

export interface Scenario {
  readonly name: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly path?: string;
  /** Rules for the emulator, beside the barrier. */
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
  /** Every second caller leaves while the providers are held. */
  readonly leaves?: true;
  /** Answers cost more than they were allowed to. */
  readonly breaksClamp?: true;
  /** The prompt's tokens are not known exactly, so a call holds more than it costs. */
  readonly estimated?: true;
  /** Calls that succeed cost this many times what one costs alone. */
  readonly times?: bigint;
}

const CHEAP = { provider: { only: ['cheap'] } };

export const SCENARIOS: readonly Scenario[] = [
  { name: 'JSON', body: CHEAP },
  { name: 'streams', body: { ...CHEAP, stream: true, stream_options: { include_usage: true } } },
  { name: 'n: 3', body: { ...CHEAP, n: 3 } },
  { name: 'votes, all samples in one request', body: { ...CHEAP, vote: { samples: 3 } } },
  { name: 'votes, a request for each sample', body: { ...CHEAP, max_tokens: 200, vote: { samples: 3 } } },
  {
    name: 'fallbacks that cost ten times the first choice',
    faults: [{ provider: 'anyscale', times: 0, fault: [{ kind: 'barrier' }, { kind: 'status', status: 400 }] }],
    times: 10n,
  },
  {
    name: 'a provider that breaks the clamp',
    body: CHEAP,
    faults: [{ times: 0, fault: [{ kind: 'barrier' }, { kind: 'ignore_limit' }] }],
    breaksClamp: true,
  },
  { name: 'callers who leave half-way', body: CHEAP, leaves: true },
  { name: 'callers who leave their streams half-way', body: { ...CHEAP, stream: true }, leaves: true },
  {
    name: 'embeddings',
    path: '/v1/embeddings',
    body: { model: 'intfloat/multilingual-e5-large-instruct' },
    estimated: true,
  },
];

export interface Verdict {
  readonly scenario: string;
  readonly calls: number;
  readonly succeeded: number;
  readonly refused: number;
  readonly other: Readonly<Record<string, number>>;
  readonly looks: number;
  /** Nano-dollars. */
  readonly limit: string;
  readonly most: string;
  readonly spent: string;
  readonly oneCall: string;
  readonly broken: readonly string[];
}

interface Books {
  readonly spent: bigint;
  readonly pending: bigint;
  readonly running: number;
}

interface Key {
  readonly text: string;
  books(): Promise<Books>;
}

let keys = 0;

/** A key of a new account. */
export async function makeKey(stack: Stack, settings: Readonly<Record<string, unknown>>): Promise<Key> {
  const account = `storm-${Date.now()}-${keys++}`;
  const made = await stack.post('/v1/keys', { name: 'storm', account, ...settings });
  if (made.status !== 201) throw new Error(`no key: ${await made.text()}`);
  const { id, key } = (await made.json()) as { id: string; key: string };
  return {
    text: key,
    async books() {
      const answer = await stack.get(`/v1/keys/${id}?account=${account}`);
      const { spent, pending, running } = (await answer.json()) as { spent: string; pending: string; running: number };
      return { spent: nano(spent), pending: nano(pending), running };
    },
  };
}

interface Outcome {
  readonly status: number | 'left';
  readonly code?: string;
}

/** Questions of one length, whose answers are cut at their limit. */
function bodyOf({ body, path }: Scenario, at: number): Record<string, unknown> {
  const question = `What is the sea like at mark ${String(100_000 + at)}?`;
  if (path === '/v1/embeddings') return { input: question, ...body };
  return { model: 'tempest', messages: [{ role: 'user', content: question }], max_tokens: 16, ...body };
}

async function ask(stack: Stack, key: string, scenario: Scenario, at: number, signal?: AbortSignal): Promise<Outcome> {
  try {
    const answer = await fetch(`${stack.url}${scenario.path ?? '/v1/chat/completions'}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(scenario, at)),
      ...(signal ? { signal } : {}),
    });
    const text = await answer.text();
    const { error } = answer.status === 200 ? { error: undefined } : JSON.parse(text);
    return { status: answer.status, ...(error ? { code: String(error.code) } : {}) };
  } catch (thrown) {
    if (signal?.aborted) return { status: 'left' };
    throw thrown;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(what: string, look: () => Promise<T>, holds: (seen: T) => boolean, ms = 60_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`${what}: it did not come to that. Seen last: ${JSON.stringify(seen)}`);
    await pause(20);
  }
}

const barrier = (stack: Stack, method: string): Promise<Response> =>
  fetch(`${stack.sandbox}/sandbox/barrier`, { method });

async function waitingAt(stack: Stack): Promise<number> {
  const { waiting } = (await (await barrier(stack, 'GET')).json()) as { waiting: number };
  return waiting;
}

/** What a call costs by itself, and holds at most, seen with a key whose budget pays for everything. */
async function costOfOne(stack: Stack, scenario: Scenario): Promise<bigint> {
  const key = await makeKey(stack, { budget: { limit: '1000', period: 'total' } });
  const { status } = await ask(stack, key.text, { ...scenario, faults: [] }, 0);
  if (status !== 200) throw new Error(`${scenario.name}: one call alone is answered with ${status}.`);
  return (await until('a call is settled', key.books, ({ pending, running }) => pending === 0n && running === 0)).spent;
}

/**
 * @param calls how many at once
 * @param buys how many of them the budget pays for, about
 */
export async function storm(stack: Stack, scenario: Scenario, calls: number, buys: number): Promise<Verdict> {
  await stack.reset();
  const oneCall = await costOfOne(stack, scenario);
  const limit = oneCall * BigInt(buys);
  const key = await makeKey(stack, { budget: { limit: dollars(limit), period: 'total' } });
  await barrier(stack, 'POST');
  for (const rule of scenario.faults ?? []) await stack.dial(rule);
  await stack.dial({ times: 0, fault: { kind: 'barrier' } });

  const broken: string[] = [];
  let looks = 0;
  let most = 0n;
  let opened = false;
  let over = false;
  const looking = (async () => {
    while (!over) {
      const { spent, pending } = await key.books();
      looks++;
      if (spent + pending > most) most = spent + pending;
      if (spent + pending > limit && !(scenario.breaksClamp && opened)) {
        broken.push(`A look found ${spent} spent and ${pending} pending of ${limit}.`);
      }
      await pause(10);
    }
  })();

  const leaving = Array.from({ length: calls }, () => new AbortController());
  let answered = 0;
  const asked = leaving.map(async ({ signal }, at) => {
    const outcome = await ask(stack, key.text, scenario, at, signal);
    answered++;
    return outcome;
  });
  // Everybody has been refused, or waits: a call may be several requests, or be about to become one.
  let before = -1;
  await until(
    'all calls are refused or held',
    async () => ({ waiting: await waitingAt(stack), answered, ...(await key.books()) }),
    (seen) => {
      const now = seen.answered * 1_000_000 + seen.waiting;
      const still = now === before && seen.answered + seen.running === calls;
      before = now;
      return still;
    },
    180_000,
  );
  const held = await key.books();
  if (held.spent !== 0n) broken.push(`${held.spent} was spent before any provider had answered.`);
  if (scenario.leaves) {
    for (const [at, caller] of leaving.entries()) if (at % 2 === 1) caller.abort();
    await pause(200);
  }
  opened = true;
  await barrier(stack, 'DELETE');
  const outcomes = await Promise.all(asked);
  // What comes back from callers who left, and what is left, may still pay for a call or two.
  const settled = () => until('all calls are settled', key.books, (seen) => seen.pending === 0n && seen.running === 0);
  await settled();
  for (let more = 0; more < calls; more++) {
    const outcome = await ask(stack, key.text, scenario, calls + more);
    outcomes.push(outcome);
    if (outcome.status !== 200) break;
  }
  const end = await settled();
  over = true;
  await looking;

  const succeeded = outcomes.filter(({ status }) => status === 200).length;
  const refused = outcomes.filter(({ code }) => code === 'insufficient_budget').length;
  const other: Record<string, number> = {};
  for (const { status, code } of outcomes) {
    if (status === 200 || code === 'insufficient_budget') continue;
    const name = String(code ?? status);
    other[name] = (other[name] ?? 0) + 1;
  }
  const strange = Object.keys(other).filter((name) => !(scenario.leaves && name === 'left'));
  if (strange.length > 0) broken.push(`Calls ended as ${strange.join(', ')}.`);
  const each = scenario.estimated ? held.pending / BigInt(held.running) : oneCall * (scenario.times ?? 1n);
  if (scenario.breaksClamp) {
    if (end.spent <= limit) broken.push('A provider that breaks the clamp is not seen in the books.');
  } else {
    if (end.spent > limit) broken.push(`${end.spent} was spent of ${limit}.`);
    if (limit - end.spent >= each) broken.push(`${limit - end.spent} is left, and a call costs ${each}.`);
  }
  if (succeeded === 0 || refused === 0) broken.push(`${succeeded} calls succeeded, and ${refused} were refused.`);
  return {
    scenario: scenario.name,
    calls,
    succeeded,
    refused,
    other,
    looks,
    limit: String(limit),
    most: String(most),
    spent: String(end.spent),
    oneCall: String(oneCall),
    broken,
  };
}

/**
 * The negative control: a caller looks whether money is left, and is billed afterwards, as gateways without
 * reservations do it. The calls are made with a key that has no budget, whose books say what they cost.
 */
export async function billedAfterwards(stack: Stack, calls: number, buys: number): Promise<Verdict> {
  await stack.reset();
  const [scenario] = SCENARIOS;
  if (!scenario) throw new Error('There is no scenario.');
  const oneCall = await costOfOne(stack, scenario);
  const limit = oneCall * BigInt(buys);
  const key = await makeKey(stack, {});
  await barrier(stack, 'POST');
  await stack.dial({ times: 0, fault: { kind: 'barrier' } });
  const asked = Array.from({ length: calls }, async (_, at): Promise<Outcome> => {
    const { spent } = await key.books();
    return spent < limit ? ask(stack, key.text, scenario, at) : { status: 402, code: 'insufficient_budget' };
  });
  await until(
    'all calls wait',
    () => waitingAt(stack),
    (waiting) => waiting === calls,
    180_000,
  );
  await barrier(stack, 'DELETE');
  const outcomes = await Promise.all(asked);
  const { spent } = await until('all calls are settled', key.books, ({ running }) => running === 0);
  return {
    scenario: 'negative control: bill afterwards',
    calls,
    succeeded: outcomes.filter(({ status }) => status === 200).length,
    refused: outcomes.filter(({ code }) => code === 'insufficient_budget').length,
    other: {},
    looks: 0,
    limit: String(limit),
    most: String(spent),
    spent: String(spent),
    oneCall: String(oneCall),
    broken: spent > limit ? [`${spent} was spent of ${limit}.`] : [],
  };
}

/** How many of so many calls at once a limit of requests a minute lets in. */
export async function rateLimited(stack: Stack, rpm: number, calls: number): Promise<Readonly<Record<string, number>>> {
  await stack.reset();
  const key = await makeKey(stack, { limits: { rpm } });
  const scenario = { name: 'rpm', body: CHEAP };
  const outcomes = await Promise.all(Array.from({ length: calls }, (_, at) => ask(stack, key.text, scenario, at)));
  const counts: Record<string, number> = {};
  for (const { status, code } of outcomes) {
    const name = String(code ?? status);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
