import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { bundledBook, layered, models } from '../../src/catalog/index.ts';
import { readRouting } from '../../src/dialects/openai/index.ts';
import { readRoutes } from '../../src/offers/index.ts';
import { rowOf } from '../catalog/rows.ts';
import { offerKey, registry } from '../support/providers.ts';
import { chat, errorOf, loadTokenizers, offerOf, order, provider, reason, service, sheet, world } from './support.ts';

beforeAll(loadTokenizers);

const GPT = { models: ['gpt-oss-120b'] };
const bare = world({ services: [] });

describe('a provider by OpenRouter’s name', () => {
  it.each([
    ['together', ['Together', 'together', 'TOGETHER', 'Together AI', 'together-ai', 'togetherai']],
    ['bedrock', ['amazon-bedrock', 'Amazon Bedrock', 'bedrock', 'Bedrock', 'AWS Bedrock']],
  ])('is %s, in order, only and ignore alike', (id, names) => {
    for (const name of names) {
      expect(order(chat({ ...GPT, routing: { order: [name] } }), bare)[0], name).toBe(id);
      expect(order(chat({ ...GPT, routing: { only: [name] } }), bare), name).toEqual([id]);
      expect(reason(chat({ ...GPT, routing: { ignore: [name] } }), id, bare), name).toBe('not_allowed');
    }
  });

  it.each(['Replicate', 'anyscale', 'Anyscale'])('%s is known', (name) =>
    expect(order(chat({ ...GPT, routing: { order: [name] } }), bare).length).toBeGreaterThan(0),
  );

  it('may be that of a service of one’s own, whose own id comes first', () => {
    const own = world({
      services: [
        service({ provider: 'deepinfra', model: 'gpt-oss-120b' }),
        service({ provider: 'my-vllm', model: 'gpt-oss-120b' }),
      ],
      providers: new Map([...bare.providers, ...['deepinfra', 'my-vllm'].map((id) => [id, provider(id)] as const)]),
    });
    expect(order(chat({ ...GPT, routing: { only: ['DeepInfra'] } }), own)).toEqual(['deepinfra']);
    expect(order(chat({ ...GPT, routing: { only: ['My VLLM'] } }), own)).toEqual(['my-vllm']);
  });

  it('of those that are not here is left out, and said where that was a wish', () => {
    const routing = { order: ['deepinfra/turbo', 'together'], ignore: ['Azure'] };
    const call = chat({ ...GPT, routing });
    expect(order(call, bare)[0]).toBe('together');
    expect(offerOf(call, 'together', bare).drops).toEqual(['provider.order[0] (no deepinfra/turbo here)']);
    // It is nothing that an offer could serve better.
    expect(order(chat({ ...GPT, routing: { ...routing, requireParameters: true } }), bare)[0]).toBe('together');
    expect(order(chat({ ...GPT, routing: { only: ['Fireworks', 'together'] } }), bare)).toEqual(['together']);
  });

  it.each(['order', 'only', 'ignore'] as const)(
    'one that is here, with a variant in %s, is all of it, and that is said',
    (field) => {
      const call = chat({ ...GPT, routing: { [field]: ['Together/fp8', 'deepinfra/turbo'] } });
      const providers = order(call, bare);
      if (field === 'ignore') expect(providers).not.toContain('together');
      else expect(providers[0]).toBe('together');
      if (field === 'only') expect(providers).toEqual(['together']);
      const [first] = sheet(call, bare).eligible;
      expect(first?.drops[0]).toBe(`provider.${field}[0] (Together/fp8 is all of together here)`);
      expect(() => order(chat({ ...GPT, routing: { [field]: ['togther/fp8'] } }), bare)).toThrow(/togther/);
    },
  );

  it('leaves nothing to choose from where only names none that is here: a 400 that says who is', () => {
    const error = errorOf(() => sheet(chat({ ...GPT, routing: { only: ['Fireworks'] } }), bare));
    expect(error).toMatchObject({ code: 'invalid_request', details: { param: 'provider.only' } });
    expect(error.message).toContain('There are bedrock, replicate, together, anyscale');
  });

  it('that nobody knows is a slip, and a 400 that names the field', () => {
    for (const field of ['order', 'only', 'ignore'] as const) {
      const error = errorOf(() => sheet(chat({ ...GPT, routing: { [field]: ['together', 'togehter'] } }), bare));
      expect(error).toMatchObject({ code: 'invalid_request', details: { param: `provider.${field}[1]` } });
    }
  });

  it('is understood in a route’s defaults, which name nobody who is not here', () => {
    const read = (order: string[]) =>
      readRoutes({ cheap: { models: ['gpt-oss-120b'], provider: { order } } }, 'CHASQUI_ROUTES', {
        registry,
        services: [],
        providers: [],
        routing: readRouting,
      });
    expect(read(['Amazon Bedrock']).routes.get('cheap')?.targets[0]?.routing.order).toEqual(['bedrock']);
    expect(read(['DeepInfra']).mistakes).toEqual([
      expect.stringContaining('CHASQUI_ROUTES.cheap.provider.order[0]: there is no provider "DeepInfra" here.'),
    ]);
  });
});

describe('a variant of a model', () => {
  it(':free takes the offers that cost nothing, and says why not the others', () => {
    const services = [service({ model: 'gpt-oss-120b' })];
    const call = chat({ models: ['gpt-oss-120b:free'] });
    const row = { provider: 'anyscale', offer: offerKey('anyscale', 'my-llama', 'mine') } as const;
    const rate = { kind: 'token', input: 0n, output: 0n } as const;
    const prices = layered(bundledBook(), [rowOf(rate, { id: 'free@test', layer: 'configuration', ...row })]);
    const own = world({ services, prices });
    expect(order(call, own)).toEqual(['anyscale']);
    expect(reason(call, 'together', own)).toBe('over_max_price');
  });

  it.each([':online', ':thinking', ':extended', ':exacto'])('%s is none of ours, which the error says', (suffix) => {
    const error = errorOf(() => sheet(chat({ models: [`gpt-oss-120b${suffix}`] }), bare));
    expect(error.code).toBe('model_not_found');
    expect(error.message).toContain(`There is no ${suffix} here, but :floor, :nitro, :free`);
  });

  it('is none where a model of one’s own is called so', () => {
    const own = world({ services: [service({ model: 'llama-3.3:free', upstream: 'x' })] });
    expect(order(chat({ models: ['llama-3.3:free'] }), own)).toEqual(['anyscale']);
    expect(order(chat({ models: ['llama-3.3:free:floor'] }), own)).toEqual(['anyscale']);
  });
});

describe('a model of one’s own', () => {
  it('is found in any case, by any name of the same weights, and pinned by its provider', () => {
    const own = world({
      services: [
        service({ model: 'My-Model', upstream: 'Up/Stream' }),
        service({ model: 'meta-llama/Llama-3.3-70B-Instruct', upstream: 'l33' }),
      ],
    });
    for (const name of ['my-model', 'MY-MODEL', 'anyscale/my-model', 'Anyscale/up/stream'])
      expect(order(chat({ models: [name] }), own), name).toEqual(['anyscale']);
    expect(order(chat({ models: ['llama-3.3-70b-instruct'] }), own)).toContain('anyscale');
  });

  it('is another where two names differ by case alone', () => {
    const own = world({
      services: [service({ model: 'Mine', upstream: 'a' }), service({ model: 'mine', upstream: 'b' })],
    });
    const upstreams = (name: string) => sheet(chat({ models: [name] }), own).eligible.map(({ upstream }) => upstream);
    expect(upstreams('Mine')).toEqual(['a']);
    expect(upstreams('mine')).toEqual(['b']);
    expect(errorOf(() => upstreams('MINE')).code).toBe('model_not_found');
  });
});

describe('what looking a model up costs', () => {
  /** Counts every look at a service. */
  function counted(count: number) {
    let looks = 0;
    const services = Array.from({ length: count }, (_, n) => {
      const offer = service({ service: `s${n}`, model: `model-${n}`, upstream: `up-${n}`, provider: `p${n}` });
      return new Proxy(offer, {
        get(target, key, receiver) {
          looks++;
          return Reflect.get(target, key, receiver);
        },
      });
    });
    const providers = new Map(services.map(({ provider: id }) => [id, provider(id)] as const));
    const in_ = world({ services, providers });
    const look = (name: string): number => {
      sheet(chat({ models: [name] }), in_);
      looks = 0;
      sheet(chat({ models: [name] }), in_);
      return looks;
    };
    return look;
  }

  it('is with 1,000 configured models what it is with one', () => {
    expect(counted(1000)('model-0')).toBe(counted(1)('model-0'));
    expect(counted(1000)('p999/model-999')).toBe(counted(1)('p0/model-0'));
  });

  it('compares a name with the catalogue’s for an error alone', () => {
    const own = world({ services: [service({ model: 'my-own' })] });
    // Comparing two names begins with what stands after the last slash of each.
    const compared = vi.spyOn(String.prototype, 'lastIndexOf');
    sheet(chat({ models: ['my-own'] }), own);
    expect(compared.mock.calls.length).toBeLessThan(5);
    expect(errorOf(() => sheet(chat({ models: ['gpt-oss-120'] }), own)).message).toContain('Did you mean gpt-oss-120b');
    expect(compared.mock.calls.length).toBeGreaterThan(models().length / 2);
    compared.mockRestore();
  });
});

it('the look-up of names ends, whatever they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (name) => {
      expect(['model_not_found']).toContain(errorOf(() => sheet(chat({ models: [`x${name}y`] }), bare)).code);
    }),
    { numRuns: 100 },
  );
});
