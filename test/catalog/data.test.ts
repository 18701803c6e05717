import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  CATALOG_DATE,
  type CatalogOffer,
  hasServedOffer,
  isServed,
  models,
  priceSources,
} from '../../src/catalog/index.ts';
import json from '../../src/catalog/models.json' with { type: 'json' };
import { parseDollars } from '../../src/core/index.ts';
import { findModel, registry, upstreamId } from '../support/providers.ts';
import { modelRow, wrongIn } from './schema.ts';

const offers = models().flatMap((model) => model.offers.map((offer) => ({ model, offer })));
const byId = new Map(models().map((model) => [model.id, model]));
const live = (offer: CatalogOffer): boolean => offer.status.state === 'live';

describe('the models', () => {
  it('are written as the schema says, each offer at a provider that has a folder', () => {
    expect(wrongIn(v.array(modelRow), json)).toEqual([]);
    expect(offers.filter(({ offer }) => !registry.ids.includes(offer.provider))).toEqual([]);
  });

  it('cover Llama 2 and Code Llama in every size and kind of the guide', () => {
    const llama2 = ['7b', '13b', '70b'].flatMap((size) => [`llama-2-${size}`, `llama-2-${size}-chat`]);
    const code = ['7b', '13b', '34b', '70b'].flatMap((size) =>
      ['', '-python', '-instruct'].map((kind) => `codellama-${size}${kind}`),
    );
    expect([...llama2, ...code].filter((id) => !byId.has(id))).toEqual([]);
  });

  it('are those of today: every open-weight family that the three providers serve, at one of them at least', () => {
    const served = new Set(
      models()
        .filter((model) => hasServedOffer(model, CATALOG_DATE))
        .map(({ id }) => id),
    );
    const today = [
      ...['deepseek-v3.1', 'deepseek-v3.2', 'deepseek-v4-pro', 'deepseek-v4.1-flash', 'glm-4.7', 'glm-4.7-flash'],
      ...['glm-5', 'glm-5.2', 'glm-5.3', 'glm-5.3-flash', 'qwen3-vl-235b-a22b-instruct', 'qwen3.5-9b', 'qwen3.6-plus'],
      ...['qwen3.7-plus', 'qwen3.8-flash', 'kimi-k2.5', 'kimi-k3', 'kimi-k3.1-pro', 'minimax-m2', 'minimax-m2.1'],
      ...['minimax-m2.5', 'minimax-m2.7', 'minimax-m3.1-flash', 'gemma-3-4b-it', 'gemma-3-12b-it', 'gemma-3-27b-it'],
      ...['nemotron-nano-9b-v2', 'nemotron-3-nano-30b-a3b', 'nemotron-3-super-120b-a12b', 'ministral-3-3b-instruct'],
      ...['ministral-3-8b-instruct', 'ministral-3-14b-instruct', 'mistral-large-3', 'devstral-2-123b'],
      ...['magistral-small-2509', 'voxtral-small-24b-2507', 'gpt-oss-safeguard-20b', 'gpt-oss-safeguard-120b'],
    ];
    expect(today.filter((id) => !served.has(id))).toEqual([]);
    // They ended this year, and whoever asks for them is told so.
    const ended = ['kimi-k2.6', 'kimi-k2.7-code', 'minimax-m3', 'qwen3.5-397b-a17b', 'qwen3.8-2.4t-a95b', 'glm-5.1'];
    expect(ended.filter((id) => served.has(id) || !byId.has(id))).toEqual([]);
  });

  it('have the names that OpenRouter gives them: `owner/model` in lower case, each of one model in any case', () => {
    const slugs = models().flatMap(({ id, openrouter }) => openrouter.map((slug) => ({ id, slug })));
    expect(slugs.length).toBeGreaterThan(70);
    expect(slugs.filter(({ slug }) => !/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(slug))).toEqual([]);
    for (const { id, slug } of slugs) {
      for (const name of [slug, slug.toUpperCase()]) {
        expect(findModel(name), name).toMatchObject({ kind: 'model', model: { id } });
      }
    }
  });

  it('share no name, so that a name means one model', () => {
    const owner = new Map<string, string>();
    const shared: string[] = [];
    for (const model of models()) {
      const ids = model.offers.flatMap((offer) => [offer.id, ...offer.otherIds]);
      const own = [model.id, ...model.aliases, ...model.openrouter, ...ids].map((name) => name.toLowerCase());
      for (const name of new Set(own)) {
        if (owner.has(name)) shared.push(`${name}: ${owner.get(name)} and ${model.id}`);
        owner.set(name, model.id);
      }
    }
    expect(shared).toEqual([]);
  });

  it('have ids that a URL path and a header can carry', () => {
    expect(models().filter(({ id }) => !/^[a-z0-9][a-z0-9.-]+$/.test(id))).toEqual([]);
  });

  it('know that base models have no chat form: no chat API, no tools, no system role', () => {
    for (const model of models().filter(({ kind }) => kind === 'base')) {
      expect(model.capabilities).toMatchObject({ tools: false, systemRole: false });
      for (const offer of model.offers) expect(offer.apis).not.toEqual(expect.arrayContaining(['chat']));
      for (const offer of model.offers) expect(offer.apis).not.toEqual(expect.arrayContaining(['converse']));
    }
  });

  it('know that Code Llama takes 100,000 tokens, but for 70B Python and Instruct, of which nothing is stated', () => {
    const contexts = models()
      .filter(({ id }) => id.startsWith('codellama-'))
      .map(({ id, contextLength }) => [id, contextLength]);
    expect(contexts.filter(([, tokens]) => tokens === undefined).map(([id]) => id)).toEqual([
      'codellama-70b-python',
      'codellama-70b-instruct',
    ]);
    expect(new Set(contexts.map(([, tokens]) => tokens))).toEqual(new Set([100_000, undefined]));
  });

  it('give Code Llama 70B Instruct a template family of its own', () => {
    expect(byId.get('codellama-70b-instruct')?.family).toBe('code-llama-70b');
    expect(byId.get('codellama-34b-instruct')?.family).toBe('code-llama');
  });
});

describe('the offers', () => {
  it('each have an id and an API that some wire serves', () => {
    const broken = offers.filter(
      ({ model, offer }) =>
        offer.id === '' ||
        offer.apis.length === 0 ||
        offer.apis.some((api) => !registry.of(offer.provider).traits(api, model.family)),
    );
    expect(broken).toEqual([]);
  });

  it('name source and day of every price, and write it as exact dollars', () => {
    for (const { model, offer } of offers) {
      if (offer.price === null) continue;
      expect(parseDollars(offer.price.inputPerMtok), offer.id).toBeGreaterThan(0n);
      // Embeddings have no output.
      const output = parseDollars(offer.price.outputPerMtok);
      expect(output > 0n, offer.id).toBe(model.kind !== 'embedding');
      expect(priceSources, offer.id).toHaveProperty([offer.price.source]);
      expect(offer.price.sourceDate <= new Date().toISOString(), offer.id).toBe(true);
    }
  });

  it('leave a price unknown where Replicate bills by the second', () => {
    const timed = offers.filter(({ offer }) => offer.billing === 'time');
    expect(timed.length).toBeGreaterThan(0);
    expect(timed.filter(({ offer }) => offer.price !== null)).toEqual([]);
  });

  it('know that Replicate serves Code Llama 4,096 tokens, whatever the model could take', () => {
    const code = offers.filter(
      ({ model, offer }) => offer.provider === 'replicate' && model.id.startsWith('codellama-'),
    );
    expect(code.map(({ offer }) => offer.contextLimit)).toEqual(Array(12).fill(4096));
  });

  it('name the source of every pinned version', () => {
    const versions = offers.flatMap(({ offer }) => offer.versions);
    expect(versions.filter(({ source }) => !(source in priceSources))).toEqual([]);
  });

  it('have no end in the past while they are live, and say when they were seen so', () => {
    expect(offers.filter(({ offer }) => live(offer) && !isServed(offer, CATALOG_DATE))).toEqual([]);
    expect(offers.filter(({ offer }) => live(offer) && offer.status.asOf === undefined)).toEqual([]);
  });

  it('say in a sentence what is doubtful about them', () => {
    const notes = offers.flatMap(({ offer }) => offer.status.note ?? []);
    expect(notes.filter((note) => !/^[A-Z].*\.$/.test(note) && !note.startsWith('models.dev'))).toEqual([]);
    // What only one public list knows is not said as if it were certain.
    const doubtful = offers.filter(({ offer }) => offer.status.note?.includes('LiteLLM alone'));
    expect(doubtful.length).toBeGreaterThan(30);
  });

  it('have ended in the past if they are retired', () => {
    const later = offers.filter(
      ({ offer: { status } }) => status.state === 'retired' && (status.date ?? '') > CATALOG_DATE,
    );
    expect(later).toEqual([]);
  });

  it('stream no tools from Llama on Bedrock, and take none for Llama 3', () => {
    const llama = offers.filter(
      ({ model, offer }) => offer.provider === 'bedrock' && model.family.startsWith('llama-'),
    );
    expect(llama.filter(({ offer }) => offer.features.streamingTools)).toEqual([]);
    expect(llama.filter(({ model, offer }) => model.family === 'llama-3' && offer.features.tools)).toEqual([]);
    expect(byId.get('llama-3.3-70b-instruct')?.offers.map(({ provider, features }) => [provider, features])).toEqual([
      ['bedrock', { system: true, tools: true, streamingTools: false, vision: false, structured: false }],
      ['together', { system: true, tools: true, streamingTools: true, vision: false, structured: false }],
    ]);
  });

  it('are held to a schema on Bedrock’s Converse alone, and never for Llama or DeepSeek R1', () => {
    const structured = offers.filter(({ offer }) => offer.features.structured);
    expect(structured.length).toBeGreaterThan(10);
    for (const { model, offer } of structured) {
      expect([offer.provider, offer.apis.includes('converse')], offer.id).toEqual(['bedrock', true]);
      expect(/^(?:llama|deepseek-r1)/.test(model.family), offer.id).toBe(false);
    }
  });

  it('take neither system message nor tools for Mistral 7B and Mixtral on Bedrock', () => {
    for (const id of ['mistral-7b-instruct-v0.2', 'mixtral-8x7b-instruct-v0.1']) {
      const bedrock = byId.get(id)?.offers.find(({ provider }) => provider === 'bedrock');
      expect(bedrock?.features, id).toMatchObject({ system: false, tools: false });
    }
  });

  it('take no tools or images where a chat has to be rendered to a prompt first', () => {
    const rendered = offers.filter(({ offer }) => offer.apis.every((api) => api !== 'chat' && api !== 'converse'));
    expect(rendered.filter(({ offer }) => offer.features.tools || offer.features.vision)).toEqual([]);
  });

  it('end when an announced end has passed: Llama 3.3 on Bedrock after 2027-03-30', () => {
    const offer = byId.get('llama-3.3-70b-instruct')?.offers.find(({ provider }) => provider === 'bedrock');
    if (!offer) throw new Error('no such offer');
    expect(['2026-11-22', '2027-03-30', '2027-03-31'].map((today) => isServed(offer, today))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('a model whose offers have all retired', () => {
  const retired = models().filter(({ offers }) => offers.every(({ status }) => status.state === 'retired'));

  it('exists, and names a replacement of its own sort that is live', () => {
    expect(retired.length).toBeGreaterThan(0);
    for (const model of retired) {
      const next = byId.get(model.replacedBy ?? '');
      expect(next?.offers.some(live), `${model.id} -> ${model.replacedBy}`).toBe(true);
      expect(next?.kind, model.id).toBe(model.kind);
      if (model.capabilities.vision) expect(next?.capabilities.vision, model.id).toBe(true);
    }
  });

  it('is never the replacement of another, nor does any replacement lead back', () => {
    for (const { id, replacedBy } of models()) {
      if (replacedBy === undefined) continue;
      expect(byId.has(replacedBy), id).toBe(true);
      expect(
        retired.map((model) => model.id),
        id,
      ).not.toContain(replacedBy);
      expect(byId.get(replacedBy)?.replacedBy, id).toBeUndefined();
    }
  });
});

describe('the id that is sent', () => {
  const sent = (model: string, provider: string) => {
    const offer = byId.get(model)?.offers.find((one) => one.provider === provider);
    if (!offer) throw new Error(`no offer of ${model} at ${provider}`);
    return upstreamId(offer, 'us-east-1');
  };

  it('is the name of an official model on Replicate', () => {
    expect(sent('llama-2-70b-chat', 'replicate')).toEqual({ id: 'meta/llama-2-70b-chat' });
  });

  it("carries a version where the model is not official, the guide's own if it names one", () => {
    expect(sent('codellama-34b', 'replicate')).toEqual({
      id: 'meta/codellama-34b:67942fd0f55b66da802218a19a8f0e1d73095473674061a6ea19f2dc8c053152',
    });
  });

  it('is none, with a way out, where no version is known', () => {
    expect(sent('codellama-70b', 'replicate')).toEqual({
      reason: expect.stringContaining('meta/codellama-70b:<version>'),
    });
  });

  it("is an inference profile where Bedrock wants one, and Together's own id at Together", () => {
    expect(sent('llama-3.3-70b-instruct', 'bedrock')).toEqual({ id: 'us.meta.llama3-3-70b-instruct-v1:0' });
    expect(sent('llama-3.3-70b-instruct', 'together')).toEqual({ id: 'meta-llama/Llama-3.3-70B-Instruct-Turbo' });
  });

  it('is known for every offer that may be tried, or a reason is', () => {
    for (const { offer } of offers.filter((each) => isServed(each.offer, CATALOG_DATE))) {
      const upstream = upstreamId(offer, 'us-west-2');
      expect('id' in upstream ? upstream.id.includes(offer.id) : upstream.reason.endsWith('.'), offer.id).toBe(true);
    }
  });
});
