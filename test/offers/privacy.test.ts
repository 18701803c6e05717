import { beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import type { Privacy, Routing } from '../../src/core/index.ts';
import { chat, errorOf, exclusion, loadTokenizers, offerOf, order, provider, sheet, world } from './support.ts';

beforeAll(loadTokenizers);

const KEEPS: Privacy = { noCollection: false, noRetention: false };
const KEEPS_NOTHING: Privacy = { noCollection: true, noRetention: true };

/** Bedrock is known to keep nothing, Together to keep all, and of the own service nobody has said anything. */
const here = (said: readonly (readonly [string, Privacy])[] = []) =>
  world({
    providers: new Map(
      [
        provider('bedrock', { privacy: KEEPS_NOTHING }),
        provider('together', { privacy: KEEPS }),
        provider('anyscale'),
      ].map((one) => [one.id, one]),
    ),
    privacy: new Map(said),
  });
const call = (routing: Routing, model = 'llama-3-8b-instruct') => chat({ models: [model], routing });

describe('a wish for privacy', () => {
  it.each<[string, Routing]>([
    ['provider.zdr', { noRetention: true }],
    ['provider.data_collection', { noCollection: true }],
  ])('%s leaves only what is known to grant it', (field, routing) => {
    expect(order(call(routing), here())).toEqual(['bedrock']);
    expect(exclusion(call(routing), 'anyscale', here())).toMatchObject({ code: 'not_private', param: field });
  });

  it('is a 400 that names it where nobody grants it, not a call', () => {
    const error = errorOf(() => sheet(call({ noRetention: true, only: ['anyscale'] }), here()));
    expect(error.status).toBe(400);
    const alone = world({ providers: new Map([['anyscale', provider('anyscale')]]), services: here().services });
    const named = errorOf(() => sheet(call({ noRetention: true }), alone));
    expect(named.status).toBe(400);
    expect(named.message).toContain('provider.zdr rules out');
    expect(named.message).toContain('CHASQUI_PRIVACY');
  });

  it('is granted where the operator says so, and not where they say otherwise', () => {
    const own = here([['anyscale', KEEPS_NOTHING]]);
    expect(offerOf(call({ noRetention: true }), 'anyscale', own).provider).toBe('anyscale');
    const collected = here([['bedrock', { noCollection: true, noRetention: false }]]);
    expect(
      exclusion(
        call({ noRetention: true }),
        'bedrock',
        here([
          ['bedrock', KEEPS],
          ['anyscale', KEEPS_NOTHING],
        ]),
      )?.code,
    ).toBe('not_private');
    expect(order(call({ noCollection: true }), collected)).toEqual(['bedrock']);
  });

  it('is held against nobody where there is none', () => {
    expect(new Set(order(call({}), here()))).toEqual(new Set(['anyscale', 'bedrock']));
  });
});

describe('CHASQUI_PRIVACY', () => {
  const env = { TOGETHER_API_KEY: 'k', CHASQUI_ADMIN_KEY: 'a' };
  const read = (value: unknown) => readConfig({ ...env, CHASQUI_PRIVACY: value }, fetch);

  it('says what an account keeps; what keeps nothing collects nothing', () => {
    expect(read('{"together": {"zdr": true}}').privacy.get('together')).toEqual(KEEPS_NOTHING);
    expect(read({ together: { data_collection: 'deny' } }).privacy.get('together')).toEqual({
      noCollection: true,
      noRetention: false,
    });
    expect(read('').privacy.size).toBe(0);
  });

  it.each<[string, unknown, string]>([
    ['text that is no JSON', '{', 'CHASQUI_PRIVACY must be a JSON object'],
    ['a provider that is not there', '{"togeter": {"zdr": true}}', 'CHASQUI_PRIVACY.togeter is no provider here'],
    ['a field that is none', '{"together": {"zrd": true}}', 'CHASQUI_PRIVACY.together must be'],
    ['a value that is none', '{"together": {"zdr": "yes"}}', 'CHASQUI_PRIVACY.together must be'],
  ])('%s is a mistake that is told at the start', (_what, value, mistake) => {
    expect(read(value).mistakes.join(' ')).toContain(mistake);
  });
});
