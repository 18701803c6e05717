import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundledBook, estimateCost, layered } from '../../src/catalog/index.ts';
import { type Message, parseDollars, type Tool } from '../../src/core/index.ts';
import { mostTokens } from '../../src/offers/counting.ts';
import { type Health, UNSEEN } from '../../src/offers/index.ts';
import {
  promptCounter,
  readyTokenizers,
  renderSegments,
  type Segment,
  type Tokenizers,
  templateFamilies,
} from '../../src/tokens/index.ts';
import { rowOf } from '../catalog/rows.ts';
import { offerKey } from '../support/providers.ts';
import { shipped } from '../tokens/shipped.ts';
import { chat, completion, laidOut, loadTokenizers, offerOf, service, user, world } from './support.ts';

let tokenizers: Tokenizers;
beforeAll(async () => {
  await loadTokenizers();
  tokenizers = await readyTokenizers(templateFamilies(), shipped);
});

/** One's own model that nobody knows, at $1 and $2 for a million tokens. */
const RATE = { kind: 'token', input: parseDollars('1'), output: parseDollars('2') } as const;
const prices = layered(bundledBook(), [
  rowOf(RATE, {
    id: 'own@test',
    layer: 'configuration',
    provider: 'anyscale',
    offer: offerKey('anyscale', 'my-llama', 'mine'),
  }),
]);
const own = world({ services: [service({ model: 'my-own' })], prices });
const GREETING = chat({ models: ['my-own'], messages: [user('Say hello in one word.')], maxTokens: 8 });
/** What the call comes to if its prompt is so many tokens long and its answer as long as it may be. */
const costWith = (promptTokens: number): bigint => 1000n * BigInt(promptTokens) + 8n * 2000n;

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', ' ', '\n\n\n', '㌀㌁㍻', 'ﷺ', '𝕳𝖊𝖑𝖑𝖔', 'नमस्ते', '🏳️‍🌈', '<|im_start|>', 'The quick brown fox'),
);
const messages = fc.array(
  fc.oneof(
    text.map((content): Message => ({ role: 'user', content })),
    text.map((content): Message => ({ role: 'assistant', content })),
    text.map((content): Message => ({ role: 'system', content })),
  ),
  { minLength: 1, maxLength: 5 },
);
const tool: Tool = {
  name: 'get_weather',
  description: 'Looks out of the window — in any city.',
  parameters: { type: 'object', properties: { city: { type: 'string', enum: ['León', '東京'] } }, required: ['city'] },
};

/** A chat for a chat API, whose template is known where there are segments. */
const asMessages = (messages: readonly Message[], tools: readonly Tool[], segments?: readonly Segment[]) =>
  ({
    form: 'messages',
    api: 'chat',
    chat: { messages, tools },
    altered: [],
    losesReasoning: false,
    tokensAtMost: () => undefined,
    rendered: () => segments && { segments },
  }) as const;

describe('the most that a prompt can be, where it cannot be counted', () => {
  it('is never less than what a tokenizer and a template that are known make of it', () => {
    const exact = templateFamilies().filter((family) => tokenizers(family).exactness === 'exact');
    expect(exact.length).toBeGreaterThan(5);
    fc.assert(
      fc.property(fc.constantFrom(...exact), messages, fc.boolean(), (family, said, withTool) => {
        const tools = withTool ? [tool] : [];
        const rendered = renderSegments(family, said, { variant: 'hf', tools, date: new Date('2026-11-24') });
        fc.pre(rendered.kind === 'prompt');
        if (rendered.kind !== 'prompt') return;
        const counter = promptCounter(tokenizers, Number.POSITIVE_INFINITY);
        const { tokens } = counter.segments(family, rendered.segments);
        const unseen = asMessages(said, tools);
        // Nothing is known of the template, and then only that it says no more by itself than this one.
        const alone = counter.segments(family, renderOf(family, tools)).tokens;
        expect(mostTokens(unseen, undefined, alone)).toBeGreaterThanOrEqual(tokens);
        // The template is known, the vocabulary is not.
        const known = asMessages(said, tools, rendered.segments);
        expect(mostTokens(known, undefined, undefined)).toBeGreaterThanOrEqual(tokens);
        // A raw prompt.
        const raw = {
          form: 'prompts',
          api: 'completions',
          prompts: said.map(({ content }) => String(content)),
          stop: [],
          altered: [],
        } as const;
        const counted = raw.prompts.reduce((sum, one) => sum + counter.text(family, one).tokens, 0);
        expect(mostTokens(raw, undefined, undefined)).toBeGreaterThanOrEqual(counted);
      }),
      { numRuns: 400 },
    );
  });

  const renderOf = (family: string, tools: readonly Tool[]) => {
    const rendered = renderSegments(family, [user('x')], { variant: 'hf', tools, date: new Date('2026-11-24') });
    if (rendered.kind !== 'prompt') throw new Error(`no template of ${family}`);
    return rendered.segments;
  };

  it('is more than a tool is long on several lines, and costs nothing for one that is nested without end', () => {
    const calling = (one: Tool) => mostTokens(asMessages([user('Hi')], [one]), undefined, 0) ?? 0;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (parameters) => {
        const given = { ...tool, parameters };
        const lines = JSON.stringify(given, undefined, 4);
        expect(calling(given)).toBeGreaterThan(2 * new TextEncoder().encode(lines).length);
      }),
    );
    let deep: Record<string, unknown> = {};
    for (let n = 0; n < 2000; n++) deep = { a: deep };
    // Written with its spaces it would be millions of characters; nobody writes it.
    expect(calling({ ...tool, parameters: deep })).toBeGreaterThan(2000 * 2000);
  });

  it('is the context where that is less, and for an image, which nobody can measure', () => {
    const long = { ...GREETING, messages: [user('word '.repeat(100))] };
    const small = world({ services: [service({ model: 'my-own', contextLength: 300 })], prices });
    expect(offerOf(long, 'anyscale', small).prompt.atMost).toBe(300);
    const image = {
      ...GREETING,
      messages: [{ role: 'user', content: [{ type: 'image', url: 'data:image/png;base64,AA==' }] } as const],
    };
    expect(offerOf(image, 'anyscale', small).prompt.atMost).toBe(300);
    expect(offerOf(image, 'anyscale', own).prompt).not.toHaveProperty('atMost');
    expect(offerOf(image, 'anyscale', own).cost).not.toHaveProperty('max');
    const dear = { ...image, routing: { maxCost: parseDollars('10') } };
    expect(laidOut(dear, own).excluded.map(({ code, message }) => [code, message])).toContainEqual([
      'over_max_cost',
      expect.stringContaining('set the context_length'),
    ]);
  });
});

describe('max_cost at a model that is only estimated', () => {
  it('is not gone over by a default system prompt: 40 tokens where 15 were estimated', () => {
    const offer = offerOf(GREETING, 'anyscale', own);
    expect(offer.prompt).toMatchObject({ exactness: 'estimate' });
    expect(offer.prompt.total).toBeLessThan(20);
    for (const billed of [40, 400, 2000]) expect(offer.cost?.max).toBeGreaterThanOrEqual(costWith(billed));
  });

  it('lets through what the service was seen to bill, and is a bound still', () => {
    const seen = (tokens: number): Health => ({
      ...UNSEEN,
      smallestPrompt: (_id, _model, kind) => (kind === 'plain' ? tokens : undefined),
    });
    const routing = { maxCost: parseDollars('0.00025') };
    expect(offerOf(GREETING, 'anyscale', own).cost?.max).toBeGreaterThan(routing.maxCost);
    const tight = { ...own, health: seen(40) };
    const { cost } = offerOf({ ...GREETING, routing }, 'anyscale', tight);
    expect(cost?.max).toBeLessThanOrEqual(routing.maxCost);
    expect(cost?.max).toBeGreaterThanOrEqual(costWith(40));
    // A template that introduces tools says more, and nobody has seen how much.
    const calling = offerOf({ ...GREETING, tools: [tool] }, 'anyscale', tight);
    expect(calling.cost?.max).toBeGreaterThan(costWith(4096));
  });

  it('bounds a raw prompt by its bytes, and what is expected lies below', () => {
    fc.assert(
      fc.property(text, (prompt) => {
        const offer = offerOf(completion({ models: ['my-own'], prompts: [prompt], maxTokens: 4 }), 'anyscale', own);
        const { min = 0n, expected = 0n, max = 0n } = offer.cost ?? {};
        expect(max).toBeGreaterThanOrEqual(1000n * BigInt(new TextEncoder().encode(prompt).length) + 8000n);
        expect(min <= expected && expected <= max).toBe(true);
      }),
    );
  });
});

it('a count that is exact is its own bound', () => {
  const offer = offerOf(chat({ models: ['llama-3-8b-instruct'], maxTokens: 8 }), 'bedrock');
  if (!offer.priced.known) throw new Error('no price');
  const { total } = offer.prompt;
  expect(offer.cost?.max).toBe(estimateCost(offer.priced.row, total, 1, 8, 8)?.max);
});
