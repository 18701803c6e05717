import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/index.ts';
import { placeSystem } from '../../src/tokens/index.ts';

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const system = (content: string): Message => ({ role: 'system', content });
const called: Message = { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'f', arguments: '{}' }] };
const result: Message = { role: 'tool', content: '1', toolCallId: 'a' };

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const message = fc.oneof(
  word.map(system),
  word.map(user),
  word.map(assistant),
  fc.constant(called),
  fc.constant(result),
);
const chats = fc.array(message, { maxLength: 10 });

const MOVED = ['gpt-oss', 'deepseek-v3', 'llama-2', 'mistral', 'kimi-k3', 'qwen3.5', 'unknown'];
const KEPT = ['llama-3.3', 'llama-4', 'qwen2.5', 'qwen3'];

describe.each(KEPT)('%s, whose template writes system text where it stands', (family) => {
  it('gets it there', () => {
    const chat = [system('a'), system('a2'), user('b'), system('c'), assistant('d'), user('e')];
    expect(placeSystem(family, chat)).toBe(chat);
  });
});

describe.each(MOVED)('%s, whose template has one place for system text or is not known', (family) => {
  it('gets what comes later from the user', () => {
    expect(placeSystem(family, [system('a'), user('b'), system('c'), assistant('d'), system('e'), user('f')])).toEqual([
      system('a'),
      user('b\n\nc'),
      assistant('d'),
      user('e\n\nf'),
    ]);
  });

  it('gets what opens the chat as one text', () => {
    expect(placeSystem(family, [system('a'), system('b'), user('c')])).toEqual([system('a\n\nb'), user('c')]);
    const chat = [system('a'), user('b')];
    expect(placeSystem(family, chat)).toBe(chat);
  });

  it('gets none between a call and its result', () => {
    expect(placeSystem(family, [user('b'), called, system('c'), result, user('d')])).toEqual([
      user('b'),
      called,
      result,
      user('c\n\nd'),
    ]);
  });

  it('has every text once, in order, and no late system message', () => {
    fc.assert(
      fc.property(chats, (chat) => {
        const placed = placeSystem(family, chat);
        const first = placed.findIndex(({ role }) => role !== 'system');
        expect(placed.every(({ role }, at) => role !== 'system' || first < 0 || at < first)).toBe(true);
        expect(placed.filter(({ role }) => role === 'system').length).toBeLessThan(2);
        const spoken = (messages: readonly Message[]) =>
          messages.flatMap(({ role, content }) =>
            role === 'tool' || typeof content !== 'string' ? [] : content.split('\n\n'),
          );
        expect(spoken(placed)).toEqual(spoken(chat));
      }),
    );
  });

  it('sees the next turn begin with what it saw', () => {
    fc.assert(
      fc.property(chats, word, word, (chat, answer, next) => {
        const text = (messages: readonly Message[]) =>
          messages.map((one) => `${one.role}:${typeof one.content === 'string' ? one.content : ''}`).join('|');
        const before = text(placeSystem(family, chat));
        expect(text(placeSystem(family, [...chat, assistant(answer), user(next)])).startsWith(before)).toBe(true);
      }),
    );
  });
});
