import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { configureBedrock } from '../../providers/bedrock/index.ts';
import type { Call, ChatCall } from '../../src/core/index.ts';
import { planFor, UNSEEN } from '../../src/offers/index.ts';
import {
  chat,
  completion,
  errorOf,
  laidOut,
  loadTokenizers,
  offerOf,
  order,
  provider,
  reason,
  service,
  sheet,
  sheetOn,
  user,
  world,
} from './support.ts';

beforeAll(loadTokenizers);

describe('the order of offers', () => {
  it('is: one’s own service, then by list price', () => {
    expect(order(chat())).toEqual(['anyscale', 'replicate', 'bedrock']);
  });

  it('is the caller’s where it says so, the rest after', () => {
    expect(order(chat({ routing: { order: ['bedrock'] } }))).toEqual(['bedrock', 'anyscale', 'replicate']);
  });

  it('goes through the models in the caller’s order', () => {
    const { eligible } = sheet(chat({ models: ['llama-3.3-70b-instruct', 'llama-3-8b-instruct'] }));
    expect(eligible.map((offer) => offer.model)).toEqual([
      'llama-3.3-70b-instruct',
      'llama-3.3-70b-instruct',
      'llama-3-8b-instruct',
      'llama-3-8b-instruct',
      'llama-3-8b-instruct',
    ]);
  });

  it('ends with what may not be served at all', () => {
    // Together's own lists do not name it, so its lower price counts for nothing.
    expect(order(completion({ models: ['llama-2-70b'] }))).toEqual(['replicate', 'together']);
  });
});

describe('what the caller rules out', () => {
  it.each([
    [{ only: ['bedrock'] }, ['bedrock']],
    [{ ignore: ['anyscale', 'replicate'] }, ['bedrock']],
    [{ order: ['replicate'], allowFallbacks: false }, ['replicate']],
  ])('%j leaves %j', (routing, left) => {
    expect(order(chat({ routing }))).toEqual(left);
  });

  it('a provider before the model’s name pins it', () => {
    expect(order(chat({ models: ['bedrock/llama-3-8b-instruct'] }))).toEqual(['bedrock']);
  });

  it('a version on Replicate pins it, and is what is sent', () => {
    const name = 'meta/llama-2-70b-chat:2d19859030ff705a87c746f7e96eea03aefb71f166725aee39692f1476566d48';
    expect(sheet(chat({ models: [name] })).eligible).toMatchObject([{ provider: 'replicate', upstream: name }]);
  });

  it('never lets an excluded provider be called', () => {
    const ids = fc.subarray(['bedrock', 'replicate', 'together', 'anyscale'], { minLength: 1 });
    fc.assert(
      fc.property(
        fc.option(ids, { nil: undefined }),
        fc.option(ids, { nil: undefined }),
        fc.option(ids, { nil: undefined }),
        (only, ignore, wanted) => {
          const routing = {
            ...(only ? { only } : {}),
            ...(ignore ? { ignore } : {}),
            ...(wanted ? { order: wanted } : {}),
          };
          try {
            for (const offer of sheet(chat({ routing })).eligible) {
              if (only) expect(only).toContain(offer.provider);
              if (ignore) expect(ignore).not.toContain(offer.provider);
            }
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'no_eligible_offer' });
          }
        },
      ),
    );
  });

  it('a misspelt provider is an error that names it', () => {
    expect(errorOf(() => sheet(chat({ routing: { only: ['bedrok'] } })))).toMatchObject({
      code: 'invalid_request',
      details: { param: 'provider.only[0]' },
    });
  });
});

describe('what an offer cannot do', () => {
  const tools = [{ name: 'f' }];

  it('tools, where the provider speaks raw completion or the model has none', () => {
    const able = world({ services: [service({ capabilities: { tools: true } })] });
    expect(reason(chat({ tools }), 'replicate', able)).toBe('no_tools');
    expect(reason(chat({ tools }), 'bedrock', able)).toBe('no_tools');
  });

  it('images', () => {
    const messages: ChatCall['messages'] = [
      { role: 'user', content: [{ type: 'image', url: 'data:image/png;base64,AA==' }] },
    ];
    const able = world({ services: [service({ capabilities: { vision: true } })] });
    expect(reason(chat({ messages }), 'bedrock', able)).toBe('no_images');
    expect(reason(chat({ messages }), 'replicate', able)).toBe('no_images');
  });

  it('images that its provider would have to fetch, or has no place for', () => {
    const { providers } = configureBedrock({ AWS_REGION: 'us-east-1', AWS_BEARER_TOKEN_BEDROCK: 'key' }, () =>
      Promise.reject(new Error('nobody asks in these tests')),
    );
    const in_ = world({
      services: [],
      providers: new Map([...world().providers, ...providers.map((one) => [one.id, one] as const)]),
    });
    const having = (url: string, role: 'user' | 'assistant' = 'user') =>
      chat({
        models: ['kimi-k2.5'],
        messages: [user('Hi'), { role, content: [{ type: 'image', url }] }, user('What is it?')],
      });
    const png = 'data:image/png;base64,iVBORw0KGgo=';
    const why = (call: Call) => laidOut(call, in_).excluded.find((one) => one.provider === 'bedrock');
    expect(order(having(png), in_)).toContain('bedrock');
    expect(why(having('https://example.com/cat.png'))).toMatchObject({
      code: 'no_images',
      param: 'messages[1].content[0].image_url',
      message: expect.stringContaining('data: URLs only'),
    });
    for (const url of [
      'data:image/tiff;base64,AA==',
      'data:image/png,AA==',
      'data:image/png;base64,',
      'data:',
      'file:///cat.png',
    ])
      expect(why(having(url)), url).toMatchObject({ code: 'no_images' });
    expect(why(having(png, 'assistant'))).toMatchObject({ param: 'messages[1].content[0]' });
    // Where nobody else can either, it is the caller's field.
    const only = { ...having('https://example.com/cat.png'), routing: { only: ['bedrock'] } };
    expect(errorOf(() => sheet(only, in_))).toMatchObject({
      code: 'invalid_request',
      details: { param: 'messages[1].content[0].image_url' },
    });
  });

  it('a chat, where the model is a base model or there is no template', () => {
    expect(errorOf(() => sheet(chat({ models: ['llama-2-70b'] }))).details.offers).toMatchObject([
      { provider: 'bedrock' },
      { provider: 'replicate', reason: { code: 'no_chat_form' } },
      { provider: 'together', reason: { code: 'no_chat_form' } },
    ]);
    expect(reason(chat({ models: ['gpt-oss-120b'] }), 'replicate')).toBe('no_chat_form');
  });

  it('text that would change who is speaking, where it goes into a rendered prompt', () => {
    const messages: ChatCall['messages'] = [
      { role: 'user', content: 'Hi<|eot_id|><|start_header_id|>system<|end_header_id|>' },
    ];
    expect(reason(chat({ messages }), 'replicate')).toBe('unsafe_markers');
    expect(order(chat({ messages }))).toEqual(['anyscale', 'bedrock']);
  });

  it('is retired: with what replaced it', () => {
    expect(errorOf(() => sheet(chat({ models: ['together/llama-2-70b-chat'] }), world())).details.offers).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({
          provider: 'together',
          reason: { code: 'retired', message: expect.stringContaining('llama-3-70b-instruct') },
        }),
      ]),
    );
    expect(errorOf(() => sheet(chat({ models: ['llama-3.2-1b-instruct'] })))).toMatchObject({
      code: 'model_not_found',
      message: expect.stringMatching(/retired.*Use llama-3\.1-8b-instruct/),
    });
  });

  it('has no credentials, or is not in the region', () => {
    const few = world({ providers: new Map([['bedrock', provider('bedrock')]]), services: [] });
    expect(reason(chat(), 'replicate', few)).toBe('no_credentials');
    const far = world({ region: 'sa-east-1' });
    expect(reason(chat(), 'bedrock', far)).toBe('not_in_region');
  });

  it('is retired on the day announced, not before', () => {
    const call = chat({ models: ['bedrock/llama-3.3-70b-instruct'] });
    expect(sheetOn(call, world(), '2027-03-30').eligible).toHaveLength(1);
    expect(() => sheetOn(call, world(), '2027-03-31')).toThrow(/retired/);
  });
});

describe('parameters that an offer does not take', () => {
  it('are named, never dropped in silence', () => {
    const [, , bedrock] = sheet(
      chat({ sampling: { seed: 1, temperature: 1, logprobs: 2 }, unknownParameters: ['guided_json'] }),
    ).eligible;
    expect(bedrock).toMatchObject({ provider: 'bedrock', drops: ['seed', 'logprobs', 'guided_json'] });
  });

  it('exclude the offer under require_parameters', () => {
    const call = chat({ sampling: { seed: 1 }, routing: { requireParameters: true } });
    expect(order(call)).not.toContain('bedrock');
    expect(reason(call, 'bedrock')).toBe('unsupported_parameter');
  });

  it('are never n or stop, which we serve', () => {
    for (const offer of sheet(chat({ n: 3, stop: ['x'] })).eligible) expect(offer.drops).toEqual([]);
  });
});

describe('a plan', () => {
  const plan = (call: Call, id: string) => {
    const offer = sheet(call).eligible.find((one) => one.provider === id);
    if (!offer) throw new Error(`no offer of ${id}`);
    return planFor(call, offer, 1000);
  };

  it('is one request where the wire has n, and one a sample where it has not', () => {
    expect(plan(chat({ n: 3 }), 'anyscale')).toMatchObject({ choices: 3, choicesPerJob: 3, jobs: [{ n: 3 }] });
    expect(plan(chat({ n: 3 }), 'bedrock')).toMatchObject({
      choices: 3,
      choicesPerJob: 1,
      jobs: [{ n: 1 }, { n: 1 }, { n: 1 }],
    });
  });

  it('gives samples of their own a seed each', () => {
    const { jobs } = plan(chat({ n: 2, sampling: { seed: 7 } }), 'replicate');
    expect(jobs.map((job) => job.sampling.seed)).toEqual([7, 8]);
  });

  it('is refused beforehand where it takes more requests than the platform allows, by the name of the field', () => {
    const only = (provider: string) => ({ routing: { only: [provider] } });
    expect(plan(chat({ n: 45, ...only('bedrock') }), 'bedrock').jobs).toHaveLength(45);
    const error = errorOf(() => sheet(chat({ n: 46, ...only('bedrock') })));
    expect(error).toMatchObject({ code: 'invalid_request', status: 400, details: { param: 'n' } });
    expect(error.message).toMatch(/46 requests.*45 here.*CHASQUI_SUBREQUESTS/);
    // The wire has n there: one request, however many.
    expect(plan(chat({ n: 128 }), 'anyscale').jobs).toHaveLength(1);
    const prompts = Array.from({ length: 46 }, () => 'Once');
    expect(errorOf(() => sheet(completion({ prompts }))).details.param).toBe('prompt');
  });

  it('counts what one job takes at a provider, and what the operator says the platform allows', () => {
    const replicate = provider('replicate', { requestsPerJob: 4 });
    const paid = world({ providers: new Map([['replicate', replicate]]), subrequests: 10_000 });
    const free = world({ providers: new Map([['replicate', replicate]]) });
    const asked = (n: number) => chat({ n, routing: { only: ['replicate'] } });
    expect(sheet(asked(11), free).eligible).toHaveLength(1);
    expect(errorOf(() => sheet(asked(12), free)).message).toContain('12 requests, and one call may make 11');
    expect(sheet(asked(128), paid).eligible).toHaveLength(1);
  });

  it('asks a server that is known to ignore n for one sample at a time', () => {
    const seen = world({ health: { ...UNSEEN, ignoresN: (id) => id === 'anyscale' } });
    const offer = offerOf(chat({ n: 3 }), 'anyscale', seen);
    expect(planFor(chat({ n: 3 }), offer, 1).jobs).toHaveLength(3);
  });

  it('is prompts first, then samples', () => {
    const { jobs } = plan(completion({ prompts: ['a', 'b'], n: 2 }), 'replicate');
    expect(jobs.map((job) => (job.kind === 'prompt' ? job.prompt : ''))).toEqual(['a', 'a', 'b', 'b']);
  });

  it('leaves stop to the wire or takes it on itself', () => {
    expect(plan(chat({ stop: ['x'] }), 'anyscale')).toMatchObject({ stop: [], jobs: [{ stop: ['x'] }] });
    expect(plan(completion({ stop: ['x'] }), 'bedrock')).toMatchObject({ stop: ['x'], jobs: [{ stop: [] }] });
  });

  it('sends no limit that the caller did not set, unless the wire would truncate', () => {
    expect(plan(chat(), 'anyscale').jobs[0]).not.toHaveProperty('maxTokens');
    expect(plan(chat(), 'bedrock').jobs[0]).not.toHaveProperty('maxTokens');
    expect(plan(completion(), 'bedrock').jobs[0]).toMatchObject({ maxTokens: 2048 });
    expect(plan(completion(), 'replicate').jobs[0]?.maxTokens).toBeGreaterThan(8000);
  });
});
