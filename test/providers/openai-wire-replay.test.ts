import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureAnyscale } from '../../providers/anyscale/index.ts';
import { configureTogether } from '../../providers/together/index.ts';
import type { Configured, Fetch, Provider } from '../../src/core/index.ts';
import { bodyOf, captures, plansOf } from '../support/captures.ts';
import { CODES, expectMeaning, run } from './support/replays.ts';

function only(configured: Configured): Provider {
  const [provider] = configured.providers;
  if (!provider) throw new Error(configured.mistakes.join(' '));
  return provider;
}

const anyscale = (fetch: Fetch): Provider =>
  only(
    configureAnyscale(
      { ANYSCALE_SERVICES: [{ id: 'mine', base_url: 'https://mine.example', token: 't', models: { m: {} } }] },
      fetch,
    ),
  );
const together = (fetch: Fetch): Provider => only(configureTogether({ TOGETHER_API_KEY: 'k' }, fetch));

/** Whose recordings are replayed through whom: the odd ones through both. */
const RUNS = [
  { prefix: 'together/', through: 'together', provide: together },
  { prefix: 'anyscale/', through: 'anyscale', provide: anyscale },
  { prefix: 'odd-', through: 'together', provide: together },
  { prefix: 'odd-', through: 'anyscale', provide: anyscale },
];

describe.each(RUNS)('recorded answers of $prefix through $through', ({ prefix, provide }) => {
  const cases = captures(prefix).filter((c) => c.scope === 'core' || c.scope === 'robustness');

  it('has cases', () => expect(cases.length).toBeGreaterThan(10));

  it.each(cases.map((c) => [c.id, c] as const))('%s, delivered in every planned way', async (_id, c) => {
    for (const plan of plansOf(c)) expectMeaning(c, await run(c, plan, provide));
  });

  it.each(cases.map((c) => [c.id, c] as const))('%s, cut anywhere', async (_id, c) => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: Math.max(1, bodyOf(c).length - 1) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const plan = { name: 'random', cuts: at.toSorted((a, b) => a - b) };
        expectMeaning(c, await run(c, plan, provide));
      }),
      { numRuns: 15, seed: 1 },
    );
  });
});

describe('a recorded stream that loses its end', () => {
  const whole = captures('together/stream/chat-stream-llama33').concat(
    captures('together/stream/llama-stack-tool-call-stream-2'),
    captures('anyscale/mlflow-chat-stream-split'),
    captures('odd-streams/ollama-finish'),
  );

  it.each(whole.map((c) => [c.id, c] as const))('%s is complete only if its finish arrived whole', async (_id, c) => {
    const body = bodyOf(c);
    const text = new TextDecoder().decode(body);
    // Just behind the object that says how it ended.
    const said = text.indexOf('}\n', text.search(/"finish_reason":\s*"[a-z]/)) + 1;
    expect(said).toBeGreaterThan(1);
    for (let length = 0; length < body.length; length++) {
      const cut = { ...c, bodyBase64: btoa(String.fromCharCode(...body.subarray(0, length))) };
      const got = await run(cut, { name: 'whole' }, together);
      if (length >= said) expectMeaning(c, got);
      else expect(got.error).toMatchObject({ code: CODES.truncated?.[0] });
    }
  });
});
