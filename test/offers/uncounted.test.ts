import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/catalog/index.ts';
import {
  type Call,
  type MarkerMode,
  type Message,
  parseDollars,
  type Routing,
  type Sort,
  type Tool,
} from '../../src/core/index.ts';
import {
  layOut,
  type OfferSheet,
  type OutputLimit,
  type PromptSize,
  planFor,
  resolve,
  uncountedSheet,
  type World,
} from '../../src/offers/index.ts';
import { NotLoaded, readyTokenizers, type Tokenizers, templateFamilies } from '../../src/tokens/index.ts';
import { shipped } from '../tokens/shipped.ts';
import { assistant, chat, completion, loadTokenizers, momentOn, service, TODAY, user, world } from './support.ts';

/** Prompts whose count nothing depends on are not counted before somebody reads the count. */

let tokenizers: Tokenizers;
beforeAll(async () => {
  await loadTokenizers();
  tokenizers = await readyTokenizers(
    [...templateFamilies(), ...models().map(({ family }) => family), 'unknown'],
    shipped,
  );
});

const IDS = ['bedrock', 'replicate', 'together', 'anyscale'] as const;
const bare = world({ services: [] });

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', ' ', 'ﷺ', '𝕳𝖊𝖑𝖑𝖔', '\u0958\u0344', '<|eot_id|>', 'The quick brown fox jumps. '.repeat(40)),
  fc.integer({ min: 1, max: 9000 }).map((words) => 'word '.repeat(words)),
);
const said: fc.Arbitrary<Message[]> = fc
  .array(
    fc.oneof(
      text.map(user),
      text.map(assistant),
      text.map((content): Message => ({ role: 'system', content })),
      text.map((reasoning): Message => ({ role: 'assistant', content: 'So.', reasoning })),
    ),
    { maxLength: 5 },
  )
  .map((before) => [...before, user('And?')]);
const tool: Tool = { name: 'look', parameters: { type: 'object', properties: {} } };
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const routings: fc.Arbitrary<Routing> = fc
  .record({
    order: maybe(fc.shuffledSubarray([...IDS], { minLength: 1 })),
    only: maybe(fc.subarray([...IDS], { minLength: 1 })),
    sort: maybe(fc.constantFrom<Sort>('price', 'latency', 'throughput')),
    requireParameters: maybe(fc.boolean()),
    maxPrice: maybe(fc.constantFrom('0.3', '5').map((price) => ({ completion: parseDollars(price) }))),
    maxCost: fc.option(fc.constantFrom('0.0001', '0.01').map(parseDollars), { nil: undefined, freq: 6 }),
    clampOutput: maybe(fc.boolean()),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Routing);

const calls: fc.Arbitrary<Call> = fc
  .record({
    models: fc.shuffledSubarray(
      ['gpt-oss-120b', 'llama-3-8b-instruct', 'llama-2-70b-chat', 'mixtral-8x7b-instruct-v0.1', 'my-own'],
      { minLength: 1, maxLength: 2 },
    ),
    messages: said,
    prompts: fc.array(text, { minLength: 1, maxLength: 3 }),
    raw: fc.boolean(),
    tools: fc.boolean(),
    markers: maybe(fc.constantFrom<MarkerMode>('allow', 'neutralise', 'reject')),
    maxTokens: maybe(fc.constantFrom(1, 256, 3000, 8000, 200_000)),
    n: fc.integer({ min: 1, max: 3 }),
    stream: fc.boolean(),
    routing: routings,
  })
  .map(({ messages, prompts, raw, tools, markers, maxTokens, ...rest }) => {
    const more = {
      ...rest,
      templating: markers === undefined ? {} : { markers },
      ...(maxTokens === undefined ? {} : { maxTokens }),
    };
    return raw ? completion({ ...more, prompts }) : chat({ ...more, messages, tools: tools ? [tool] : [] });
  });

const laid = (call: Call, in_: World, countWhenRead: boolean): OfferSheet =>
  layOut(call, resolve(call, in_, TODAY), in_, { ...momentOn(TODAY), countWhenRead });

const sizeOf = (prompt: PromptSize | undefined) =>
  prompt && {
    ...{ largest: prompt.largest, total: prompt.total, exactness: prompt.exactness },
    ...{ errorBound: prompt.errorBound, counted: prompt.counted, atMost: prompt.atMost, more: prompt.more },
  };
const limitOf = (output: OutputLimit | undefined) =>
  output && { maxTokens: output.maxTokens, most: output.most, clamped: output.clamped };

/** Everything of a sheet that somebody may read, with the requests that would be made. */
const read = (call: Call, { eligible, excluded }: OfferSheet) => ({
  excluded: excluded.map(({ prompt, output, ...rest }) => ({
    ...rest,
    prompt: sizeOf(prompt),
    output: limitOf(output),
  })),
  eligible: eligible.map((offer) => {
    const { promptTokens, jobs, form, stop, promptExactness } = planFor(call, offer, 1000);
    const { provider, upstream, api, drops, loses, altered, echo, sends, cost, drawn, why } = offer;
    return {
      ...{ provider, upstream, api, drops, loses, altered, echo, sends, cost, drawn, why },
      plan: { jobs, form, stop, promptExactness, promptTokens: promptTokens() },
      prompt: sizeOf(offer.prompt),
      output: limitOf(offer.output),
    };
  }),
});

describe('a sheet whose prompts are counted when somebody reads the count', () => {
  const mine = world({ services: [service({ model: 'my-own' }), service({ upstream: 'mine', contextLength: 2048 })] });

  it('decides and says what a sheet says whose prompts are all counted', () => {
    fc.assert(
      fc.property(calls, fc.boolean(), (call, own) => {
        const in_ = own ? mine : bare;
        const known = own ? call : { ...call, models: call.models.filter((name) => name !== 'my-own') };
        fc.pre(known.models.length > 0);
        // Plans first: they are made before anything is counted.
        const waiting = laid(known, in_, true);
        const plans = waiting.eligible.map((offer) => planFor(known, offer, 1000).jobs);
        const counted = laid(known, in_, false);
        expect(plans).toEqual(counted.eligible.map((offer) => planFor(known, offer, 1000).jobs));
        expect(read(known, waiting)).toEqual(read(known, counted));
      }),
      { numRuns: 400 },
    );
  });

  it('counts nothing for one offer whose context is far larger than the prompt', () => {
    const silent: Tokenizers = (family) => ({
      ...tokenizers(family),
      count: () => {
        throw new Error('counted');
      },
    });
    for (const only of [['bedrock'], ['together']]) {
      for (const maxTokens of [256, undefined]) {
        const call = chat({
          models: ['llama-3.3-70b-instruct'],
          messages: [user('Hi')],
          routing: { only },
          ...(maxTokens === undefined ? {} : { maxTokens }),
        });
        const resolved = resolve(call, bare, TODAY);
        const moment = { ...momentOn(TODAY), tokenizers: silent, countWhenRead: true };
        const [offer] = layOut(call, resolved, bare, moment).eligible;
        if (!offer) throw new Error('no offer');
        expect(planFor(call, offer, 1000)).toMatchObject({ form: 'piece', promptExactness: 'exact' });
        expect(() => offer.prompt.total).toThrow('counted');
      }
    }
  });
});

describe('tokenizers that are not loaded', () => {
  const pending = (call: Call, in_ = bare): boolean => {
    const moment = { ...momentOn(TODAY), tokenizers: unloaded, countWhenRead: true };
    return uncountedSheet(call, resolve(call, in_, TODAY), in_, moment) === undefined;
  };
  /** As an isolate begins. */
  const unloaded: Tokenizers = (family) => {
    const { exactness } = tokenizers(family);
    const throws = (): never => {
      throw new NotLoaded('not loaded');
    };
    return { ...tokenizers(family), exactness, count: throws, encode: throws, decode: throws };
  };
  const short = chat({ models: ['llama-3.3-70b-instruct'], routing: { only: ['together'] }, maxTokens: 256 });

  it('are not needed for one offer that the prompt fits for certain', () => {
    expect(pending(short)).toBe(false);
    expect(pending({ ...short, tools: [tool] })).toBe(false);
    expect(pending(completion({ ...short, kind: 'completion', prompts: ['Once'] }))).toBe(false);
  });

  it('are needed where the count decides: an offer, its output, or the order', () => {
    expect(pending({ ...short, routing: { ...short.routing, maxCost: parseDollars('1') } })).toBe(true);
    expect(pending({ ...short, maxTokens: 131_000 })).toBe(true);
    expect(pending({ ...short, models: ['llama-3-8b-instruct'], routing: {} })).toBe(true);
    expect(pending(chat({ models: ['my-own'] }), world({ services: [service({ model: 'my-own' })] }))).toBe(true);
    // Its API truncates without a limit, so the largest that fits is sent.
    expect(pending(completion({ models: ['llama-3-8b-instruct'], routing: { only: ['replicate'] } }))).toBe(true);
    // Nothing is left, and the error says how long the prompt is.
    expect(pending({ ...short, routing: { only: ['replicate'] } })).toBe(true);
  });
});
