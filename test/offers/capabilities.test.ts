import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/catalog/index.ts';
import type { ChatCall, ServiceOffer, Tool } from '../../src/core/index.ts';
import { type Candidate, type Health, UNSEEN } from '../../src/offers/index.ts';
import {
  chat,
  completion,
  exclusion,
  laidOut,
  loadTokenizers,
  offerOf,
  order,
  provider,
  reason,
  service,
  sheet,
  user,
  world,
} from './support.ts';

beforeAll(loadTokenizers);

const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const looking = (model: string): ChatCall =>
  chat({ models: [model], messages: [{ role: 'user', content: [{ type: 'image', url: PNG }] }] });
const tools: Tool[] = [{ name: 'f' }];
const calling = (model: string): ChatCall => chat({ models: [model], tools });

describe('what a service of one’s own can do', () => {
  const own = (more: Partial<ServiceOffer>) => world({ services: [service(more)] });

  it('is what the catalogue knows of the model, for every model of it', () => {
    for (const model of models()) {
      if (model.kind !== 'chat' && model.kind !== 'guard') continue;
      const in_ = own({ model: model.id });
      const why = (call: ChatCall) => laidOut(call, in_).excluded.find(({ upstream }) => upstream === 'my-llama')?.code;
      expect(why(looking(model.id)), model.id).toBe(model.capabilities.vision ? undefined : 'no_images');
      expect(why(calling(model.id)), model.id).toBe(model.capabilities.tools ? undefined : 'no_tools');
    }
  });

  it('is what its entry says, whatever the catalogue knows', () => {
    const able = own({ capabilities: { vision: true, tools: true } });
    expect(order(looking('llama-3-8b-instruct'), able)).toContain('anyscale');
    expect(order(calling('llama-3-8b-instruct'), able)).toContain('anyscale');
    const unable = own({ model: 'llama-4-scout', capabilities: { vision: false, tools: false } });
    expect(reason(looking('llama-4-scout'), 'anyscale', unable)).toBe('no_images');
    expect(reason(calling('llama-4-scout'), 'anyscale', unable)).toBe('no_tools');
  });

  it('says how to say otherwise', () => {
    const in_ = world({
      services: [
        service({ model: 'llama-3.3-70b-instruct' }),
        service({ service: 'b', model: 'llama-3.3-70b-instruct', upstream: 'b', capabilities: { vision: true } }),
      ],
    });
    expect(exclusion(looking('llama-3.3-70b-instruct'), 'anyscale', in_)?.message).toContain(
      'set "capabilities": {"vision": true} in the entry of mine',
    );
  });

  it('is not known of an unknown model: it is sent, and the sheet says so', () => {
    const in_ = own({ model: 'my-own' });
    expect(offerOf(looking('my-own'), 'anyscale', in_).why).toContainEqual(
      'Whether it can take images is not known here: they are sent, and the server says.',
    );
    expect(offerOf(calling('my-own'), 'anyscale', in_).why.join()).toContain('can call tools is not known');
    expect(offerOf(chat({ models: ['my-own'] }), 'anyscale', in_).why.join()).not.toContain('not known here: they');
  });
});

const SCHEMA = { type: 'object', properties: { a: { type: 'number' } } };
const asking = (model: string, more: Partial<ChatCall> = {}): ChatCall =>
  chat({ models: [model], responseFormat: { type: 'json_schema', name: 'thing', schema: SCHEMA }, ...more });
const bare = world({ services: [] });

describe('a response format', () => {
  it('that is a schema goes first to who honours it, however much it costs', () => {
    // Bedrock is the cheaper one of Llama 3.3, and Llama is not held to schemas there.
    for (const sort of [undefined, 'price', 'latency', 'throughput'] as const) {
      const call = asking('llama-3.3-70b-instruct', { routing: sort ? { sort } : {}, maxTokens: 1000 });
      const { eligible } = sheet(call, bare);
      expect(eligible.map(({ provider: id, drops }) => [id, drops])).toEqual([
        ['together', []],
        ['bedrock', ['response_format']],
      ]);
      expect(eligible[1]?.why).toContainEqual('It loses response_format, so it comes after offers that lose nothing.');
    }
    expect(order(asking('llama-3.3-70b-instruct', { routing: { order: ['bedrock'] } }), bare)).toEqual([
      'bedrock',
      'together',
    ]);
  });

  it('that is a schema is held by the models that Bedrock holds to schemas, and no other', () => {
    for (const model of models()) {
      const offer = model.offers.find((one) => one.provider === 'bedrock' && one.apis.includes('converse'));
      if (!offer || offer.status.state === 'retired' || model.kind === 'base') continue;
      const call = asking(model.id, { routing: { only: ['bedrock'] } });
      const region = offer.regions?.[0] ?? Object.values(offer.profiles)[0]?.[0] ?? 'us-east-1';
      const bedrock = offerOf(call, 'bedrock', world({ services: [], region }));
      expect([bedrock.structured, bedrock.drops], model.id).toEqual(
        offer.features.structured ? [true, []] : [false, ['response_format']],
      );
    }
  });

  it('that is a schema may come to more than the prompt alone: what the API says of it to the model is bounded', () => {
    const plain = offerOf(chat({ models: ['gpt-oss-120b'], maxTokens: 8 }), 'bedrock', bare);
    const held = offerOf(asking('gpt-oss-120b', { maxTokens: 8 }), 'bedrock', bare);
    expect(held.prompt).toEqual(plain.prompt);
    expect(held.cost?.expected).toBe(plain.cost?.expected);
    // At least as much more as the schema's text is long, a byte a token at $0.15 for a million.
    const more = (held.cost?.max ?? 0n) - (plain.cost?.max ?? 0n);
    expect(more).toBeGreaterThan(150n * BigInt(JSON.stringify(SCHEMA).length));
  });

  it('of any JSON object is no format of Bedrock’s, and one that is text is no wish', () => {
    const json = (type: 'json_object' | 'text') => chat({ models: ['gpt-oss-120b'], responseFormat: { type } });
    expect(offerOf(json('json_object'), 'bedrock', bare)).toMatchObject({
      drops: ['response_format'],
      structured: false,
    });
    expect(offerOf(json('text'), 'bedrock', bare)).toMatchObject({ drops: [], loses: false });
    const llama = chat({ models: ['llama-3.3-70b-instruct'], responseFormat: { type: 'text' } });
    expect(offerOf(llama, 'bedrock', bare)).toMatchObject({ drops: [] });
  });

  it('that a provider has no form of is not held there', () => {
    const in_ = world({
      services: [],
      providers: new Map([...bare.providers, ['bedrock', { ...provider('bedrock'), canHold: () => undefined }]]),
    });
    expect(offerOf(asking('gpt-oss-120b'), 'bedrock', in_)).toMatchObject({
      drops: ['response_format'],
      structured: false,
    });
  });

  it('that a provider has a form of but for some keywords loses those, by name', () => {
    const providers = new Map([...bare.providers, ['bedrock', { ...provider('bedrock'), canHold: () => ['maximum'] }]]);
    expect(offerOf(asking('gpt-oss-120b'), 'bedrock', world({ services: [], providers }))).toMatchObject({
      drops: ['response_format (maximum)'],
      structured: true,
      loses: true,
    });
  });

  it('that an offer has refused is asked of it in words, as of any other', () => {
    const health: Health = { ...UNSEEN, refusesSchemas: (id) => id === 'bedrock' };
    const refused = offerOf(asking('gpt-oss-120b'), 'bedrock', { ...bare, health });
    expect(refused).toMatchObject({ drops: ['response_format'], structured: false });
    expect(refused).not.toHaveProperty('plain');
    const before = offerOf(asking('gpt-oss-120b'), 'bedrock', bare);
    expect(before.plain).toMatchObject({ drops: ['response_format'], structured: false, upstream: before.upstream });
    expect(order(asking('gpt-oss-120b'), { ...bare, health })[0]).toBe('together');
  });
});

describe('a strict tool', () => {
  const strict = [{ name: 'f', parameters: SCHEMA, strict: true }];

  it('is held to its schema by the models that Bedrock holds to schemas; elsewhere on Converse that is lost', () => {
    const call = (model: string) => chat({ models: [model], tools: strict, routing: { only: ['bedrock'] } });
    expect(offerOf(call('gpt-oss-120b'), 'bedrock', bare)).toMatchObject({ drops: [], structured: true });
    expect(offerOf(call('llama-3.3-70b-instruct'), 'bedrock', bare)).toMatchObject({
      drops: ['tools[].function.strict'],
      structured: false,
    });
  });

  it('that is not to be called is no wish', () => {
    const call = chat({ models: ['llama-3.3-70b-instruct'], tools: strict, toolChoice: 'none' });
    expect(offerOf(call, 'bedrock', bare).drops).toEqual([]);
  });
});

describe('parallel_tool_calls', () => {
  it('is lost where it would keep a model from several calls, and only there', () => {
    const drops = (parallelToolCalls: boolean, more: Partial<ChatCall>) =>
      offerOf(chat({ models: ['gpt-oss-120b'], sampling: { parallelToolCalls }, ...more }), 'bedrock', bare).drops;
    expect(drops(false, { tools })).toEqual(['parallel_tool_calls']);
    expect(drops(true, { tools })).toEqual([]);
    expect(drops(false, {})).toEqual([]);
  });
});

describe('offers that lose something', () => {
  const health = (open: string): Health => ({ ...UNSEEN, breaker: (id) => (id === open ? 'open' : 'closed') });

  it('come after those that lose nothing, whatever the sort, the standing, the price and the draw', () => {
    const own = world({ services: [service({ model: 'gpt-oss-120b' })] });
    const sampling = fc.record(
      {
        seed: fc.nat(),
        topK: fc.nat(50),
        logprobs: fc.nat(3),
        frequencyPenalty: fc.constant(1),
        minP: fc.constant(0.1),
        parallelToolCalls: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.constantFrom('gpt-oss-120b', 'llama-3.3-70b-instruct', 'llama-3-8b-instruct'),
        fc.constantFrom(undefined, 'price' as const, 'latency' as const, 'throughput' as const),
        sampling,
        fc.option(fc.constantFrom(1, 5_000_000), { nil: undefined }),
        fc.string(),
        fc.constantFrom('', 'bedrock', 'together'),
        (model, sort, given, maxTokens, text, open) => {
          const call = chat({
            models: [model],
            messages: [user(text)],
            sampling: given,
            routing: sort ? { sort } : {},
            ...(maxTokens === undefined ? {} : { maxTokens }),
          });
          const { eligible } = sheet(call, { ...own, health: health(open) });
          const closed = eligible.filter(({ breaker }) => breaker !== 'open');
          const losing = closed.map(({ drops }: Candidate) => drops.length > 0);
          expect(losing).toEqual([...losing].sort((a, b) => Number(a) - Number(b)));
          for (const offer of closed) {
            expect(offer.why.some((why) => why.startsWith('It loses '))).toBe(offer.drops.length > 0);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a raw prompt without max_tokens', () => {
  const once = (model: string, more: Partial<ServiceOffer> = {}) => {
    const in_ = world({ services: [service({ model, ...more })] });
    return offerOf(completion({ models: [model] }), 'anyscale', in_);
  };

  it('gets on a service of one’s own the largest output that fits, and is priced by it', () => {
    const offer = once('llama-3-8b-instruct', { contextLength: 8192 });
    expect(offer.output).toEqual({
      maxTokens: 8192 - offer.prompt.total,
      most: 8192 - offer.prompt.total,
      clamped: false,
    });
    expect(once('llama-3-8b-instruct', { contextLength: 8192, maxOutput: 100 }).output.maxTokens).toBe(100);
  });

  it('keeps the room that an estimate may need', () => {
    const offer = once('my-own', { contextLength: 1000 });
    expect(offer.prompt.exactness).toBe('estimate');
    const { largest, errorBound = 0 } = offer.prompt;
    expect(offer.output.maxTokens).toBe(1000 - Math.ceil(largest * (1 + errorBound)));
  });

  it('gets more than a server’s 16 tokens where the context is not known, and the sheet says what to set', () => {
    const offer = once('my-own');
    expect(offer.output.maxTokens).toBeGreaterThan(1000);
    expect(offer.why.join()).toContain('set max_tokens, or its context_length');
    const long = offerOf(
      completion({ models: ['my-own'], prompts: ['word '.repeat(5000)] }),
      'anyscale',
      world({ services: [service({ model: 'my-own' })] }),
    );
    expect(long.output.maxTokens).toBe(256);
  });

  it('does not ask for all that the model could take of a server that may have been started with less', () => {
    const offer = once('llama-3.3-70b-instruct');
    expect(offer.contextLength).toBe(131_072);
    expect(offer.output.maxTokens).toBe(4096 - offer.prompt.total);
    expect(offer.why.join()).toContain('set max_tokens, or its context_length');
  });

  it('is so for a chat that goes out as a rendered prompt, and for no other', () => {
    const in_ = world({ services: [service({ contextLength: 8192 })] });
    const begun = chat({ messages: [user('Count.'), { role: 'assistant', content: 'One, two' }] });
    const offer = offerOf(begun, 'anyscale', in_);
    expect([offer.api, offer.output.maxTokens]).toEqual(['completions', 8192 - offer.prompt.total]);
    expect(offerOf(chat(), 'anyscale', in_).output).toEqual({
      most: 8192 - offerOf(chat(), 'anyscale', in_).prompt.total,
      clamped: false,
    });
  });

  it('is left alone where the wire goes on to the end by itself', () => {
    const call = completion({ models: ['gpt-oss-120b'] });
    expect(offerOf(call, 'together', bare).output).not.toHaveProperty('maxTokens');
  });
});
