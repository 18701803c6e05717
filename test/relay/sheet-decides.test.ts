import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Call, GatewayError, parseDollars, type Routing, type Sort } from '../../src/core/index.ts';
import { UNSEEN, type World } from '../../src/offers/index.ts';
import { carry, DEFAULT_TIMEOUTS, healthBook, retryBudget } from '../../src/relay/index.ts';
import { chat, completion, laidOut, loadTokenizers, momentOn, sheet, TODAY, user, world } from '../offers/support.ts';
import { answers, fails, finished, handClock, said, scripted } from './support.ts';

beforeAll(loadTokenizers);

const IDS = ['bedrock', 'replicate', 'together', 'anyscale'] as const;
const good = answers([said('Hello'), finished]);
const down = fails(new GatewayError('provider_unavailable', 'It is down.'));

/** All four providers; those named are down. */
const worldWith = (failing: readonly string[], more: Partial<World> = {}): World =>
  world({ providers: new Map(IDS.map((id) => [id, scripted(id, failing.includes(id) ? down : good)])), ...more });

async function servedBy(call: Call, in_: World): Promise<string> {
  const clock = handClock();
  const relay = {
    providers: in_.providers,
    subrequests: 50,
    timeouts: DEFAULT_TIMEOUTS,
    budget: retryBudget(),
    health: healthBook(),
    clock,
  };
  // `sheet` is laid out at the moment that `laidOut` takes: the same clock.
  const carried = carry(call, sheet(call, in_), new AbortController().signal, relay);
  // Time enough for the quick retries of a model whose offers all fail.
  await clock.advance(10_000);
  const { offer, attempts } = await carried;
  expect(attempts.at(-1)).toMatchObject({ provider: offer.provider, model: offer.upstream, type: 'ok' });
  return `${offer.provider} ${offer.upstream}`;
}

const ids = fc.subarray([...IDS], { minLength: 1 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const routings: fc.Arbitrary<Routing> = fc
  .record({
    order: maybe(fc.shuffledSubarray([...IDS], { minLength: 1 })),
    only: maybe(ids),
    ignore: maybe(fc.subarray([...IDS], { maxLength: 2 })),
    sort: maybe(fc.constantFrom<Sort>('price', 'latency', 'throughput')),
    requireParameters: maybe(fc.boolean()),
    maxCost: maybe(fc.constantFrom('0.0001', '0.001', '1').map(parseDollars)),
    clampOutput: maybe(fc.boolean()),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Routing);

const calls: fc.Arbitrary<Call> = fc
  .record({
    models: fc.shuffledSubarray(
      ['gpt-oss-120b', 'llama-3-8b-instruct', 'llama-3.3-70b-instruct:floor', 'mixtral-8x7b-instruct-v0.1'],
      { minLength: 1, maxLength: 2 },
    ),
    text: fc.string(),
    raw: fc.boolean(),
    maxTokens: maybe(fc.integer({ min: 1, max: 4000 })),
    stream: fc.boolean(),
    session: maybe(fc.string({ minLength: 1 })),
    routing: routings,
  })
  .map(({ text, raw, maxTokens, session, ...rest }) => {
    const more = {
      ...rest,
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(session === undefined ? {} : { session }),
    };
    return raw ? completion({ ...more, prompts: [text] }) : chat({ ...more, messages: [user(text)] });
  });

describe('the sheet that explains is the sheet that decides', () => {
  it('its first offer serves the call; and the second, where the first fails', async () => {
    await fc.assert(
      fc.asyncProperty(calls, fc.subarray<string>([...IDS]), async (call, open) => {
        const health: World['health'] = { ...UNSEEN, breaker: (id) => (open.includes(id) ? 'open' : 'closed') };
        const { eligible } = laidOut(call, worldWith([], { health }), momentOn(TODAY));
        const [first, second] = eligible;
        fc.pre(first !== undefined);
        if (!first) return;
        const one = `${first.provider} ${first.upstream}`;
        expect(await servedBy(call, worldWith([], { health }))).toBe(one);
        const next = eligible.find(({ provider }) => provider !== first.provider);
        if (!second || !next) return;
        const other = `${next.provider} ${next.upstream}`;
        expect(await servedBy(call, worldWith([first.provider], { health }))).toBe(other);
        // What keeps failing comes after everything that does not, whatever model it is of, unless the caller orders it.
        const ordered = call.routing.order ?? [];
        const kinds = eligible.map(({ provider: id }) => open.includes(id) && !ordered.includes(id));
        expect(kinds).toEqual([...kinds].sort((a, b) => Number(a) - Number(b)));
      }),
      { numRuns: 150 },
    );
  });
});
