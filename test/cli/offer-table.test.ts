import { describe, expect, it } from 'vitest';
import { type Answer, cheapestFirst, type Offer, offerTable, receiptText } from '../../src/cli/report.ts';

const offer = (more: Partial<Offer> = {}): Offer => ({
  provider: 'bedrock',
  model: 'llama-3.3-70b-instruct',
  provider_model: 'us.meta.llama3-3-70b-instruct-v1:0',
  eligible: true,
  rank: 1,
  prompt_tokens: 41,
  exactness: 'exact',
  context_length: 131_072,
  cost: { expected: '0.0001', max: '0.00065' },
  price: { input_per_mtok: '0.72', output_per_mtok: '0.9', stale: false },
  drops: [],
  neutralised: [],
  latency: null,
  breaker: 'closed',
  why: [],
  ...more,
});

const together = offer({
  provider: 'together',
  provider_model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
  rank: 2,
  exactness: 'estimate',
  cost: { expected: '0.000099', max: null },
  price: { input_per_mtok: '1.04', output_per_mtok: '1.04', stale: true, age_days: 49 },
  latency: { ttft_ms: 1234, tokens_per_second: 88.5 },
  breaker: 'half-open',
  why: ['It was drawn.'],
  drops: ['seed'],
  route: 'cheap',
});
const own = offer({
  provider: 'anyscale',
  provider_model: 'mine',
  rank: 3,
  cost: null,
  price: null,
  unpriced: 'No price of mine is known.',
});
const excluded = offer({
  provider: 'replicate',
  provider_model: 'meta/llama',
  eligible: false,
  rank: null,
  cost: null,
  reason: { message: 'replicate has no credentials here.' },
});

describe('a sheet in the terminal', () => {
  it('is cheapest first, what is unknown last, with notes, and what is left out below', () => {
    expect(offerTable([own, excluded, offer(), together], 120).split('\n')).toEqual([
      'asked  provider  model there                    prompt  context  expected $  at most $  $/M in  $/M out  first ms  tok/s',
      '    2  together  meta-llama/Lla…Instruct-Turbo     ~41  131,072    0.000099          ?    1.04     1.04     1,234   88.5',
      '    1  bedrock   us.meta.llama3…-instruct-v1:0      41  131,072    0.000100   0.000650    0.72     0.90',
      '    3  anyscale  mine                               41  131,072           ?          ?',
      '',
      '    2  By the route cheap. It was drawn. Its breaker is half-open. Does without seed. Its price was read 49 days ago.',
      '    3  No price of mine is known.',
      '',
      'Left out:',
      '       replicate  meta/llama: replicate has no credentials here.',
    ]);
  });

  it('notes what is paid by time, which has no price for a million tokens', () => {
    const hourly = offer({ price: { usd_per_hour: '0.95', tokens_per_second: 400, stale: false } });
    expect(offerTable([hourly], 120)).toMatch(/\n {4}1 {2}Paid by time: \$0\.95 an hour, at 400 tokens a second\.$/);
    expect(offerTable([offer({ price: { usd_per_second: '0.0014', stale: false } })], 120)).toContain(
      '$0.0014 a second.',
    );
  });

  it('says so where nothing is left', () => {
    expect(offerTable([excluded], 120)).toMatch(/^No offer can serve this\.\n\nLeft out:/);
  });

  it('orders by amount and not by text, and keeps the gateway’s order of equals', () => {
    const at = (rank: number, expected: string) => offer({ rank, cost: { expected, max: null } });
    const offers = [at(1, '10'), at(2, '9.5'), at(4, '0.1'), at(3, '0.1'), offer({ rank: 5, cost: null })];
    expect(cheapestFirst(offers).map(({ rank }) => rank)).toEqual([3, 4, 2, 1, 5]);
  });
});

const answer = (more: Partial<Answer> = {}): Answer => ({
  model: 'llama-3.3-70b-instruct',
  provider: 'bedrock',
  choices: [{ message: { content: 'Blue.' }, finish_reason: 'stop' }],
  data: [],
  results: [],
  usage: {
    prompt_tokens: 41,
    completion_tokens: 2,
    cost_exact: '0.00003',
    cost_details: { prompt: 0.00002, completion: 0.0000001, price: 'bedrock/x@2026-01-01', estimate: false },
  },
  chasqui: { attempts: [{}], alternatives: [], saved: null },
  ...more,
});

describe('a receipt', () => {
  it('is the answer, what it cost, and what it would have cost elsewhere', () => {
    const alternatives = [
      { provider: 'together', model: 'llama-3.3-70b-instruct', provider_model: 't', cost: '0.00005' },
      { provider: 'together', model: 'llama-3.3-70b-instruct', provider_model: 't', cost: '0.00005' },
      { provider: 'replicate', model: 'gpt-oss-120b', provider_model: 'g', cost: null },
    ];
    const chasqui = { attempts: [{}, {}], alternatives, saved: '0.00002' };
    expect(receiptText(answer({ chasqui }), 200).split('\n')).toEqual([
      'bedrock answers as llama-3.3-70b-instruct, after 2 attempts:',
      '',
      'Blue.',
      '',
      '41 prompt tokens, 2 of output. It cost $0.00003: $0.00002 for the prompt, $0.0000001 for the answer, by bedrock/x@2026-01-01.',
      'The same elsewhere: together $0.00005, replicate as gpt-oss-120b unknown. Saved $0.00002 compared with the most expensive of them.',
    ]);
  });

  it('admits a cost that nobody knows, one that was the dearest, and an answer that was cut', () => {
    const usage = {
      ...answer().usage,
      cost_exact: null,
      cost_details: { reason: 'No price is known.', estimate: false },
    };
    expect(receiptText(answer({ usage }), 200)).toContain('What it cost is not known. No price is known.');
    const alternatives = [{ provider: 'together', model: 'm', provider_model: 't', cost: '0.00001' }];
    const dear = answer({ chasqui: { attempts: [{}], alternatives, saved: '-0.00002' } });
    expect(receiptText(dear, 200)).toContain('$0.00002 more than the most expensive of them.');
    const cut = answer({ choices: [{ text: ' and so', finish_reason: 'length' }] });
    expect(receiptText(cut, 200)).toContain('and so\n(ended by length)');
  });
});
