import { describe, expect, it } from 'vitest';
import { bodyOf, callAt, readOptions, UsageError } from '../../src/cli/options.ts';
import type { Offer } from '../../src/cli/report.ts';

const read = (...argv: string[]) => readOptions(argv, {});

describe('the options of npm run compare', () => {
  it('take models one by one or with commas, and the words of a prompt', () => {
    expect(read('--model', 'a,b', '--model', 'c', 'What', 'color?')).toMatchObject({
      models: ['a', 'b', 'c'],
      prompt: 'What color?',
      url: undefined,
      key: undefined,
    });
  });

  it('take the address and the key from the environment too', () => {
    const env = { CHASQUI_URL: 'https://gateway.example/v1/', CHASQUI_ADMIN_KEY: 'k' };
    const argv = ['--model', 'a', 'Hi'];
    expect(readOptions(argv, env)).toMatchObject({ url: 'https://gateway.example', key: 'k' });
    expect(readOptions(['--url', 'http://[::1]:9/', '--key', 'mine', ...argv], env)).toMatchObject({
      url: 'http://[::1]:9',
      key: 'mine',
    });
  });

  it.each<[string, string[]]>([
    ['--frob', ['--frob', 'hi']],
    ['--model', ['--model']],
    ['--model', ['hi']],
    ['--json', ['--json=yes', '--model', 'a', 'hi']],
    ['--max-tokens', ['--max-tokens', '1.5', '--model', 'a', 'hi']],
    ['--max-tokens', ['--max-tokens', '0', '--model', 'a', 'hi']],
    ['--vote', ['--vote', 'five', '--model', 'a', 'hi']],
    ['--url', ['--url', 'localhost:8787', '--model', 'a', 'hi']],
    ['--url', ['--url', 'nowhere', '--model', 'a', 'hi']],
    ['--system', ['--system', 'Be brief', '--completion', '--model', 'a', 'hi']],
    ['--system', ['--system', 'Be brief', '--file', 'body.json']],
    ['prompt', ['--model', 'a']],
  ])('are refused naming %s: %j', (name, argv) => {
    expect(() => read(...argv)).toThrow(UsageError);
    expect(() => read(...argv)).toThrow(name);
  });

  it('need nothing else beside --help', () => {
    expect(read('--help').help).toBe(true);
  });
});

const sent = (argv: string[], file = {}): unknown => JSON.parse(JSON.stringify(bodyOf(read(...argv), file)));

describe('the request', () => {
  it('is a chat, or a completion', () => {
    expect(sent(['--model', 'a', '--vote', '5', 'Hi'])).toMatchObject({ vote: { samples: 5 } });
    expect(sent(['--model', 'a', '--system', 'Be brief', '--max-tokens', '9', 'Hi'])).toEqual({
      model: 'a',
      max_tokens: 9,
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Hi' },
      ],
    });
    expect(sent(['--model', 'a,b', '--completion', 'Once'])).toEqual({
      model: 'a',
      models: ['a', 'b'],
      prompt: 'Once',
    });
  });

  it('is what the file says, but for what was typed', () => {
    const file = { models: ['x', 'y'], prompt: 'Once', temperature: 0, max_completion_tokens: 5 };
    expect(sent(['--file', 'f'], file)).toEqual(file);
    expect(sent(['--file', 'f', '--model', 'a', '--max-tokens', '9', 'Hi'], file)).toEqual({
      model: 'a',
      temperature: 0,
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(sent(['--file', 'f', 'Hi'], file)).toMatchObject({ models: ['x', 'y'] });
  });

  it('asks an offer first by naming its provider, and its model if another would come before', () => {
    const [a, b] = [
      { provider: 'bedrock', model: 'a', rank: 1 },
      { provider: 'together', model: 'b', rank: 2 },
    ] as Offer[];
    if (!a || !b) throw new Error('no offers');
    const body = { models: ['a', 'b'], prompt: 'Hi', stream: true, provider: { only: ['bedrock', 'together'] } };
    expect(callAt(body, a, [a, b])).toEqual({
      models: ['a', 'b'],
      prompt: 'Hi',
      provider: { only: ['bedrock', 'together'], order: ['bedrock'] },
    });
    expect(callAt(body, b, [a, b])).toMatchObject({
      model: 'b',
      models: ['a', 'b'],
      provider: { order: ['together'] },
    });
  });
});
