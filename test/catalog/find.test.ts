import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { models } from '../../src/catalog/index.ts';
import { findModel, PROVIDER_IDS, providerNames } from '../support/providers.ts';

const found = (name: string, own: readonly string[] = []) => findModel(name, providerNames([...PROVIDER_IDS, ...own]));
const idOf = (name: string, own?: readonly string[]) => {
  const match = found(name, own);
  return match.kind === 'model' ? match.model.id : undefined;
};
const pinOf = (name: string, own?: readonly string[]) => {
  const match = found(name, own);
  return match.kind === 'model' ? match.pin : undefined;
};

const HASH = '2d19859030ff705a87c746f7e96eea03aefb71f166725aee39692f1476566d48';
const listed = models().flatMap((model) =>
  [
    model.id,
    ...model.aliases,
    ...model.openrouter,
    ...model.offers.flatMap((offer) => [offer.id, ...offer.otherIds]),
  ].map((name) => ({
    name,
    id: model.id,
  })),
);
const folds = new Map<string, Set<string>>();
for (const { name, id } of listed) folds.set(name.toLowerCase(), (folds.get(name.toLowerCase()) ?? new Set()).add(id));

describe('a name that is listed', () => {
  it('finds its model and leaves the provider open', () => {
    for (const { name, id } of listed) expect(findModel(name), name).toMatchObject({ kind: 'model', model: { id } });
    for (const { name } of listed) expect(pinOf(name), name).toBeUndefined();
  });

  it.each([
    ['llama-2-70b-chat', 'llama-2-70b-chat'],
    ['meta-llama/Llama-2-70b-chat-hf', 'llama-2-70b-chat'],
    ['meta/llama-2-70b-chat', 'llama-2-70b-chat'],
    ['meta.llama2-70b-chat-v1', 'llama-2-70b-chat'],
    ['meta.llama2-13b-chat-v1', 'llama-2-13b-chat'],
    ['codellama/CodeLlama-34b-hf', 'codellama-34b'],
    ['codellama/CodeLlama-70b-Instruct-hf', 'codellama-70b-instruct'],
    ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'llama-3.3-70b-instruct'],
    ['meta.llama3-3-70b-instruct-v1:0', 'llama-3.3-70b-instruct'],
    ['openai/gpt-oss-120b', 'gpt-oss-120b'],
  ])('%s is %s', (name, id) => expect(idOf(name)).toBe(id));
});

describe('a name in another case', () => {
  /** Letter by letter, by the bits of a number. */
  const recased = (name: string, bits: number): string =>
    [...name].map((letter, at) => ((bits >> (at % 31)) & 1 ? letter.toUpperCase() : letter.toLowerCase())).join('');

  it('finds the model of its letters, unless two models’ names differ by case alone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...listed), fc.nat(), ({ name }, bits) => {
        const other = recased(name, bits);
        const exact = listed.find((one) => one.name === other);
        const meant = folds.get(name.toLowerCase()) ?? new Set();
        expect(idOf(other)).toBe(exact?.id ?? (meant.size === 1 ? [...meant][0] : undefined));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['meta-llama/llama-3.3-70b-instruct', 'llama-3.3-70b-instruct'],
    ['META-LLAMA/LLAMA-3.3-70B-INSTRUCT', 'llama-3.3-70b-instruct'],
    ['GPT-OSS-120B', 'gpt-oss-120b'],
    ['openai/GPT-oss-120b', 'gpt-oss-120b'],
  ])('%s is %s', (name, id) => expect(idOf(name)).toBe(id));

  it.each(['Together/GPT-OSS-120b', 'TOGETHER/gpt-oss-120b', 'together ai/gpt-oss-120b'])(
    '%s pins the provider it names',
    (name) => expect(findModel(name)).toMatchObject({ model: { id: 'gpt-oss-120b' }, pin: { provider: 'together' } }),
  );
});

describe('a slug of OpenRouter', () => {
  it.each([
    ['meta-llama/llama-3.3-70b-instruct', 'llama-3.3-70b-instruct'],
    ['meta-llama/llama-3.1-8b-instruct', 'llama-3.1-8b-instruct'],
    ['meta-llama/llama-3-70b-instruct', 'llama-3-70b-instruct'],
    ['deepseek/deepseek-r1', 'deepseek-r1'],
    ['deepseek/deepseek-chat-v3.1', 'deepseek-v3.1'],
    ['mistralai/mixtral-8x7b-instruct', 'mixtral-8x7b-instruct-v0.1'],
    ['qwen/qwen3-32b', 'qwen3-32b'],
    ['openai/gpt-oss-120b', 'gpt-oss-120b'],
    ['moonshotai/kimi-k2.5', 'kimi-k2.5'],
    ['z-ai/glm-5', 'glm-5'],
  ])('%s is %s, of whichever provider', (name, id) => {
    expect(idOf(name)).toBe(id);
    expect(pinOf(name)).toBeUndefined();
  });

  it('may be pinned, by OpenRouter’s name of the provider', () => {
    expect(findModel('amazon-bedrock/openai/gpt-oss-120b')).toMatchObject({
      model: { id: 'gpt-oss-120b' },
      pin: { provider: 'bedrock' },
    });
  });
});

describe('a name of Replicate with a version', () => {
  it.each([
    [`meta/llama-2-70b-chat:${HASH}`, 'llama-2-70b-chat'],
    ['meta/llama-2-13b-chat:f4e2de70d66816a838a89eeeb621910adffb0dd0baba3976c96980970978018d', 'llama-2-13b-chat'],
    ['meta/codellama-34b:67942fd0f55b66da802218a19a8f0e1d73095473674061a6ea19f2dc8c053152', 'codellama-34b'],
  ])("pins Replicate and that version, as the guide's %s does", (name, id) => {
    expect(findModel(name)).toMatchObject({
      kind: 'model',
      model: { id },
      pin: { provider: 'replicate', upstream: name },
    });
  });

  it('may be a version that is in no list', () => {
    const name = `meta/codellama-70b:${'0'.repeat(64)}`;
    expect(findModel(name)).toMatchObject({ model: { id: 'codellama-70b' }, pin: { upstream: name } });
  });

  it.each([
    `meta/llama-2-70b-chat:${HASH.slice(1)}`,
    `meta/llama-2-70b-chat:${HASH}0`,
    `meta/llama-2-70b-chat:${HASH.toUpperCase()}`,
    `meta/llama-2-70b-chat:${HASH}\n`,
    `nobody/llama-2-70b-chat:${HASH}`,
    `llama-2-70b-chat:${HASH}`,
    `meta-llama/Llama-2-70b-chat-hf:${HASH}`,
    `:${HASH}`,
    HASH,
  ])('is unknown if it is not one: %j', (name) => expect(idOf(name)).toBeUndefined());
});

describe('a name of Bedrock with a geography, or an ARN', () => {
  it.each(['us', 'eu', 'apac', 'jp', 'au', 'ca', 'global', 'us-gov'])('%s. pins the inference profile', (geography) => {
    const name = `${geography}.meta.llama3-3-70b-instruct-v1:0`;
    expect(findModel(name)).toMatchObject({
      model: { id: 'llama-3.3-70b-instruct' },
      pin: { provider: 'bedrock', upstream: name },
    });
  });

  it.each([
    'arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-8b-instruct-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3-8b-instruct-v1:0',
    'arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.meta.llama3-8b-instruct-v1:0',
  ])('%s pins that ARN', (name) => {
    expect(findModel(name)).toMatchObject({
      model: { id: 'llama-3-8b-instruct' },
      pin: { provider: 'bedrock', upstream: name },
    });
  });

  it.each([
    'xx.meta.llama3-8b-instruct-v1:0',
    'us.us.meta.llama3-8b-instruct-v1:0',
    'us.llama-3-8b-instruct',
    'us.meta/meta-llama-3-8b-instruct',
    'usmeta.llama3-8b-instruct-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdef123456',
    'arn:aws:bedrock:us-east-1::foundation-model/llama-3-8b-instruct',
    'arn:aws:s3:::meta.llama3-8b-instruct-v1:0',
  ])('%s is unknown', (name) => expect(idOf(name)).toBeUndefined());
});

describe('a provider in front of a name', () => {
  it.each([
    ['together/llama-3.3-70b-instruct', 'llama-3.3-70b-instruct', 'together'],
    ['bedrock/meta-llama/Llama-3.3-70B-Instruct-Turbo', 'llama-3.3-70b-instruct', 'bedrock'],
    ['replicate/meta/llama-2-70b-chat', 'llama-2-70b-chat', 'replicate'],
    ['anyscale/llama-2-7b-chat', 'llama-2-7b-chat', 'anyscale'],
  ])('%s pins the provider alone', (name, id, provider) => {
    expect(idOf(name)).toBe(id);
    expect(pinOf(name)).toEqual({ provider });
  });

  it('keeps what the name itself pins', () => {
    const name = `meta/llama-2-70b-chat:${HASH}`;
    expect(pinOf(`replicate/${name}`)).toEqual({ provider: 'replicate', upstream: name });
  });

  it('is no match where the name itself pins another provider', () => {
    expect(idOf(`together/meta/llama-2-70b-chat:${HASH}`)).toBeUndefined();
    expect(idOf('together/us.meta.llama3-3-70b-instruct-v1:0')).toBeUndefined();
  });

  it("may be one of the user's own", () => {
    expect(idOf('mine/llama-2-70b-chat')).toBeUndefined();
    expect(pinOf('mine/llama-2-70b-chat', ['mine'])).toEqual({ provider: 'mine' });
  });

  it('comes after the whole name: meta/… stays a name of Replicate, whoever calls a service of theirs meta', () => {
    expect(pinOf('meta/llama-2-70b-chat', ['meta'])).toBeUndefined();
    expect(idOf('meta/llama-2-70b-chat', ['meta'])).toBe('llama-2-70b-chat');
  });

  it.each(['together/', '/llama-2-70b-chat', 'together/together/llama-2-70b-chat', 'together'])(
    '%j is unknown',
    (name) => expect(idOf(name)).toBeUndefined(),
  );
});

describe('a name that is not listed', () => {
  it.each(['llama-2-70b-cha', 'llama-2-70b-chat ', 'Llama-2-70b-cha', 'llama', '', 'constructor', '__proto__'])(
    '%j matches nothing, however close',
    (name) => expect(idOf(name)).toBeUndefined(),
  );

  it('never matches by a part or a slip of a known one', () => {
    const mutation = fc
      .tuple(
        fc.constantFrom(...listed.map(({ name }) => name)),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('a', '-', '/', '.', ':', 'é', ' '),
        fc.nat(3),
      )
      .map(([name, from, length, letter, way]) => {
        const at = from % name.length;
        if (way === 0) return name.slice(0, at) + letter + name.slice(at);
        if (way === 1) return name.slice(0, at) + name.slice(at + 1);
        if (way === 2) return name.slice(at, at + 1 + (length % name.length));
        return name.slice(0, at) + name.slice(at).toUpperCase();
      })
      .filter((name) => !folds.has(name.toLowerCase()));
    fc.assert(
      fc.property(mutation, (name) => findModel(name).kind === 'unknown'),
      { numRuns: 500 },
    );
  });

  it.each([
    ['llama-2-70b-caht', 'llama-2-70b-chat'],
    ['Llama-2-70B-Cha', 'llama-2-70b-chat'],
    ['together/llama3.3-70b-instruct', 'llama-3.3-70b-instruct'],
    ['meta-llama/Llama-3.1-8B-Instruct-FP8', 'llama-3.1-8b-instruct'],
    ['gpt-oss-120', 'gpt-oss-120b'],
    ['Llama-3.3-70B', 'llama-3.3-70b-instruct'],
    ['meta-llama/llama-3-70b-chat', 'llama-3-70b'],
    ['mixtral-8x7b', 'mixtral-8x7b-instruct-v0.1'],
  ])('%s suggests %s first', (name, suggested) => {
    const match = findModel(name);
    expect(match.kind === 'unknown' && match.suggestions[0]).toBe(suggested);
  });

  it('suggests at most three models, each of them known', () => {
    const match = findModel('llama-');
    if (match.kind === 'model') throw new Error('matched');
    expect(match.suggestions).toHaveLength(3);
    for (const id of match.suggestions) expect(idOf(id)).toBe(id);
  });

  it('suggests no model that has retired, however near', () => {
    expect(findModel('llama-3.2-3b-instruc')).toMatchObject({
      suggestions: expect.not.arrayContaining(['llama-3.2-3b-instruct']),
    });
  });

  it.each(['claude-sonnet-5', 'x', '', 'gemini'])('suggests nothing for %j, which is near nothing', (name) =>
    expect(findModel(name)).toEqual({ kind: 'unknown', suggestions: [] }),
  );

  it('of more than 200 characters gets no suggestions, however it begins', () => {
    const near = (length: number) => findModel('llama-2-70b-cha'.padEnd(length, '-'));
    expect(near(200)).toMatchObject({ suggestions: expect.arrayContaining(['llama-2-70b-chat']) });
    expect(near(201)).toEqual({ kind: 'unknown', suggestions: [] });
  });

  it('of a megabyte is turned away without being searched', () => {
    const shapes = ['a', '/', ':', 'us.', 'together/', 'arn:aws:bedrock:', 'llama-2-70b-chat'];
    for (const shape of shapes) {
      expect(findModel(shape.repeat(Math.ceil(1e6 / shape.length)))).toEqual({ kind: 'unknown', suggestions: [] });
    }
  });
});
