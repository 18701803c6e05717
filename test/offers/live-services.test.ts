import { describe, expect, it } from 'vitest';
import { GatewayError, type ServiceOffer } from '../../src/core/index.ts';
import { liveServices } from '../../src/offers/index.ts';
import { registry } from '../support/providers.ts';

const offer = (model: string, more: Partial<ServiceOffer> = {}): ServiceOffer => ({
  provider: 'mine',
  service: 'mine',
  model,
  upstream: model,
  price: { known: false },
  ...more,
});

/** A server that lists what `answer` says, an isolate that asks it, and a clock. */
function isolate(answer: () => readonly ServiceOffer[] | Promise<readonly ServiceOffer[]>) {
  let now = 0;
  let asked = 0;
  const left: Promise<void>[] = [];
  const services = liveServices({
    registry,
    offers: [offer('fixed', { provider: 'other', service: 'other' }), offer('named')],
    discoveries: [
      {
        provider: 'mine',
        service: 'mine',
        list: async () => {
          asked++;
          return answer();
        },
      },
    ],
    background: (work) => void left.push(work),
    now: () => now,
    sleep: () => new Promise((resolve) => setTimeout(resolve)),
  });
  return {
    services,
    asked: () => asked,
    names: () => services.offers().map(({ model }) => model),
    later: (ms: number) => {
      now += ms;
    },
    settle: () => Promise.all(left.splice(0)),
  };
}

const loading = () => {
  throw new GatewayError('provider_unavailable', 'mine is not available at the moment.');
};

describe('models that a server lists', () => {
  it('are there at the first call, beside those of other services', async () => {
    const { services, names } = isolate(() => [offer('named'), offer('listed')]);
    expect(names()).toEqual(['fixed', 'named']);
    await services.ready();
    expect(names()).toEqual(['fixed', 'named', 'listed']);
  });

  it('are read again after a minute, while nobody waits, and stay the same list if they are the same', async () => {
    let models = ['a'];
    let opened: Promise<void> = Promise.resolve();
    const { services, asked, names, later, settle } = isolate(async () => {
      await opened;
      return models.map((model) => offer(model));
    });
    await services.ready();
    const before = services.offers();
    later(61_000);
    await services.ready();
    await settle();
    expect(asked()).toBe(2);
    expect(services.offers()).toBe(before);
    models = ['b'];
    let open: () => void = () => undefined;
    opened = new Promise((resolve) => {
      open = resolve;
    });
    later(61_000);
    await services.ready();
    expect(names()).toEqual(['fixed', 'a']);
    open();
    await settle();
    expect(names()).toEqual(['fixed', 'b']);
  });

  it('stay as they were while the server cannot be asked', async () => {
    let up = true;
    const { services, names, later, settle } = isolate(() => (up ? [offer('a')] : loading()));
    await services.ready();
    up = false;
    later(61_000);
    await services.ready();
    await settle();
    expect(names()).toEqual(['fixed', 'a']);
    expect(services.unread()).toEqual([]);
  });

  it('are waited for once; a server that is down costs the next call nothing, and is asked again behind its back', async () => {
    let up = false;
    const { services, asked, names, later, settle } = isolate(() => (up ? [offer('a')] : loading()));
    await services.ready();
    expect(services.unread()).toMatchObject([{ service: 'mine', error: { code: 'provider_unavailable' } }]);
    // What the configuration names can be called all the same.
    expect(names()).toEqual(['fixed', 'named']);
    await services.ready();
    expect(asked()).toBe(1);
    up = true;
    later(3_000);
    await services.ready();
    await settle();
    expect(names()).toEqual(['fixed', 'a']);
    expect(services.unread()).toEqual([]);
  });

  it('are asked for again where a name is not known, but not by every call', async () => {
    const { services, asked, later } = isolate(() => []);
    await services.ready();
    await services.again();
    expect(asked()).toBe(1);
    later(3_000);
    await services.again();
    expect(asked()).toBe(2);
  });

  it('are not waited for beyond a few seconds', async () => {
    const { services, names } = isolate(() => new Promise(() => undefined));
    await services.ready();
    expect(names()).toEqual(['fixed', 'named']);
  });

  it('are recognised by what they were loaded from, under whatever name', async () => {
    const { services } = isolate(() => [
      offer('my-alias', { weights: 'meta-llama/Llama-3.3-70B-Instruct' }),
      offer('set-by-hand', { weights: 'meta-llama/Llama-3.3-70B-Instruct', family: 'chatml', contextLength: 8192 }),
      offer('nobody', { weights: '/models/nobody' }),
    ]);
    await services.ready();
    const [, alias, byHand, nobody] = services.offers();
    expect(alias).toMatchObject({ family: 'llama-3.3', contextLength: 131072, capabilities: { vision: false } });
    expect(byHand).toMatchObject({ family: 'chatml', contextLength: 8192 });
    expect(nobody).not.toHaveProperty('family');
  });
});
