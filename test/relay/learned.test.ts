import { describe, expect, it } from 'vitest';
import { type Event, GatewayError, type Job } from '../../src/core/index.ts';
import type { Candidate, PromptKind } from '../../src/offers/index.ts';
import { healthBook } from '../../src/relay/index.ts';
import {
  answers,
  call,
  fails,
  finished,
  good,
  handClock,
  late,
  offer,
  run,
  said,
  scripted,
  textOf,
} from './support.ts';

describe('an offer that refuses to hold its answer to a schema', () => {
  const unsupported = new GatewayError('unsupported_parameter', 'No such field.', {
    upstreamStatus: 400,
    param: 'response_format',
  });
  const invalid = new GatewayError('invalid_request', 'No such schema.', { upstreamStatus: 400 });
  const structured = (id: string): Candidate =>
    offer(id, {
      api: 'converse',
      structured: true,
      schemas: 's1',
      plain: offer(id, { api: 'converse', drops: ['response_format'] }),
    });
  const asked = call({
    responseFormat: { type: 'json_schema', name: 'n', schema: { type: 'object', properties: {} } },
  });
  const heldBy = (provider: { jobs: Job[] }) =>
    provider.jobs.map((job) => job.kind === 'chat' && job.structured === true);

  it('serves the same call as before it could, and before anybody else is asked', async () => {
    const bedrock = scripted('bedrock', fails(unsupported), answers([said('{}'), finished]));
    const together = scripted('together', answers([said('no'), finished]));
    const carried = await run({
      providers: [bedrock, together],
      offers: [structured('bedrock'), offer('together')],
      asked,
    });
    expect(await textOf(carried.events)).toBe('{}');
    expect(heldBy(bedrock)).toEqual([true, false]);
    expect(carried.offer.drops).toEqual(['response_format']);
    expect(together.jobs).toEqual([]);
  });

  it('hands over where it may not drop anything, or is refused for something else', async () => {
    const { plain: _, ...strict } = structured('bedrock');
    const other = new GatewayError('invalid_request', 'Too many.', { upstreamStatus: 400, param: 'max_tokens' });
    for (const [offered, error] of [
      [strict, unsupported],
      [structured('bedrock'), other],
    ] as const) {
      const bedrock = scripted('bedrock', fails(error), answers([said('no'), finished]));
      const together = scripted('together', answers([said('{}'), finished]));
      const carried = await run({ providers: [bedrock, together], offers: [offered, offer('together')], asked });
      expect(await textOf(carried.events)).toBe('{}');
      expect(bedrock.jobs).toHaveLength(1);
    }
  });

  it('is remembered for an hour: for all schemas where it knows no such field, else for these', () => {
    const at = 1_000_000;
    const book = healthBook();
    const refuses = (schemas: string, now = at) => book.refusesSchemas('bedrock', 'bedrock-llama', schemas, now);
    book.schemasRefused(structured('bedrock'), invalid, at);
    expect([refuses('s1'), refuses('s2')]).toEqual([true, false]);
    book.schemasRefused(structured('bedrock'), unsupported, at);
    expect([refuses('s1'), refuses('s2'), refuses('s2', at + 3_599_999), refuses('s2', at + 3_600_000)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(book.refusesSchemas('together', 'bedrock-llama', 's1', at)).toBe(false);
  });
});

describe('an offer that gives shorter answers than were asked for', () => {
  const refusal = (outputLimit: number) =>
    new GatewayError('invalid_request', 'Too much.', { upstreamStatus: 400, param: 'max_tokens', outputLimit });
  const asking = (maxTokens: number, may = true): Candidate =>
    offer('bedrock', {
      output: { maxTokens, most: maxTokens, clamped: false },
      shortened: (limit) => (may ? asking(limit) : undefined),
    });
  const limits = ({ jobs }: { jobs: Job[] }) => jobs.map(({ maxTokens }) => maxTokens);

  it('is asked again for as much as it gives, and before anybody else is', async () => {
    const bedrock = scripted('bedrock', fails(refusal(4096)), fails(refusal(2048)), answers([said('yes'), finished]));
    const together = scripted('together', good);
    const health = healthBook();
    const offers = [asking(32_000), offer('together')];
    const carried = await run({ providers: [bedrock, together], offers, health });
    expect(await textOf(carried.events)).toBe('yes');
    expect(limits(bedrock)).toEqual([32_000, 4096, 2048]);
    expect(together.jobs).toEqual([]);
    const known = (now: number) => health.outputLimit('bedrock', 'bedrock-llama', 'chat', now);
    expect([known(1_000_000), known(5_000_000)]).toEqual([2048, undefined]);
    expect(health.outputLimit('bedrock', 'bedrock-llama', 'invoke', 0)).toBeUndefined();
  });

  it.each([
    ['where the caller allows no loss', asking(32_000, false), 4096],
    ['where it was asked for no more', asking(4096), 4096],
    ['for an answer of no length', asking(4096), 0],
  ])('is not asked again %s', async (_when, offered, limit) => {
    const bedrock = scripted('bedrock', fails(refusal(limit)), answers([said('no'), finished]));
    const together = scripted('together', answers([said('yes'), finished]));
    const carried = await run({ providers: [bedrock, together], offers: [offered, offer('together')] });
    expect(await textOf(carried.events)).toBe('yes');
    expect(bedrock.jobs).toHaveLength(1);
  });
});

describe('an answer that is held to a schema', () => {
  it('gets longer for its first content, because a new schema is compiled first, and not for ever', async () => {
    for (const [structured, ms, served] of [
      [false, 20_000, 'together'],
      [true, 50_000, 'bedrock'],
      [true, 70_000, 'together'],
    ] as const) {
      const clock = handClock();
      const slow = scripted('bedrock', late(clock, ms));
      const carried = run({
        clock,
        providers: [slow, scripted('together', good)],
        offers: [offer('bedrock', { structured }), offer('together')],
      });
      await clock.advance(100_000);
      expect((await carried).offer.provider, `${structured} ${ms}`).toBe(served);
    }
  });
});

it('what an offer bills shows the most that its template adds: the smallest prompt, with tools and without', async () => {
  const health = healthBook();
  const usage = (input: number): Event => ({
    type: 'usage',
    usage: { input, cacheRead: 2, cacheWrite: 0, output: 1, reasoning: 0, source: 'provider' },
  });
  for (const input of [80, 40, 60]) {
    const provider = scripted('anyscale', answers([said('a'), finished, usage(input)]));
    const carried = await run({ providers: [provider], health });
    await textOf(carried.events);
  }
  const smallest = (kind: PromptKind) => health.smallestPrompt('anyscale', 'anyscale-llama', kind);
  expect([smallest('plain'), smallest('tools'), smallest('system')]).toEqual([42, undefined, undefined]);
  // A raw prompt has no template, and a system prompt of the caller's keeps the template's own away.
  health.billed(offer('anyscale', { api: 'completions', sends: { form: 'prompts', prompts: ['Hi'], stop: [] } }), 3);
  const system = [{ role: 'system', content: 'x' } as const, { role: 'user', content: 'Hi' } as const];
  health.billed(offer('anyscale', { sends: { form: 'messages', messages: system, tools: [] } }), 12);
  expect([smallest('plain'), smallest('system')]).toEqual([42, 12]);
  // What a server billed long ago may have been another template's.
  for (let n = 0; n < 16; n++) health.billed(offer('anyscale'), 70);
  expect(smallest('plain')).toBe(70);
});
