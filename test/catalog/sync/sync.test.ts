import { describe, expect, it } from 'vitest';
import { type CatalogOffer, models, type PriceRow } from '../../../src/catalog/index.ts';
import sourceNames from '../../../src/catalog/sources.json' with { type: 'json' };
import { formatDollars, parseDollars } from '../../../src/core/index.ts';
import { rowOf, tokens } from '../rows.ts';
import { apply } from './apply.ts';
import { ask } from './ask.ts';
import { judge, unlisted } from './judge.ts';
import { readGenaiPrices } from './parse.ts';
import awsModels from './recorded/aws-models.json' with { type: 'json' };
import genaiPrices from './recorded/genai-prices.json' with { type: 'json' };
import litellm from './recorded/litellm.json' with { type: 'json' };
import modelsdev from './recorded/modelsdev.json' with { type: 'json' };
import portkeyBedrock from './recorded/portkey-bedrock.json' with { type: 'json' };
import portkeyTogether from './recorded/portkey-together.json' with { type: 'json' };
import togetherApi from './recorded/together-api.json' with { type: 'json' };
import { report, reportUnlisted } from './report.ts';
import { LIST_SOURCES } from './sources.ts';
import type { Heard, Listing, Verdict } from './types.ts';

/** In the form that each source has in public copies of 2026, cut to a few models; Together's figures are partly made up. */
const RECORDED: Readonly<Record<string, unknown>> = {
  'together-api': togetherApi,
  'aws-models': awsModels,
  'portkey-bedrock': portkeyBedrock,
  'portkey-together': portkeyTogether,
  litellm,
  'genai-prices': genaiPrices,
  modelsdev,
};
const TODAY = '2026-11-27';

const read = (id: string, json: unknown = RECORDED[id]) => {
  const source = LIST_SOURCES.find((one) => one.id === id);
  if (!source) throw new Error(`no source ${id}`);
  return source.read(json);
};
const shown = (listings: readonly Listing[]) =>
  listings.map(
    ({ provider, offer, input, output }) => `${provider}/${offer} ${formatDollars(input)}/${formatDollars(output)}`,
  );

describe('the sources', () => {
  it('are https, and known to sources.json', () => {
    for (const { id, url } of LIST_SOURCES) {
      expect(url).toMatch(/^https:\/\//);
      expect(sourceNames).toHaveProperty([id]);
    }
  });

  it.each<[string, string[]]>([
    [
      'together-api',
      [
        'together/openai/gpt-oss-120b 0.15/0.6',
        'together/meta-llama/Llama-3.3-70B-Instruct-Turbo 1.04/1.04',
        'together/moonshotai/Kimi-K3 3/15',
        'together/zai-org/GLM-5.3 1.4/4.4',
        'together/meta-llama/Llama-Guard-4-12B 0.2/0.2',
      ],
    ],
    [
      'portkey-together',
      [
        'together/openai/gpt-oss-120b 0.15/0.6',
        'together/meta-llama/Llama-3.3-70B-Instruct-Turbo 0.88/0.88',
        'together/MiniMaxAI/MiniMax-M2.5 300/1200',
        'together/togethercomputer/llama-2-70b 0.9/0.9',
      ],
    ],
    [
      'litellm',
      [
        'bedrock/meta.llama3-8b-instruct-v1:0 0.3/0.6',
        'bedrock/meta.llama3-70b-instruct-v1:0 2.65/3.5',
        'bedrock/meta.llama3-1-70b-instruct-v1:0 0.99/0.99',
        'bedrock/mistral.mistral-7b-instruct-v0:2 0.15/0.2',
        'bedrock/qwen.qwen3-coder-480b-a35b-v1:0 0.22/1.8',
        'bedrock/zai.glm-5 1/3.2',
        'replicate/meta/llama-2-70b-chat 0.65/2.75',
        'replicate/meta/meta-llama-3-8b-instruct 0.05/0.25',
        'replicate/openai/gpt-oss-20b 0.09/0.36',
        'together/openai/gpt-oss-120b 0.15/0.6',
        'together/meta-llama/Llama-3.3-70B-Instruct-Turbo 0.88/0.88',
      ],
    ],
    [
      'modelsdev',
      [
        'bedrock/meta.llama3-1-70b-instruct-v1:0 0.72/0.72',
        'bedrock/qwen.qwen3-coder-480b-a35b-v1:0 0.22/1.8',
        'bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0 1.1/5.5',
        'bedrock/zai.glm-5 1/3.2',
        'together/openai/gpt-oss-120b 0.15/0.6',
        'together/meta-llama/Llama-3.3-70B-Instruct-Turbo 0.88/0.88',
      ],
    ],
  ])('%s is read in its own units', (id, expected) => expect(shown(read(id).listings)).toEqual(expected));

  it('genai-prices is read by what its rules spell out, by the price that has begun, and without tiers', () => {
    expect(shown(read('genai-prices').listings)).toEqual([
      'bedrock/amazon.nova-lite-v1:0 0.06/0.24',
      'bedrock/amazon.nova-lite 0.06/0.24',
      'bedrock/google.gemma-3-12b-it 0.09/0.29',
      'bedrock/nvidia.nemotron-nano-9b-v2:0 0.06/0.23',
      'bedrock/nvidia.nemotron-nano-9b-v2 0.06/0.23',
      'bedrock/regional.openai.gpt-5.6-luna 0.22/1.32',
      'bedrock/openai.gpt-5.6-luna 0.22/1.32',
      'bedrock/gpt-5.6-luna 0.22/1.32',
      'bedrock/in.openai.gpt-5.6-luna 0.22/1.32',
      'together/Qwen/Qwen1.5-4B 0.1/0.1',
      'together/Qwen/Qwen1.5-4B-Chat 0.1/0.1',
      'together/meta-llama/Llama-3.3-70B-Instruct-Turbo 0.88/0.88',
    ]);
    const luna = (day: string) =>
      formatDollars(
        readGenaiPrices(genaiPrices, day).listings.find(({ offer }) => offer.includes('luna'))?.input ?? 0n,
      );
    expect([luna('2026-07-29'), luna('2026-07-30')]).toEqual(['1.1', '0.22']);
  });

  it('LiteLLM and models.dev are read in the form of their address and as a part with a word before it', () => {
    expect(read('litellm', { about: 'a part', models: litellm })).toEqual(read('litellm'));
    const { 'amazon-bedrock': bedrock, togetherai } = modelsdev;
    const part = {
      about: 'a part',
      providers: { 'amazon-bedrock': bedrock.models, togetherai: togetherai.models },
    };
    expect(read('modelsdev', part)).toEqual(read('modelsdev'));
  });

  it('cached tokens and ends are read where a list has them', () => {
    const kimi = {
      'together_ai/moonshotai/Kimi-K2.6': {
        litellm_provider: 'together_ai',
        mode: 'chat',
        input_cost_per_token: 1.2e-6,
        output_cost_per_token: 4.5e-6,
        cache_read_input_token_cost: 2e-7,
        deprecation_date: '2026-08-19',
      },
    };
    expect(read('litellm', kimi).listings).toMatchObject([{ cacheRead: parseDollars('0.2'), ends: '2026-08-19' }]);
  });

  it('portkey-bedrock is read without its default, which prices the unknown at zero', () => {
    const { listings } = read('portkey-bedrock');
    expect(listings.filter(({ input }) => input === 0n)).toEqual([]);
    expect(shown(listings)).toContain('bedrock/meta.llama3-8b-instruct-v1:0 0.4/0.6');
  });

  it('aws-models tells what is served, and what is about to end', () => {
    expect(read('aws-models').served?.offers.get('meta.llama3-70b-instruct-v1:0')).toBe('ending');
    expect(read('aws-models').served?.offers.get('zai.glm-5')).toBe('active');
  });
});

describe('a list that has changed its form', () => {
  const renamed = (json: unknown, from: string, to: string): unknown =>
    JSON.parse(JSON.stringify(json).replaceAll(`"${from}"`, `"${to}"`));

  it.each<[string, unknown]>([
    ['together-api', { data: togetherApi }],
    ['together-api', renamed(togetherApi, 'pricing', 'prices')],
    ['together-api', renamed(togetherApi, 'input', 'input_per_mtok')],
    ['together-api', []],
    ['aws-models', renamed(awsModels, 'model_lifecycle_status', 'lifecycle')],
    ['aws-models', renamed(awsModels, 'LEGACY', 'SUNSET')],
    ['aws-models', {}],
    ['portkey-bedrock', renamed(portkeyBedrock, 'request_token', 'input_token')],
    ['portkey-bedrock', renamed(portkeyBedrock, 'USD', 'EUR')],
    ['portkey-bedrock', {}],
    ['litellm', renamed(litellm, 'input_cost_per_token', 'input_cost_per_million')],
    ['litellm', renamed(litellm, 'litellm_provider', 'vendor')],
    ['litellm', []],
    ['genai-prices', renamed(genaiPrices, 'input_mtok', 'input_per_mtok')],
    ['genai-prices', renamed(genaiPrices, 'aws', 'amazon')],
    ['genai-prices', {}],
    ['modelsdev', renamed(modelsdev, 'togetherai', 'together')],
    ['modelsdev', renamed(modelsdev, 'cost', 'price')],
    ['modelsdev', 'nothing'],
  ])('%s is refused (%#)', (id, json) => expect(() => read(id, json)).toThrow());
});

const offerOf = (provider: string, id: string): CatalogOffer => {
  const offer = models()
    .flatMap(({ offers }) => offers)
    .find((one) => one.provider === provider && one.id === id);
  if (!offer) throw new Error(`no offer ${id}`);
  return offer;
};
const GLM = offerOf('bedrock', 'zai.glm-5');
const LLAMA = offerOf('together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo');

/** A book of its own, so that no price that changes one day changes what is tested here. */
const BOOK: readonly PriceRow[] = (
  [
    ['bedrock', 'zai.glm-5', 1_000_000_000n, 3_200_000_000n, 'portkey-bedrock', '2026-08-21'],
    ['bedrock', 'meta.llama3-70b-instruct-v1:0', 2_650_000_000n, 3_500_000_000n, 'aws-cache', '2026-09-03'],
    ['bedrock', 'qwen.qwen3-coder-480b-a35b-v1:0', 450_000_000n, 1_800_000_000n, 'genai-prices', '2026-09-23'],
    ['together', 'openai/gpt-oss-120b', 150_000_000n, 600_000_000n, 'together-docs', '2026-10-09'],
    [
      'together',
      'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      1_040_000_000n,
      1_040_000_000n,
      'together-docs',
      '2026-10-09',
    ],
  ] as const
).map(([provider, offer, input, output, source, checkedAt]) =>
  rowOf(tokens(input, output), { provider, offer, source, checkedAt }),
);
const listed = (provider: string, offer: string) =>
  BOOK.find((row) => row.provider === provider && row.offer === offer);

const says = (
  source: string,
  offer: CatalogOffer,
  input: string,
  output: string,
  authority: Heard['authority'] = 'list',
): Heard => ({
  source,
  authority,
  listings: [{ provider: offer.provider, offer: offer.id, input: parseDollars(input), output: parseDollars(output) }],
});
const verdict = (offer: CatalogOffer, ...heard: Heard[]): Verdict => {
  const [first] = judge([offer], listed, heard, TODAY);
  if (!first) throw new Error('no verdict');
  return first;
};
const reasons = (one: Verdict) => (one.kind === 'held' ? one.reasons.join('; ') : one.kind);

describe('a price', () => {
  it('is confirmed by two lists that agree', () => {
    expect(verdict(GLM, says('portkey-bedrock', GLM, '1', '3.2'), says('litellm', GLM, '1', '3.2'))).toMatchObject({
      kind: 'confirmed',
      source: 'portkey-bedrock',
      refresh: true,
    });
  });

  it('is taken over from two lists that agree, against a third', () => {
    const [a, b, c] = [
      says('portkey-bedrock', GLM, '1.1', '3.2'),
      says('litellm', GLM, '1', '3.2'),
      says('modelsdev', GLM, '1.1', '3.2'),
    ];
    expect(verdict(GLM, a, b, c)).toMatchObject({
      kind: 'changed',
      price: { input: 1_100_000_000n },
      source: 'portkey-bedrock',
    });
  });

  it("is taken over from the provider's own API, whatever the lists say", () => {
    const lists = ['portkey-together', 'litellm', 'modelsdev'].map((id) => says(id, LLAMA, '0.88', '0.88'));
    const own = says('together-api', LLAMA, '1.2', '1.2', 'provider');
    expect(verdict(LLAMA, own, ...lists)).toMatchObject({
      kind: 'changed',
      source: 'together-api',
      price: { input: 1_200_000_000n },
    });
  });

  it('is found under any id of its offer, in a new offer too', () => {
    const { price: _, ...rest } = LLAMA;
    const other = { ...rest, price: null, id: 'new/model', otherIds: [LLAMA.id] };
    expect(verdict(other, says('together-api', LLAMA, '1', '1', 'provider'))).toMatchObject({
      kind: 'changed',
      from: undefined,
    });
  });

  it.each<[string, Heard[], string]>([
    ['one list alone', [says('litellm', GLM, '1.1', '3.2')], 'only one source: litellm 1.1/3.2'],
    ['lists that disagree', [says('a', GLM, '1', '3'), says('b', GLM, '1', '4')], 'sources disagree: a 1/3, b 1/4'],
    [
      'two pairs of lists',
      [says('a', GLM, '1', '3'), says('b', GLM, '1', '4'), says('c', GLM, '1', '3'), says('d', GLM, '1', '4')],
      'sources disagree',
    ],
    [
      'more than 25 %',
      [says('a', GLM, '1.26', '3.2'), says('b', GLM, '1.26', '3.2')],
      'input from 1 to 1.26 is more than 25 %',
    ],
    [
      'ten times',
      [says('a', GLM, '10', '32'), says('b', GLM, '10', '32')],
      'from 1 to 10 is more than 25 %, a unit taken for another?',
    ],
    [
      'a thousandth',
      [says('a', GLM, '0.001', '0.0032'), says('b', GLM, '0.001', '0.0032')],
      'a unit taken for another?',
    ],
    [
      'an output below half of the input',
      [says('a', GLM, '1', '0.4'), says('b', GLM, '1', '0.4')],
      'output costs less than half of input',
    ],
    ['zero', [says('a', GLM, '0', '0'), says('b', GLM, '0', '0')], 'a price of zero'],
    ['a provider that says zero', [says('together-api', GLM, '0', '0', 'provider')], 'a price of zero'],
    [
      'a model that its provider lists no more',
      [
        {
          source: 'aws-models',
          authority: 'provider',
          listings: [],
          served: { provider: 'bedrock', offers: new Map() },
        },
      ],
      'aws-models does not list it any more',
    ],
    [
      'a model that is about to end',
      [
        {
          source: 'aws-models',
          authority: 'provider',
          listings: [],
          served: { provider: 'bedrock', offers: new Map([[GLM.id, 'ending']]) },
        },
        says('a', GLM, '1', '3.2'),
        says('b', GLM, '1', '3.2'),
      ],
      'aws-models says that it is ending',
    ],
  ])('is held for a person: %s', (_name, heard, reason) => expect(reasons(verdict(GLM, ...heard))).toContain(reason));

  it("is held where lists, that copy one another, contradict the provider's own page", () => {
    const lists = ['portkey-together', 'litellm', 'modelsdev'].map((id) => says(id, LLAMA, '0.88', '0.88'));
    expect(reasons(verdict(LLAMA, ...lists))).toContain(
      'lists say 0.88/0.88, the provider (together-docs, 2026-10-09) said otherwise',
    );
  });

  it("that lists confirm stays as old as the provider's own word for it", () => {
    const lists = ['portkey-together', 'litellm'].map((id) => says(id, LLAMA, '1.04', '1.04'));
    expect(verdict(LLAMA, ...lists)).toMatchObject({ kind: 'confirmed', refresh: false });
  });

  it('comes with a note for its row: who says otherwise, or that one list alone says it', () => {
    const two = [says('portkey-bedrock', GLM, '1', '3.2'), says('litellm', GLM, '1', '3.2')];
    expect(verdict(GLM, ...two)).not.toHaveProperty('note');
    expect(verdict(GLM, ...two, says('modelsdev', GLM, '0.9', '3'))).toMatchObject({ note: 'models.dev says 0.9/3.' });
    // The same list as before, with the same price, confirms it; another one alone does not.
    expect(verdict(GLM, says('portkey-bedrock', GLM, '1', '3.2'))).toMatchObject({
      kind: 'confirmed',
      note: 'portkey-bedrock alone.',
    });
    expect(verdict(GLM, says('litellm', GLM, '1', '3.2')).kind).toBe('held');
  });

  it('comes with what sources say of cached tokens and of an end, for a person', () => {
    const heard: Heard[] = [
      {
        source: 'litellm',
        authority: 'list',
        listings: [
          {
            provider: 'bedrock',
            offer: GLM.id,
            input: parseDollars('1'),
            output: parseDollars('3.2'),
            cacheRead: parseDollars('0.26'),
            ends: '2027-01-01',
          },
        ],
      },
      says('modelsdev', GLM, '1', '3.2'),
    ];
    const found = verdict(GLM, ...heard);
    expect(found).toMatchObject({
      kind: 'confirmed',
      besides: [
        'LiteLLM: cached tokens cost 0.26, the book says none',
        'LiteLLM: it ends on 2027-01-01, the catalogue says nothing',
      ],
    });
    expect(report([found])).toContain('\n    LiteLLM: cached tokens cost 0.26, the book says none');
  });

  it('is not looked for where none is: history, hardware by the second', () => {
    const ended = { ...GLM, status: { state: 'retired' } } as const;
    const timed = { ...GLM, billing: 'time' } as const;
    expect(judge([ended, timed], listed, [], TODAY)).toEqual([]);
    expect(verdict(GLM).kind).toBe('unseen');
  });
});

describe('asking', () => {
  const [togetherSource, , portkey] = LIST_SOURCES;
  if (!togetherSource || !portkey) throw new Error('no sources');
  const answering = (status: number, body: unknown) => (): Promise<Response> =>
    Promise.resolve(Response.json(body, { status }));

  it('gives what a source says, with its authority', async () => {
    const heard = await ask(togetherSource, { TOGETHER_API_KEY: 'k' }, answering(200, togetherApi));
    expect(heard).toMatchObject({ source: 'together-api', authority: 'provider', served: { provider: 'together' } });
  });

  it('sends a key only where it is asked for, and leaves a source out without one', async () => {
    const seen: (string | null)[] = [];
    const network = (url: unknown, init?: RequestInit) => {
      seen.push(new Headers(init?.headers).get('authorization'));
      return answering(200, url === portkey.url ? portkeyBedrock : togetherApi)();
    };
    await ask(togetherSource, { TOGETHER_API_KEY: 'k' }, network);
    await ask(portkey, { TOGETHER_API_KEY: 'k' }, network);
    expect(await ask(togetherSource, {}, network)).toBeUndefined();
    expect(seen).toEqual(['Bearer k', null]);
  });

  it('fails for a status that is not good, and for another form', async () => {
    await expect(ask(portkey, {}, answering(404, portkeyBedrock))).rejects.toThrow('it answered 404');
    await expect(ask(portkey, {}, answering(200, {}))).rejects.toThrow('Has the list changed its form?');
  });
});

describe('all recorded answers together', () => {
  const heard = LIST_SOURCES.map(({ id, authority }): Heard => ({ source: id, authority, ...read(id) }));
  const verdicts = judge(
    models().flatMap(({ offers }) => offers),
    listed,
    heard,
    TODAY,
  );
  const kindOf = (name: string) => verdicts.find(({ provider, offer }) => `${provider}/${offer}` === name)?.kind;

  it('come to one verdict for each offer', () => {
    expect(new Set(verdicts.map(({ provider, offer }) => `${provider} ${offer}`)).size).toBe(verdicts.length);
    const expected: Readonly<Record<string, Verdict['kind']>> = {
      'bedrock/zai.glm-5': 'confirmed',
      'together/openai/gpt-oss-120b': 'confirmed',
      'together/meta-llama/Llama-3.3-70B-Instruct-Turbo': 'confirmed',
      'together/meta-llama/Llama-Guard-4-12B': 'changed',
      'bedrock/qwen.qwen3-coder-480b-a35b-v1:0': 'held',
      // Its end is announced, so that nobody needs to be told.
      'bedrock/meta.llama3-70b-instruct-v1:0': 'confirmed',
      'bedrock/openai.gpt-oss-20b-1:0': 'held',
      'together/deepseek-ai/DeepSeek-V4-Pro-0813': 'held',
      'replicate/meta/llama-2-70b-chat': 'held',
      'replicate/openai/gpt-oss-120b': 'unseen',
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, kindOf(name)]))).toEqual(expected);
  });

  it('are reported, what was accepted first', () => {
    const text = report(verdicts);
    expect(text).toMatch(/^Changed, and accepted \(\d+\)\n/);
    expect(text).toContain('  together/meta-llama/Llama-Guard-4-12B: unknown -> 0.2 in, 0.2 out (together-api)\n');
    expect(text).toContain(
      '  bedrock/qwen.qwen3-coder-480b-a35b-v1:0: 0.22 in, 1.8 out\n    input from 0.45 to 0.22 is more than 25 %',
    );
  });
});

describe('what the catalogue lacks', () => {
  const at = (provider: 'bedrock' | 'together', offer: string) => ({ provider, offer, input: 1n, output: 1n });
  const heard: Heard[] = [
    {
      source: 'litellm',
      authority: 'list',
      listings: [
        at('bedrock', 'us.qwen.qwen9-9t'),
        at('bedrock', 'zai.glm-5'),
        at('bedrock', 'global.moonshotai.kimi-k3'),
        at('bedrock', 'anthropic.claude-9'),
        at('together', 'new/model'),
        at('together', 'together-ai-4.1b-8b'),
      ],
    },
    { source: 'modelsdev', authority: 'list', listings: [at('bedrock', 'qwen.qwen9-9t')] },
    { source: 'genai-prices', authority: 'list', loose: true, listings: [at('bedrock', 'qwen.qwen8')] },
  ];

  it('is told: open weights that a list of today offers, under no id of the catalogue', () => {
    const found = unlisted(
      models().flatMap(({ offers }) => offers),
      heard,
    );
    expect(reportUnlisted(found)).toBe(
      'Offered, and not in the catalogue (2)\n  bedrock/qwen.qwen9-9t (litellm, modelsdev)\n  together/new/model (litellm)',
    );
    expect(reportUnlisted([])).toBe('');
  });
});

describe('what is written', () => {
  const text = `[
{"provider": "bedrock", "offer": "zai.glm-5", "validFrom": "2026-07-01", "region": "us", "inputPerMtok": "1", "outputPerMtok": "3.2", "source": "portkey-bedrock", "checkedAt": "2026-08-21"},
{"provider": "bedrock", "offer": "zai.glm-5", "validFrom": "2026-07-01", "region": "us", "tier": "batch", "inputPerMtok": "0.5", "outputPerMtok": "1.6", "source": "aws-cache", "checkedAt": "2026-09-03"},
{"provider": "bedrock", "offer": "zai.glm-5", "validFrom": "2026-07-01", "region": "eu-north-1", "inputPerMtok": "1.1", "outputPerMtok": "3.5", "source": "aws-cache", "checkedAt": "2026-09-03"},
{"provider": "together", "offer": "zai-org/GLM-5", "validFrom": "2026-01-01", "validTo": "2026-06-22", "inputPerMtok": "1", "outputPerMtok": "3.2", "source": "litellm", "checkedAt": "2026-08-01"},
{"provider": "anyscale", "offer": "a", "validFrom": "2024-05-07", "validTo": "2024-05-07", "inputPerMtok": "1", "outputPerMtok": "1", "source": "litellm", "checkedAt": "2026-08-01"}
]
`;
  const price = { input: parseDollars('1.1'), output: parseDollars('3.3') };
  const at = { provider: 'bedrock', offer: 'zai.glm-5' };
  /** Lines of the second text that the first has not. */
  const added = (after: string) =>
    after
      .split('\n')
      .map((line) => line.replace(/,$/, ''))
      .filter((line) => !text.includes(line));

  it('is nothing where nothing is accepted', () => {
    expect(
      apply(
        text,
        [
          { ...at, kind: 'held', reasons: ['x'], price },
          { ...at, kind: 'unseen' },
        ],
        TODAY,
      ),
    ).toBe(text);
    const outranked = { ...at, kind: 'confirmed', price, source: 'litellm', refresh: false } as const;
    expect(apply(text, [outranked], TODAY)).toBe(text);
  });

  it('is a new day where a price is confirmed', () => {
    expect(added(apply(text, [{ ...at, kind: 'confirmed', price, source: 'litellm', refresh: true }], TODAY))).toEqual([
      '{"provider": "bedrock", "offer": "zai.glm-5", "validFrom": "2026-07-01", "region": "us", "inputPerMtok": "1", "outputPerMtok": "3.2", "source": "litellm", "checkedAt": "2026-11-27"}',
    ]);
  });

  it('is the note that the sources leave, and no older one', () => {
    const noted = text.replace('"checkedAt": "2026-08-21"}', '"checkedAt": "2026-08-21", "note": "LiteLLM alone."}');
    const again = { ...at, kind: 'confirmed', price, source: 'litellm', refresh: true } as const;
    expect(apply(noted, [again], TODAY)).not.toContain('"note"');
    expect(apply(noted, [{ ...again, note: 'models.dev says 1/3.' }], TODAY)).toContain(
      '"note": "models.dev says 1/3."',
    );
  });

  it('is for the profile of the US where prices go by profile', () => {
    const profiles = text.replace(
      '"offer": "zai.glm-5", "validFrom": "2026-07-01", "region": "us"',
      '"offer": "us.zai.glm-5", "validFrom": "2026-07-01"',
    );
    const change = { ...at, kind: 'changed', from: undefined, price, source: 'litellm' } as const;
    expect(apply(profiles, [change], TODAY)).toContain(
      '{"provider": "bedrock", "offer": "us.zai.glm-5", "validFrom": "2026-11-27", "inputPerMtok": "1.1"',
    );
  });

  it('is an end and a new row where a price has changed, so that the past keeps its price', () => {
    const change = { ...at, kind: 'changed', from: undefined, price, source: 'litellm' } as const;
    const once = apply(text, [change], TODAY);
    expect(added(once)).toEqual([
      '{"provider": "bedrock", "offer": "zai.glm-5", "validFrom": "2026-07-01", "validTo": "2026-11-26", "region": "us", "inputPerMtok": "1", "outputPerMtok": "3.2", "source": "portkey-bedrock", "checkedAt": "2026-08-21"}',
      '{"provider": "bedrock", "offer": "zai.glm-5", "validFrom": "2026-11-27", "region": "us", "inputPerMtok": "1.1", "outputPerMtok": "3.3", "source": "litellm", "checkedAt": "2026-11-27"}',
    ]);
    expect(apply(once, [change], TODAY)).toBe(once);
  });

  it('is a row behind those of its provider where there was none', () => {
    const fresh: Verdict = {
      provider: 'together',
      offer: 'new/model',
      kind: 'changed',
      from: undefined,
      price,
      source: 'together-api',
    };
    const lines = apply(text, [fresh], TODAY).split('\n');
    const place = lines.findIndex((line) => line.includes('new/model'));
    expect(lines[place - 1]).toContain('"provider": "together"');
    expect(lines[place + 1]).toContain('"provider": "anyscale"');
  });

  it('does not begin a row twice on a day that is over', () => {
    const other = {
      ...at,
      kind: 'changed',
      from: undefined,
      price: { ...price, input: 1n },
      source: 'litellm',
    } as const;
    const later = apply(apply(text, [other], TODAY), [other], '2026-11-28');
    expect(
      added(later).filter((line) => line.includes('"validFrom": "2026-11-27", "validTo": "2026-11-27"')),
    ).toHaveLength(1);
  });
});
