import { beforeAll, describe, expect, it } from 'vitest';
import { type Call, parseDollars } from '../../src/core/index.ts';
import { readRouting } from '../../src/dialects/openai/index.ts';
import { modelsNamed, type Routes, readRoutes, resolve, type World } from '../../src/offers/index.ts';
import { registry } from '../support/providers.ts';
import { chat, errorOf, laidOut, loadTokenizers, momentOn, order, service, sheet, TODAY, world } from './support.ts';

beforeAll(loadTokenizers);

const PROVIDERS = ['bedrock', 'replicate', 'together'];
const read = (value: unknown, services = [service({ model: 'my-own' })]) =>
  readRoutes(value, 'CHASQUI_ROUTES', { registry, services, providers: PROVIDERS, routing: readRouting });

function routes(value: unknown): Routes {
  const { routes: map, mistakes } = read(value);
  expect(mistakes).toEqual([]);
  return map;
}

const having = (value: unknown, more: Partial<World> = {}): World =>
  world({ services: [], routes: routes(value), ...more });
const models = (call: Call, in_: World): string[] => [...new Set(sheet(call, in_).eligible.map(({ model }) => model))];
/** How each model that a call comes to is routed. */
const routed = (call: Call, in_: World) =>
  resolve(call, in_, TODAY).models.map(({ model, routing }) => ({ model, ...routing }));

describe('an alias', () => {
  const in_ = having({
    'gpt-4o-mini': 'llama-3.3-70b-instruct',
    fast: 'gpt-oss-120b:nitro',
    pinned: 'bedrock/gpt-oss-120b',
  });

  it('is the model it stands for, whose name the answer has', () => {
    const { eligible } = sheet(chat({ models: ['gpt-4o-mini'] }), in_);
    for (const offer of eligible)
      expect(offer).toMatchObject({ model: 'llama-3.3-70b-instruct', route: 'gpt-4o-mini' });
    expect(order(chat({ models: ['gpt-4o-mini'] }), in_).sort()).toEqual(
      order(chat({ models: ['llama-3.3-70b-instruct'] }), in_).sort(),
    );
  });

  it('may pin a provider', () => {
    expect(order(chat({ models: ['pinned'] }), in_)).toEqual(['bedrock']);
  });

  it('may sort by a suffix, which the caller’s sort and the caller’s suffix win over', () => {
    expect(routed(chat({ models: ['fast'] }), in_)).toEqual([{ model: 'gpt-oss-120b', sort: 'throughput' }]);
    expect(routed(chat({ models: ['fast'], routing: { sort: 'latency' } }), in_)).toMatchObject([{ sort: 'latency' }]);
    expect(routed(chat({ models: ['fast:floor'], routing: { sort: 'latency' } }), in_)).toMatchObject([
      { sort: 'price' },
    ]);
  });

  it('wins over the catalogue, but not over a name that pins', () => {
    const moved = having({ 'llama-3-8b-instruct': 'gpt-oss-120b' });
    expect(models(chat({ models: ['llama-3-8b-instruct'] }), moved)).toEqual(['gpt-oss-120b']);
    expect(models(chat({ models: ['bedrock/llama-3-8b-instruct'] }), moved)).toEqual(['llama-3-8b-instruct']);
  });

  it('may stand for a model of one’s own', () => {
    const own = having({ mine: 'my-own' }, { services: [service({ model: 'my-own' })] });
    expect(models(chat({ models: ['mine'] }), own)).toEqual(['my-own']);
    expect(modelsNamed('mine', own)).toEqual([{ model: 'my-own', family: 'unknown' }]);
  });
});

describe('a route', () => {
  const in_ = having({
    'cheap-chat': {
      models: ['gpt-oss-120b', 'llama-3-8b-instruct:nitro'],
      provider: { sort: 'price', max_price: { prompt: 0.2 }, deadline_ms: 5000, require_parameters: true },
    },
  });
  const cheap = { models: ['cheap-chat'] };

  it('is its models in order, each with its defaults; a suffix in it is more particular than they are', () => {
    const defaults = {
      maxPrice: { prompt: parseDollars('0.2') },
      deadlineMs: 5000,
      requireParameters: true,
    };
    expect(routed(chat(cheap), in_)).toEqual([
      { model: 'gpt-oss-120b', sort: 'price', ...defaults },
      { model: 'llama-3-8b-instruct', sort: 'throughput', ...defaults },
    ]);
    // Bedrock asks $0.30 for a million tokens of the second.
    expect(models(chat(cheap), in_)).toEqual(['gpt-oss-120b', 'llama-3-8b-instruct']);
    expect(laidOut(chat(cheap), in_).excluded).toContainEqual(
      expect.objectContaining({
        provider: 'bedrock',
        model: 'llama-3-8b-instruct',
        route: 'cheap-chat',
        code: 'over_max_price',
      }),
    );
  });

  it('yields to the caller’s own provider, field by field', () => {
    const routing = { maxPrice: { completion: 1n }, requireParameters: false };
    expect(routed(chat({ ...cheap, routing }), in_)[0]).toEqual({
      model: 'gpt-oss-120b',
      sort: 'price',
      deadlineMs: 5000,
      ...routing,
    });
  });

  it('expands in place, and says nothing about the models beside it', () => {
    const call = chat({ models: ['llama-2-70b-chat', 'cheap-chat', 'llama-3.3-70b-instruct'] });
    expect(routed(call, in_).map(({ model }) => model)).toEqual([
      'llama-2-70b-chat',
      'gpt-oss-120b',
      'llama-3-8b-instruct',
      'llama-3.3-70b-instruct',
    ]);
    expect(routed(call, in_)[0]).toEqual({ model: 'llama-2-70b-chat' });
    expect(laidOut(call, in_).eligible.at(-1)).not.toHaveProperty('route');
  });

  it('may name other names, whose defaults yield to its own', () => {
    const nested = having({
      small: { models: ['llama-3-8b-instruct'], provider: { sort: 'latency', ignore: ['together'] } },
      any: { models: ['small', 'gpt-oss-120b', 'small:nitro'], provider: { sort: 'price' } },
    });
    expect(routed(chat({ models: ['any'] }), nested)).toEqual([
      { model: 'llama-3-8b-instruct', sort: 'price', ignore: ['together'] },
      { model: 'gpt-oss-120b', sort: 'price' },
      { model: 'llama-3-8b-instruct', sort: 'throughput', ignore: ['together'] },
    ]);
  });

  it('without fallbacks asks one offer, and what is named after it not at all', () => {
    const one = having({
      one: { models: ['gpt-oss-120b', 'llama-3-8b-instruct'], provider: { allow_fallbacks: false } },
    });
    expect(sheet(chat({ models: ['one', 'llama-2-70b-chat'] }), one).eligible).toHaveLength(1);
    expect(models(chat({ models: ['llama-2-70b-chat', 'one'] }), one)).toEqual(['llama-2-70b-chat', 'gpt-oss-120b']);
    const routing = { allowFallbacks: true };
    expect(sheet(chat({ models: ['one'], routing }), one).eligible.length).toBeGreaterThan(2);
  });

  it('goes on with its other models when one is retired, and says so', () => {
    const partly = having({ r: { models: ['llama-3.2-1b-instruct', 'gpt-oss-120b'] }, gone: 'llama-3.2-1b-instruct' });
    expect(models(chat({ models: ['r'] }), partly)).toEqual(['gpt-oss-120b']);
    expect(laidOut(chat({ models: ['r'] }), partly).excluded).toContainEqual(
      expect.objectContaining({ model: 'llama-3.2-1b-instruct', code: 'retired' }),
    );
    expect(errorOf(() => sheet(chat({ models: ['gone'] }), partly))).toMatchObject({ code: 'no_eligible_offer' });
  });

  it('takes the shortest deadline of all there are', () => {
    const limit = (more: Partial<Call>) => resolve(chat({ ...cheap, ...more } as object), in_, TODAY).timeoutMs;
    expect(limit({})).toBe(5000);
    expect(limit({ timeoutMs: 900 })).toBe(900);
    expect(limit({ routing: { deadlineMs: 60_000 } })).toBe(60_000);
    expect(limit({ models: ['gpt-oss-120b'] })).toBeUndefined();
  });

  it('is counted for each of its models', () => {
    expect(modelsNamed('cheap-chat', in_).map(({ model }) => model)).toEqual(['gpt-oss-120b', 'llama-3-8b-instruct']);
    expect(modelsNamed('llama-3-8b-instruct:floor', in_)).toMatchObject([{ family: 'llama-3' }]);
  });

  it('draws the same for the same call', () => {
    const first = () => laidOut(chat(cheap), in_, momentOn(TODAY)).eligible[0]?.provider;
    expect(first()).toBe(first());
  });
});

describe('a pattern', () => {
  const in_ = having({
    'claude-*': 'llama-3.3-70b-instruct',
    'claude-*-haiku-*': 'llama-3-8b-instruct',
    'claude-opus-4-1': 'gpt-oss-120b',
    'gpt-*': { models: ['gpt-oss-20b'], provider: { sort: 'latency' } },
    'gpt-*-mini': 'gpt-oss-120b',
    nested: 'claude-3-haiku-any',
  });
  const meant = (name: string, world = in_) => routed(chat({ models: [name] }), world)[0]?.model;

  it.each([
    // Names that Claude Code, Codex and OpenAI's clients ask for.
    ['claude-sonnet-4-5-20250929', 'llama-3.3-70b-instruct'],
    ['claude-opus-5', 'llama-3.3-70b-instruct'],
    ['claude-3-5-haiku-20241022', 'llama-3-8b-instruct'],
    ['claude-haiku-4-5', 'llama-3.3-70b-instruct'],
    ['claude-opus-4-1', 'gpt-oss-120b'],
    ['gpt-5-codex', 'gpt-oss-20b'],
    ['gpt-4o-mini', 'gpt-oss-120b'],
    ['gpt-4.1-mini-2025-04-14', 'gpt-oss-20b'],
    // The pattern itself, as the list of models has it, and a route to a name that one fits.
    ['claude-*', 'llama-3.3-70b-instruct'],
    ['nested', 'llama-3-8b-instruct'],
  ])('stands for %s: the most specific one for %s', (name, model) => {
    expect(meant(name)).toBe(model);
  });

  it('never hides a model that is known here', () => {
    expect(meant('gpt-oss-120b')).toBe('gpt-oss-120b');
    expect(meant('openai/gpt-oss-120b')).toBe('openai/gpt-oss-120b');
    const own = having({ 'my-*': 'gpt-oss-120b' }, { services: [service({ model: 'my-own' })] });
    expect([meant('my-own', own), meant('my-other', own)]).toEqual(['my-own', 'gpt-oss-120b']);
  });

  it('takes suffixes, and keeps its defaults and its name', () => {
    expect(routed(chat({ models: ['gpt-5'] }), in_)).toEqual([{ model: 'gpt-oss-20b', sort: 'latency' }]);
    expect(routed(chat({ models: ['gpt-5:floor'] }), in_)).toEqual([{ model: 'gpt-oss-20b', sort: 'price' }]);
    const [first] = sheet(chat({ models: ['claude-opus-5'] }), in_).eligible;
    expect(first).toMatchObject({ route: 'claude-*', model: 'llama-3.3-70b-instruct' });
  });

  it('leaves other names as unknown as they were', () => {
    for (const name of ['claude', 'anthropic/claude-opus-5', 'gpt', 'chatgpt-4']) {
      expect(errorOf(() => sheet(chat({ models: [name] }), in_)).code, name).toBe('model_not_found');
    }
  });

  it('of any name is taken where nothing else is known, the first of two alike', () => {
    const all = having({ '*': 'gpt-oss-120b', 'a*': 'llama-3-8b-instruct', '*b': 'llama-3.3-70b-instruct' });
    expect(['x', 'ab', 'cb'].map((name) => meant(name, all))).toEqual([
      'gpt-oss-120b',
      'llama-3-8b-instruct',
      'llama-3.3-70b-instruct',
    ]);
    const overlapping = having({ 'ab*ba': 'gpt-oss-120b' });
    expect(errorOf(() => sheet(chat({ models: ['aba'] }), overlapping)).code).toBe('model_not_found');
  });

  it('is matched in linear time, whatever a caller sends', () => {
    const many = having({ [`${'a*'.repeat(100)}c`]: 'gpt-oss-120b' });
    expect(errorOf(() => sheet(chat({ models: ['a'.repeat(512)] }), many)).code).toBe('model_not_found');
  });

  it('that fits what it stands for comes back to itself', () => {
    expect(read({ 'claude-*': 'claude-opus-5' }).mistakes).toEqual([
      'CHASQUI_ROUTES["claude-*"] comes back to itself: claude-* → claude-*. For the model of that name use another of its names.',
    ]);
    expect(read({ 'gpt-*': 'gpt-5-nothing', 'gpt-5*': 'gpt-oss-120b' }).mistakes).toEqual([]);
    expect(read({ 'x-*': 'y-1' }).mistakes).toEqual([expect.stringMatching(/names "y-1", which is not known here/)]);
  });
});

describe('CHASQUI_ROUTES', () => {
  it('is refused with every mistake at once, each a sentence that names the place', () => {
    const { mistakes } = read({
      a: 'llama-3.3-70b-instuct',
      b: { models: ['gpt-oss-120b', 'nothing-like-it'], provider: { sort: 'cheap', max_cost: -1, speed: 1 } },
      c: { models: [], fallbacks: true },
      d: 5,
      'e:floor': 'gpt-oss-120b',
      f: { models: ['c', 'd'], provider: { only: ['bedrok'] } },
      'g h': { models: ['gpt-oss-120b'], provider: [] },
      '': 'gpt-oss-120b',
    });
    expect(mistakes).toEqual([
      'CHASQUI_ROUTES.b.provider.sort: must be "price", "latency" or "throughput".',
      'CHASQUI_ROUTES.b.provider.max_cost: must be an amount in dollars, 0 or more, with at most 9 decimals.',
      'CHASQUI_ROUTES.b.provider.speed: unknown field. Check its spelling or remove it.',
      'CHASQUI_ROUTES.c.fallbacks is not known: a route has models and provider.',
      'CHASQUI_ROUTES.c.models must be a list of 1 to 32 names of models.',
      'CHASQUI_ROUTES.d must be the name of a model, or an object with models and, if you like, provider.',
      'CHASQUI_ROUTES["e:floor"]: leave the suffix to callers, who can add it to e.',
      expect.stringMatching(/^CHASQUI_ROUTES\.f\.provider\.only\[0\]: there is no provider "bedrok" here\. There are /),
      'CHASQUI_ROUTES["g h"].provider must be an object, as in a request.',
      'CHASQUI_ROUTES[""]: a name has 1 to 512 characters.',
      expect.stringMatching(
        /^CHASQUI_ROUTES\.a names "llama-3\.3-70b-instuct", which is not known here\. Did you mean llama-3\.3-70b-instruct/,
      ),
      expect.stringMatching(/^CHASQUI_ROUTES\.b\.models\[1\] names "nothing-like-it", which is not known here\./),
    ]);
  });

  it.each([[undefined], ['text'], [[]], [null]])('must be an object, which %j is not', (value) => {
    expect(read(value).mistakes).toEqual([expect.stringMatching(/^CHASQUI_ROUTES must be a JSON object of names/)]);
  });

  it('must not be circular, by however many steps', () => {
    const circle = (value: unknown) => read(value).mistakes;
    const same = 'For the model of that name use another of its names.';
    expect(circle({ a: { models: ['gpt-oss-120b', 'b'] }, b: 'c:floor', c: { models: ['a'] } })).toEqual([
      `CHASQUI_ROUTES.a comes back to itself: a → b → c → a. ${same}`,
    ]);
    expect(circle({ 'gpt-oss-120b': { models: ['gpt-oss-120b'] } })).toEqual([
      `CHASQUI_ROUTES.gpt-oss-120b comes back to itself: gpt-oss-120b → gpt-oss-120b. ${same}`,
    ]);
    expect(models(chat({ models: ['gpt-oss-120b'] }), having({ 'gpt-oss-120b': 'openai/gpt-oss-120b' }))).toEqual([
      'gpt-oss-120b',
    ]);
  });

  it('is bounded, routes of routes too', () => {
    const many = (name: string) => ({ models: Array.from({ length: 32 }, () => name) });
    expect(read({ a: many('gpt-oss-120b'), b: many('a'), c: many('b') }).mistakes).toEqual([
      'CHASQUI_ROUTES.b comes to more than 32 models.',
      'CHASQUI_ROUTES.c comes to more than 32 models.',
    ]);
  });
});
