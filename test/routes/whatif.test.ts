import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LedgerRow, ledgerRow } from '../../src/accounts/index.ts';
import { formatDollars, type MoneyOutcome } from '../../src/core/index.ts';
import { DAY } from '../accounts/rows.ts';
import { fill, keyOf, newAccount, reporting } from './ledger-support.ts';
import { errorOf, MODEL } from './support.ts';

const settings = { AWS_REGION: 'us-east-1' };
const ask = reporting({ settings });

/**
 * Prices as their sources have them, in dollars for a million tokens, on two days: copied by hand from the price book,
 * and not read from it. Undefined: the model is offered, at a price that nobody knows.
 */
type Price = readonly [input: string, output: string] | undefined;
const DAYS = ['2026-10-01', '2026-10-20'] as const;
const BOOK: Readonly<Record<string, Readonly<Record<string, readonly [Price, Price]>>>> = {
  'llama-3.3-70b-instruct': {
    bedrock: [
      ['0.72', '0.72'],
      ['0.72', '0.72'],
    ],
    together: [undefined, ['1.04', '1.04']],
  },
  'llama-3-8b-instruct': {
    bedrock: [
      ['0.3', '0.6'],
      ['0.3', '0.6'],
    ],
    replicate: [
      ['0.05', '0.25'],
      ['0.05', '0.25'],
    ],
  },
  'gpt-oss-120b': {
    bedrock: [
      ['0.15', '0.6'],
      ['0.15', '0.6'],
    ],
    replicate: [
      ['0.18', '0.72'],
      ['0.18', '0.72'],
    ],
    together: [
      ['0.15', '0.6'],
      ['0.15', '0.6'],
    ],
  },
  [MODEL]: { mine: [undefined, undefined] },
};
const UPSTREAM: Readonly<Record<string, string>> = {
  'llama-3.3-70b-instruct bedrock': 'us.meta.llama3-3-70b-instruct-v1:0',
  'llama-3.3-70b-instruct together': 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  'llama-3-8b-instruct bedrock': 'meta.llama3-8b-instruct-v1:0',
  'llama-3-8b-instruct replicate': 'meta/meta-llama-3-8b-instruct',
  'gpt-oss-120b bedrock': 'openai.gpt-oss-120b-1:0',
  'gpt-oss-120b replicate': 'openai/gpt-oss-120b',
  'gpt-oss-120b together': 'openai/gpt-oss-120b',
  [`${MODEL} mine`]: MODEL,
};
const FAMILY: Readonly<Record<string, string>> = {
  'llama-3.3-70b-instruct': 'llama-3.3',
  'llama-3-8b-instruct': 'llama-3',
  'gpt-oss-120b': 'gpt-oss',
  [MODEL]: 'unknown',
};

/** An attempt as a test makes it up. */
interface Sample {
  readonly day: 0 | 1;
  readonly model: string;
  readonly provider: string;
  readonly prompt: number;
  readonly completion: number;
  readonly money: MoneyOutcome;
  readonly cost: bigint;
  readonly tokens: 'known' | 'uncounted' | 'unknown';
}

const sample: fc.Arbitrary<Sample> = fc
  .record({
    day: fc.constantFrom(0 as const, 1 as const),
    offer: fc.constantFrom(...Object.keys(UPSTREAM)),
    prompt: fc.integer({ min: 1, max: 60_000 }),
    completion: fc.integer({ min: 0, max: 5_000 }),
    money: fc.constantFrom<MoneyOutcome>('settled', 'settled', 'settled', 'upper_bound', 'released', 'unknown'),
    cost: fc.bigInt({ min: 0n, max: 40_000_000n }),
    tokens: fc.constantFrom(
      'known' as const,
      'known' as const,
      'known' as const,
      'uncounted' as const,
      'unknown' as const,
    ),
  })
  .map(({ offer, ...rest }) => {
    const [model = '', provider = ''] = offer.split(' ');
    return { ...rest, model, provider };
  });

const rowOf = (one: Sample, seq: number, key = 'k'): LedgerRow => {
  const started = Date.parse(DAYS[one.day]) + ((seq * 7_919_000) % DAY);
  const { model, provider, prompt, completion, money, cost, tokens } = one;
  return ledgerRow(
    { call: `gen-${seq}`, account: '', key, dialect: 'chat', streamed: false, asked: model, started },
    {
      attempt: 1,
      model,
      provider,
      ...(provider === 'mine' ? { service: 'mine' } : {}),
      upstream: UPSTREAM[`${model} ${provider}`] ?? '',
      api: 'chat',
      requests: 1,
      started,
    },
    {
      attempt: 1,
      outcome: tokens === 'unknown' ? 'timeout' : 'ok',
      money,
      cost,
      ended: started + 5,
      // What the provider bills is a little more than what the model's tokenizer has.
      ...(tokens === 'unknown'
        ? {}
        : {
            usage: {
              input: prompt + 3,
              cacheRead: 0,
              cacheWrite: 0,
              output: completion,
              reasoning: 0,
              source: 'provider' as const,
            },
          }),
      ...(tokens === 'known' ? { counts: { [FAMILY[model] ?? '']: [prompt, completion] as const } } : {}),
    },
    seq,
  );
};

/** Tokens times a price, as a fraction, rounded half up to a nano-dollar: done here with whole numbers alone. */
function rounded(tokens: number, price: string): bigint {
  const [whole = '0', decimals = ''] = price.split('.');
  // Nano-dollars for a million tokens.
  const nano = BigInt(whole + decimals.padEnd(9, '0'));
  const [quotient, rest] = [(BigInt(tokens) * nano) / 1_000_000n, (BigInt(tokens) * nano) % 1_000_000n];
  return rest * 2n >= 1_000_000n ? quotient + 1n : quotient;
}

interface Sum {
  cost: bigint;
  requests: number;
  unpriced: number;
  before: bigint;
  beforeMost: bigint;
  unknown: number;
}
const none = (): Sum => ({ cost: 0n, requests: 0, unpriced: 0, before: 0n, beforeMost: 0n, unknown: 0 });

const exact = ({ money, cost }: Sample): bigint => (money === 'settled' ? cost : 0n);
const most = ({ money, cost }: Sample): bigint => (money === 'upper_bound' ? cost : 0n);

/** Samples of one day at one offer, whose tokens are added up before anything is rounded. */
const grouped = (all: readonly Sample[]): (readonly Sample[])[] => [
  ...Map.groupBy(all, ({ day, model, provider }) => `${day} ${model} ${provider}`).values(),
];

/** What one group comes to at a provider, or the samples that have no price there. */
function at(provider: string, group: readonly Sample[]): Sum {
  const [first] = group;
  const sum = none();
  if (!first) return sum;
  const price = BOOK[first.model]?.[provider]?.[first.day];
  const own = first.provider === provider;
  const priced = group.filter(({ money, tokens }) =>
    own ? money !== 'unknown' || price : price && tokens === 'known',
  );
  sum.unpriced = group.length - priced.length;
  sum.requests = priced.length;
  for (const one of priced) {
    sum.before += exact(one);
    sum.beforeMost += most(one);
    sum.unknown += one.money === 'unknown' ? 1 : 0;
    if (own) sum.cost += exact(one) + most(one);
  }
  const total = (some: readonly Sample[], of: (one: Sample) => number) => some.reduce((all, one) => all + of(one), 0);
  if (price) {
    const repriced = own ? priced.filter(({ money }) => money === 'unknown') : priced;
    const beside = own ? 3 : 0;
    sum.cost += rounded(
      total(repriced, ({ prompt }) => prompt + beside),
      price[0],
    );
    sum.cost += rounded(
      total(repriced, ({ completion }) => completion),
      price[1],
    );
  }
  return sum;
}

const add = (a: Sum, b: Sum): Sum => ({
  cost: a.cost + b.cost,
  requests: a.requests + b.requests,
  unpriced: a.unpriced + b.unpriced,
  before: a.before + b.before,
  beforeMost: a.beforeMost + b.beforeMost,
  unknown: a.unknown + b.unknown,
});

interface Line {
  readonly provider?: string;
  readonly policy?: string;
  readonly hypothetical?: object;
  readonly cost: string | null;
  readonly requests: number;
  readonly unpriced_requests: number;
  readonly compared_with: { readonly cost: string; readonly cost_upper_bound: string };
  readonly delta: string | null;
}
interface Report {
  readonly data: readonly Line[];
  readonly actual: Readonly<Record<string, unknown>>;
  readonly left_out: Readonly<Record<string, unknown>>;
  readonly unpriced: readonly {
    readonly provider?: string;
    readonly policy?: string;
    readonly model: string;
    readonly requests: number;
    readonly reason: string;
  }[];
}

interface Detail extends Report {
  readonly traffic: readonly {
    readonly model: string;
    readonly provider: string;
    readonly requests: number;
    readonly completion_tokens: number;
    readonly cost: string;
    readonly offers: readonly {
      readonly provider: string;
      readonly requests: number;
      readonly cost: string | null;
      readonly price: string | null;
      readonly compared_with: object;
      readonly unpriced: readonly object[];
    }[];
  }[];
  readonly offer_prices: Readonly<Record<string, object>>;
}

async function whatIf(query: string, headers: Record<string, string> = {}): Promise<Report> {
  const answer = await ask(`/v1/whatif?from=${DAYS[0]}&to=${DAYS[1]}&${query}`, headers);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json();
}

const lineOf = (sum: Sum) => ({
  cost: sum.requests === 0 ? null : formatDollars(sum.cost),
  requests: sum.requests,
  unpriced_requests: sum.unpriced,
  compared_with: { cost: formatDollars(sum.before), cost_upper_bound: formatDollars(sum.beforeMost) },
  delta: sum.requests === 0 || sum.unknown > 0 ? null : formatDollars(sum.cost - sum.before - sum.beforeMost),
});

const PROVIDERS = ['bedrock', 'replicate', 'together', 'mine'];
/** In the order of the deployment. */
const FIRST = ['bedrock', 'replicate', 'together', 'mine'];

/** The best of several, as a policy picks: of those that price all, the cheapest; else the one that prices most. */
function cheapest(
  group: readonly Sample[],
  order: readonly string[] = [],
  exclude: readonly string[] = [],
  sign = 1,
): Sum {
  const sums = PROVIDERS.filter((provider) => !exclude.includes(provider))
    .filter((provider) => BOOK[group[0]?.model ?? '']?.[provider])
    .map((provider) => ({ provider, ...at(provider, group) }));
  const whole = sums.filter(({ unpriced }) => unpriced === 0);
  const first = order.find((provider) => whole.some((one) => one.provider === provider));
  const from = first ? whole.filter(({ provider }) => provider === first) : whole.length > 0 ? whole : sums;
  const [found] = [...from].sort((a, b) => b.requests - a.requests || sign * Number(a.cost - b.cost));
  if (!found || found.requests === 0) return { ...none(), unpriced: group.length };
  const { provider: _, ...sum } = found;
  return sum;
}

describe('GET /v1/whatif', () => {
  it('is the sum worked out by hand from the price book, for each provider and policy, on days of mixed traffic', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { minLength: 1, maxLength: 40 }), async (all) => {
        const account = newAccount();
        await fill(
          account,
          all.map((one, index) => rowOf(one, index + 1)),
        );
        const known = all.filter(({ tokens }) => tokens !== 'unknown');
        const groups = grouped(known);
        const policies: readonly [string, string, (group: readonly Sample[]) => Sum][] = [
          ['', 'price', (group) => cheapest(group)],
          ['policy=together', 'together', (group) => at('together', group)],
          ['policy=most_expensive', 'most_expensive', (group) => cheapest(group, [], [], -1)],
          ['policy=first', 'first', (group) => cheapest(group, FIRST)],
          [
            'order=replicate,together',
            'order=replicate,together',
            (group) => cheapest(group, ['replicate', 'together']),
          ],
          ['exclude=bedrock,mine', 'exclude=bedrock,mine', (group) => cheapest(group, [], ['bedrock', 'mine'])],
        ];
        for (const [query, policy, of] of policies) {
          const { data, actual, left_out: out, unpriced } = await whatIf(`account=${account}&${query}`);
          for (const provider of PROVIDERS) {
            const expected = groups.map((group) => at(provider, group)).reduce(add, none());
            expect(data.find((line) => line.provider === provider)).toMatchObject(lineOf(expected));
            const listed = unpriced.filter((one) => one.provider === provider);
            expect(listed.reduce((sum, { requests }) => sum + requests, 0)).toBe(expected.unpriced);
          }
          expect(data.find((line) => line.policy === policy)).toMatchObject(lineOf(groups.map(of).reduce(add, none())));
          const money = (some: readonly Sample[]) => ({
            cost: formatDollars(some.reduce((sum, one) => sum + exact(one), 0n)),
            cost_upper_bound: formatDollars(some.reduce((sum, one) => sum + most(one), 0n)),
            unknown_cost: some.filter((one) => one.money === 'unknown').length,
            requests: some.length,
          });
          expect(actual).toEqual(money(all));
          expect(out).toEqual(money(all.filter(({ tokens }) => tokens === 'unknown')));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('understands an order as a policy', async () => {
    const account = newAccount();
    const names = async (query: string) => (await whatIf(`account=${account}&${query}`)).data.at(-1)?.policy;
    expect(await names('policy=order=together,bedrock')).toBe('order=together,bedrock');
    expect(await names('policy=exclude=bedrock&order=together')).toBe('order=together&exclude=bedrock');
    expect(await names('policy=price')).toBe('price');
  });

  const one = (more: Partial<Sample>): Sample => ({
    day: 1,
    model: 'llama-3.3-70b-instruct',
    provider: 'bedrock',
    prompt: 1_000_000,
    completion: 1_000_000,
    money: 'settled',
    cost: 1_440_000_000n,
    tokens: 'known',
    ...more,
  });

  it('lists what has no price and what was not offered, each with its reason', async () => {
    const account = newAccount();
    await fill(account, [rowOf(one({ day: 0 }), 1), rowOf(one({}), 2)]);
    const { data, unpriced } = await whatIf(`account=${account}`);
    expect(data.find(({ provider }) => provider === 'together')).toMatchObject({
      cost: '2.08',
      requests: 1,
      unpriced_requests: 1,
      delta: '0.64',
    });
    expect(data.find(({ provider }) => provider === 'replicate')).toMatchObject({ cost: null, delta: null });
    const reasons = (of: string) => unpriced.filter(({ provider }) => provider === of).map(({ reason }) => reason);
    expect(reasons('together')).toEqual([
      expect.stringMatching(/^No price of meta-llama.* is known for 2026-10-01\.$/),
    ]);
    expect(reasons('replicate')).toEqual(['replicate does not offer llama-3.3-70b-instruct.']);
  });

  it('goes by the prices of today if asked, where it was served too', async () => {
    const account = newAccount();
    await fill(account, [rowOf(one({ day: 0, cost: 1n }), 1)]);
    const { data } = await whatIf(`account=${account}&prices=today`);
    expect(data.find(({ provider }) => provider === 'together')).toMatchObject({ cost: '2.08', unpriced_requests: 0 });
    // As billed, which was three tokens more.
    expect(data.find(({ provider }) => provider === 'bedrock')).toMatchObject({ cost: '1.44000216' });
  });

  it('does not ask what a model that is gone would have cost', async () => {
    const account = newAccount();
    const row = { ...rowOf(one({}), 1), model: 'gone-model', provider: 'gone', upstream: 'gone' };
    await fill(account, [row]);
    const { data, unpriced } = await whatIf(`account=${account}`);
    expect(data.every(({ provider, requests }) => provider === undefined || requests === 0)).toBe(true);
    expect(unpriced).toContainEqual(expect.objectContaining({ provider: 'bedrock', model: 'gone-model', requests: 1 }));
  });

  it('prices hardware of your own by the hour', async () => {
    const account = newAccount();
    await fill(account, [rowOf(one({ completion: 3_600_000 }), 1)]);
    const { data } = await whatIf(`account=${account}&usd_per_hour=0.95&tokens_per_second=400`);
    expect(data.find(({ hypothetical }) => hypothetical)).toMatchObject({
      hypothetical: { usd_per_hour: '0.95', tokens_per_second: 400, busy_hours: 2.5 },
      cost: '2.375',
      delta: '0.935',
      estimate: true,
    });
  });

  it('gives the lines that policies are worked out from, whose sums are its own', async () => {
    const account = newAccount();
    const other = { model: 'gpt-oss-120b', cost: 750_000_001n };
    await fill(account, [rowOf(one({}), 1), rowOf(one(other), 2), rowOf(one({ ...other, tokens: 'uncounted' }), 3)]);
    const read = await ask(`/v1/whatif?from=${DAYS[1]}&to=${DAYS[1]}&account=${account}&detail=offers`);
    const { traffic, offer_prices: prices, actual } = (await read.json()) as Detail;
    expect(traffic.map(({ model, provider, requests, cost }) => [model, provider, requests, cost])).toEqual([
      ['gpt-oss-120b', 'bedrock', 2, '1.500000002'],
      ['llama-3.3-70b-instruct', 'bedrock', 1, '1.44'],
    ]);
    expect(actual).toMatchObject({ cost: '2.940000002' });
    const [oss, llama] = traffic;
    expect(oss?.completion_tokens).toBe(2_000_000);
    const offered = oss?.offers.map(({ provider, cost, requests }) => [provider, cost, requests]);
    expect(offered).toEqual([
      ['bedrock', '1.500000002', 2],
      ['replicate', '0.9', 1],
      ['together', '0.75', 1],
    ]);
    expect(oss?.offers[1]).toMatchObject({
      compared_with: { cost: '0.750000001', cost_upper_bound: '0', unknown_cost: 0 },
      unpriced: [{ requests: 1, reason: expect.stringMatching(/were not counted/) }],
    });
    const together = llama?.offers.find(({ provider }) => provider === 'together');
    expect(prices[together?.price ?? '']).toEqual({ input_per_mtok: '1.04', output_per_mtok: '1.04' });
  });

  it('lets a key reprice its own traffic alone', async () => {
    const account = newAccount();
    const own = await keyOf(account);
    await fill(account, [rowOf(one({}), 1, own.id), rowOf(one({}), 2)]);
    expect((await whatIf('', own)).actual).toMatchObject({ requests: 1, cost: '1.44' });
    expect((await whatIf(`account=${account}`)).actual).toMatchObject({ requests: 2, cost: '2.88' });
  });

  it.each([
    ['from=2026-10-01T01:00:00Z', 'from'],
    ['prices=tomorrow', 'prices'],
    ['policy=order', 'policy'],
    ["policy=bedrock' OR 1", 'policy'],
    ['policy=bedrock&exclude=together', 'policy'],
    ['policy=first&order=together', 'policy'],
    ['detail=prompts', 'detail'],
    ['order=bedrock,nobody', 'order'],
    ['exclude=,', 'exclude'],
    ['usd_per_hour=0.95', 'tokens_per_second'],
    ['tokens_per_second=400', 'usd_per_hour'],
    ['usd_per_hour=-1&tokens_per_second=400', 'usd_per_hour'],
    ['usd_per_hour=1&tokens_per_second=0', 'tokens_per_second'],
    ['usd_per_hour=1&tokens_per_second=Infinity', 'tokens_per_second'],
    ['group_by=provider', 'group_by'],
  ])('refuses %s, and names the parameter', async (query, param) => {
    expect(await errorOf(await ask(`/v1/whatif?${query}`))).toMatchObject({ status: 400, param });
  });
});
