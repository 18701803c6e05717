import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/index.ts';
import { chatAnswer, completionAnswer } from '../../src/dialects/openai/index.ts';

const envelope = { id: 'gen-1', created: 1, model: 'llama', provider: 'bedrock', fingerprint: null };
const text = (said: string, choice = 0): Event => ({ type: 'text', choice, text: said });
const finish = (reason: 'stop' | 'length' | 'tool_calls', choice = 0): Event => ({ type: 'finish', choice, reason });
const tool = (args: string, opening: object = {}): Event => ({
  type: 'tool',
  choice: 0,
  index: 0,
  arguments: args,
  ...opening,
});

describe('an answer in one piece', () => {
  it('has system_fingerprint, null where the provider gave none', () => {
    expect(chatAnswer(envelope, [text('Hi'), finish('stop')], 1)).toHaveProperty('system_fingerprint', null);
    expect(completionAnswer(envelope, [text('Hi'), finish('stop')], 1, () => '')).toHaveProperty(
      'system_fingerprint',
      null,
    );
    expect(chatAnswer({ ...envelope, fingerprint: 'fp_1' }, [finish('stop')], 1)).toMatchObject({
      system_fingerprint: 'fp_1',
    });
  });

  it('puts every choice and every piece of a call together, and says how each choice ended', () => {
    const events = [text('a', 1), text('b', 0), text('c', 1), finish('length', 1), finish('stop', 0)];
    expect(chatAnswer(envelope, events, 2)).toMatchObject({
      choices: [
        { index: 0, message: { content: 'b' }, finish_reason: 'stop' },
        { index: 1, message: { content: 'ac' }, finish_reason: 'length' },
      ],
    });
    const called = [tool('{"ci', { id: 'call_1', name: 'f' }), tool('ty":1}'), finish('tool_calls')];
    expect(chatAnswer(envelope, called, 1)).toMatchObject({
      choices: [
        {
          message: { content: null, tool_calls: [{ id: 'call_1', function: { name: 'f', arguments: '{"city":1}' } }] },
          finish_reason: 'tool_calls',
        },
      ],
    });
  });

  it('of a completion ends in a reason that OpenAI has there', () => {
    expect(completionAnswer(envelope, [text('Hi'), finish('tool_calls')], 1, () => '')).toMatchObject({
      choices: [{ text: 'Hi', finish_reason: 'stop' }],
    });
  });
});
