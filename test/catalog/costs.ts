import type { PriceTerms } from '../../src/catalog/index.ts';

/**
 * Costs worked out by hand, in dollars. Prices are dollars for a million tokens, a second or an hour; tokens are
 * [uncached input, cache read, cache write, output, reasoning]. Where a call made several requests there is a line of
 * usage for each. `by hand` is the arithmetic, before rounding to the nano-dollar ($0.000000001).
 */
export interface CostCase {
  readonly name: string;
  readonly price:
    | readonly [kind: 'token', input: string, output: string, cacheRead?: string, cacheWrite?: string]
    | readonly [kind: 'second', perSecond: string]
    | readonly [kind: 'hour', perHour: string, tokensPerSecond?: number];
  readonly usage: readonly (readonly [
    input: number,
    cacheRead: number,
    cacheWrite: number,
    output: number,
    reasoning: number,
    seconds?: number | undefined,
  ])[];
  readonly byHand: string;
  /** Prompt, cached and completion, of the first usage. */
  readonly parts: readonly [prompt: string, cached: string, completion: string] | undefined;
  /** Undefined is unknown. */
  readonly total: string | undefined;
}

// biome-ignore format: a table
export const COST_CASES: readonly CostCase[] = [
  // By the token.
  { name: 'a hundred thousand in, ten thousand out (llama-3-70b at Bedrock)',
    price: ['token', '2.65', '3.5'], usage: [[100_000, 0, 0, 10_000, 0]],
    byHand: '0.1 x 2.65 + 0.01 x 3.50', parts: ['0.265', '0', '0.035'], total: '0.3' },
  { name: 'one token in and one out', price: ['token', '2.65', '3.5'], usage: [[1, 0, 0, 1, 0]],
    byHand: '0.00000265 + 0.0000035', parts: ['0.00000265', '0', '0.0000035'], total: '0.00000615' },
  { name: 'an ordinary chat (llama-2-70b-chat at Replicate)', price: ['token', '0.65', '2.75'], usage: [[57, 0, 0, 84, 0]],
    byHand: '57 x 0.65 / 10^6 + 84 x 2.75 / 10^6', parts: ['0.00003705', '0', '0.000231'], total: '0.00026805' },
  { name: 'a price below a thousandth of a dollar', price: ['token', '0.0721', '0.309'], usage: [[3, 0, 0, 7, 0]],
    byHand: '0.0000002163 + 0.000002163, i.e. 216.3 and 2163 nano-dollars', parts: ['0.000000216', '0', '0.000002163'], total: '0.000002379' },
  { name: 'half a nano-dollar is rounded up', price: ['token', '0.0005', '0.0005'], usage: [[1, 0, 0, 3, 0]],
    byHand: '0.5 and 1.5 nano-dollars', parts: ['0.000000001', '0', '0.000000002'], total: '0.000000003' },
  { name: 'less than half is rounded down, even to nothing', price: ['token', '0.0004', '0.0004'], usage: [[1, 0, 0, 1, 0]],
    byHand: '0.4 and 0.4 nano-dollars: each part by itself', parts: ['0', '0', '0'], total: '0' },
  { name: 'an embedding-like call without output', price: ['token', '0.15', '0.6'], usage: [[1_000_000, 0, 0, 0, 0]],
    byHand: '1 x 0.15', parts: ['0.15', '0', '0'], total: '0.15' },
  { name: 'nothing at all', price: ['token', '0.15', '0.6'], usage: [[0, 0, 0, 0, 0]],
    byHand: '0', parts: ['0', '0', '0'], total: '0' },
  { name: 'reasoning is output (deepseek-r1 at Bedrock)', price: ['token', '1.35', '5.4'], usage: [[1_000, 0, 0, 200, 1_800]],
    byHand: '0.00135 + 2000 x 5.40 / 10^6', parts: ['0.00135', '0', '0.0108'], total: '0.01215' },
  { name: 'a billion tokens, beyond what a double holds to the nano-dollar', price: ['token', '9.500000001', '9.5'], usage: [[1_000_000_007, 0, 0, 3, 0]],
    byHand: '1000.000007 x 9.500000001 = 9500.000067500000007; + 0.0000285',
    parts: ['9500.0000675', '0', '0.0000285'], total: '9500.000096' },

  // By the token, with a cache.
  { name: 'half of the prompt from the cache, at a tenth', price: ['token', '3', '15', '0.3'], usage: [[10_000, 10_000, 0, 1_000, 0]],
    byHand: '0.03 + 0.003 + 0.015', parts: ['0.03', '0.003', '0.015'], total: '0.048' },
  { name: 'all of it from the cache', price: ['token', '3', '15', '0.3'], usage: [[0, 123_456, 0, 1, 0]],
    byHand: '123456 x 0.30 / 10^6 + 0.000015', parts: ['0', '0.0370368', '0.000015'], total: '0.0370518' },
  { name: 'writing to the cache costs more', price: ['token', '3', '15', '0.3', '3.75'], usage: [[1_000, 0, 9_000, 100, 0]],
    byHand: '0.003 + 9000 x 3.75 / 10^6 = 0.03375; 0.0015', parts: ['0.03675', '0', '0.0015'], total: '0.03825' },
  { name: 'written and read in one call', price: ['token', '3', '15', '0.3', '3.75'], usage: [[17, 4_096, 2_048, 333, 67]],
    byHand: '0.000051 + 0.00768 | 0.0012288 | 400 x 15 / 10^6', parts: ['0.007731', '0.0012288', '0.006'], total: '0.0149598' },
  { name: 'cached tokens where no price for them is stated cost what input does', price: ['token', '1.04', '1.04'], usage: [[500, 1_500, 0, 250, 0]],
    byHand: '0.00052 + 0.00156 + 0.00026', parts: ['0.00052', '0.00156', '0.00026'], total: '0.00234' },
  { name: 'a cache that is free to read', price: ['token', '1', '2', '0'], usage: [[10, 990, 0, 5, 0]],
    byHand: '0.00001 + 0 + 0.00001', parts: ['0.00001', '0', '0.00001'], total: '0.00002' },

  // A tier is another row of the book; the arithmetic is the same.
  { name: 'the batch tier (llama-3.1-70b at Bedrock)', price: ['token', '0.36', '0.36'], usage: [[2_000, 0, 0, 500, 0]],
    byHand: '2500 x 0.36 / 10^6', parts: ['0.00072', '0', '0.00018'], total: '0.0009' },
  { name: 'the latency-optimised tier of the same', price: ['token', '0.9', '0.9'], usage: [[2_000, 0, 0, 500, 0]],
    byHand: '2500 x 0.90 / 10^6', parts: ['0.0018', '0', '0.00045'], total: '0.00225' },

  // A clamped output: 4096 tokens were asked for, the offer gives 2048; what was made is billed.
  { name: 'an output cut at the limit of the offer (llama-3-8b by InvokeModel)', price: ['token', '0.3', '0.6'], usage: [[300, 0, 0, 2_048, 0]],
    byHand: '0.00009 + 2048 x 0.60 / 10^6', parts: ['0.00009', '0', '0.0012288'], total: '0.0013188' },

  // Several samples and several prompts: each request is billed its prompt.
  { name: 'three samples, one request each', price: ['token', '0.65', '2.75'], usage: [[100, 0, 0, 50, 0], [100, 0, 0, 70, 0], [100, 0, 0, 30, 0]],
    byHand: '3 x 0.000065 + 150 x 2.75 / 10^6', parts: ['0.000065', '0', '0.0001375'], total: '0.0006075' },
  { name: 'rounding is done for each request', price: ['token', '0.0005', '0'], usage: [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]],
    byHand: '0.5 nano-dollars twice', parts: ['0.000000001', '0', '0'], total: '0.000000002' },

  // By the second of hardware (Replicate's A100, L40S and T4).
  { name: 'a time-billed prediction', price: ['second', '0.0014'], usage: [[40, 0, 0, 200, 0, 12.5]],
    byHand: '12.5 x 0.0014', parts: ['0', '0', '0.0175'], total: '0.0175' },
  { name: 'fractions of a second as Replicate writes them', price: ['second', '0.000975'], usage: [[1, 0, 0, 1, 0, 4.484541]],
    byHand: '4.484541 x 0.000975 = 0.004372427475', parts: ['0', '0', '0.004372427'], total: '0.004372427' },
  { name: 'half a nano-dollar of time is rounded up', price: ['second', '0.000225'], usage: [[1, 0, 0, 1, 0, 0.00002]],
    byHand: '0.00002 x 225000 = 4.5 nano-dollars', parts: ['0', '0', '0.000000005'], total: '0.000000005' },
  { name: 'the longest prediction there is, 30 minutes on eight H100', price: ['second', '0.0122'], usage: [[0, 0, 0, 0, 0, 1_800]],
    byHand: '1800 x 0.0122', parts: ['0', '0', '21.96'], total: '21.96' },
  { name: 'no time was taken', price: ['second', '0.0014'], usage: [[3, 0, 0, 0, 0, 0]],
    byHand: '0 x 0.0014', parts: ['0', '0', '0'], total: '0' },
  { name: 'a time-billed prediction whose time nobody told', price: ['second', '0.0014'], usage: [[40, 0, 0, 200, 0]],
    byHand: 'unknown, not 0', parts: undefined, total: undefined },

  // By the hour, shared by the output tokens (an L4 of $0.9542).
  { name: 'a million tokens at 400 a second', price: ['hour', '0.9542', 400], usage: [[5_000, 0, 0, 1_000_000, 0]],
    byHand: '0.9542 / 3600 / 400 x 10^6 = 0.66263888...', parts: ['0', '0', '0.662638889'], total: '0.662638889' },
  { name: 'a single token at 40 a second', price: ['hour', '0.9542', 40], usage: [[10, 0, 0, 1, 0]],
    byHand: '0.9542 / 144000 = 0.00000662638...', parts: ['0', '0', '0.000006626'], total: '0.000006626' },
  { name: 'thoughts keep the hardware busy too, at 12.5 a second', price: ['hour', '4.5', 12.5], usage: [[10, 0, 0, 30, 70]],
    byHand: '4.5 / 45000 x 100', parts: ['0', '0', '0.01'], total: '0.01' },
  { name: 'an hour that nobody divided', price: ['hour', '0.9542'], usage: [[10, 0, 0, 100, 0]],
    byHand: 'unknown, not 0', parts: undefined, total: undefined },
];

/**
 * The same through the bundled book: which rule holds is part of the question. One line for each attempt that may have been
 * billed; usage is [input, output, seconds]. Days that are over keep their price, so that these stay true.
 */
export interface CallCase {
  readonly name: string;
  readonly day: string;
  readonly attempts: readonly (readonly [
    provider: string,
    upstream: string,
    usage: readonly [input: number, output: number, seconds?: number],
    terms?: PriceTerms,
  ])[];
  readonly byHand: string;
  /** Undefined is unknown. */
  readonly total: string | undefined;
}

// biome-ignore format: a table
export const CALL_CASES: readonly CallCase[] = [
  { name: 'an inference profile costs what its model does', day: '2026-11-22',
    attempts: [['bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', [1_000, 500]]],
    byHand: '1500 x 0.72 / 10^6', total: '0.00108' },
  { name: 'a tier', day: '2026-11-22',
    attempts: [['bedrock', 'meta.llama4-scout-17b-instruct-v1:0', [2_000, 100], { tier: 'batch' }]],
    byHand: '2000 x 0.085 / 10^6 + 100 x 0.33 / 10^6', total: '0.000203' },
  { name: 'a tier that nobody priced', day: '2026-11-22',
    attempts: [['bedrock', 'meta.llama4-scout-17b-instruct-v1:0', [2_000, 100], { tier: 'priority' }]],
    byHand: 'unknown: not the Standard price', total: undefined },
  { name: 'a region with a price of its own', day: '2026-11-22',
    attempts: [['bedrock', 'openai.gpt-oss-120b-1:0', [10_000, 1_000], { region: 'ap-southeast-2' }]],
    byHand: '10000 x 0.1545 / 10^6 + 1000 x 0.618 / 10^6', total: '0.002163' },
  { name: 'a region that nobody priced', day: '2026-11-22',
    attempts: [['bedrock', 'openai.gpt-oss-120b-1:0', [10_000, 1_000], { region: 'eu-west-1' }]],
    byHand: 'unknown: not the US price', total: undefined },
  { name: 'the price of then', day: '2025-02-03',
    attempts: [['together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', [1_000, 1_000]]],
    byHand: '2000 x 0.88 / 10^6', total: '0.00176' },
  { name: 'the price of now', day: '2026-11-22',
    attempts: [['together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', [1_000, 1_000]]],
    byHand: '2000 x 1.04 / 10^6', total: '0.00208' },
  { name: 'Anyscale Endpoints on its last day of Llama 2', day: '2024-05-07',
    attempts: [['anyscale', 'meta-llama/Llama-2-70b-chat-hf', [300, 200]]],
    byHand: '500 x 1 / 10^6', total: '0.0005' },
  { name: 'a model whose hardware nobody knows', day: '2026-11-22',
    attempts: [['replicate', 'meta/codellama-34b', [40, 200, 12.5]]],
    byHand: 'unknown, not 0', total: undefined },
  { name: 'a fallback after a failure that was billed (a prediction canceled in mid-answer, then Bedrock)', day: '2026-11-22',
    attempts: [['replicate', 'meta/meta-llama-3-70b-instruct', [100, 50]], ['bedrock', 'meta.llama3-70b-instruct-v1:0', [100, 80]]],
    byHand: '0.000065 + 0.0001375 + 0.000265 + 0.00028', total: '0.0007475' },
  { name: 'a failure of unknown cost before the fallback makes the whole unknown', day: '2026-11-22',
    attempts: [['replicate', 'meta/codellama-34b', [40, 0, 3]], ['together', 'openai/gpt-oss-120b', [100, 80]]],
    byHand: 'unknown, and at least 0.000063', total: undefined },
];
