import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDollars, parseDollars } from '../../src/core/index.ts';
import {
  chatAnswer,
  chatStream,
  completionAnswer,
  completionStream,
  type Envelope,
  toCost,
} from '../../src/dialects/openai/index.ts';
import { readStream } from '../support/sse.ts';

const amount = fc.bigInt({ min: 0n, max: 1_000_000_000_000_000n });

describe('the cost of an answer', () => {
  it('is numbers that clients can add up, and exactly the decimal beside them', () => {
    fc.assert(
      fc.property(amount, amount, amount, (prompt, completion, cached) => {
        const parts = { prompt, completion, cached, total: prompt + completion + cached };
        const shared = { basis: 'provider_tokens', estimate: false, rule: 'r' } as const;
        const {
          cost,
          cost_exact: exact,
          cost_details: details,
        } = toCost({ cost: { known: true, ...parts, ...shared } });
        expect(parseDollars(exact ?? '')).toBe(parts.total);
        expect(formatDollars(BigInt(Math.round((cost ?? 0) * 1e9)))).toBe(exact);
        expect(details.upstream_inference_cost).toBe(cost);
        for (const [name, value] of Object.entries(details)) {
          if (name !== 'basis' && name !== 'price') expect(value, name).toEqual(expect.any(Number));
        }
        const sum =
          Number(details.upstream_inference_prompt_cost) + Number(details.upstream_inference_completions_cost);
        expect(Math.abs(sum - (cost ?? 0))).toBeLessThan(1e-9);
      }),
    );
  });

  it('is null where nobody knows it, and what a failed attempt cost at most is a number, too', () => {
    const cost = { known: false, reason: 'No price.' } as const;
    expect(toCost({ cost, failed: { count: 2, atMost: 2_500n } })).toEqual({
      cost: null,
      cost_exact: null,
      is_byok: false,
      cost_details: { price: null, reason: 'No price.', failed_attempts: { count: 2, at_most: 0.0000025 } },
    });
    expect(toCost({ cost, failed: { count: 1, atMost: undefined } }).cost_details.failed_attempts).toEqual({
      count: 1,
      at_most: null,
    });
  });
});

describe('system_fingerprint', () => {
  const envelope: Envelope = { id: 'gen-1', created: 1, model: 'llama', provider: 'together', fingerprint: null };
  const finish = [{ type: 'finish', choice: 0, reason: 'stop' }] as const;
  const text = [{ type: 'text', choice: 0, text: 'Hi' }] as const;

  it.each([null, 'fp_2a885414fb'])('is in every answer, and where there is one in every chunk: %s', (fingerprint) => {
    const told = { ...envelope, fingerprint };
    const options = { includeUsage: true };
    for (const encoder of [chatStream(told, options), completionStream(told, options)]) {
      const read = readStream(encoder.encode(text) + encoder.encode(finish) + encoder.end());
      expect(read.chunks.length).toBeGreaterThan(1);
      for (const chunk of read.chunks) expect(chunk.system_fingerprint).toBe(fingerprint ?? undefined);
    }
    expect(chatAnswer(told, [...text, ...finish], 1).system_fingerprint).toBe(fingerprint);
    expect(completionAnswer(told, [...text, ...finish], 1, () => '').system_fingerprint).toBe(fingerprint);
  });
});
