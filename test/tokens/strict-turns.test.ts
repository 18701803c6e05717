import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/index.ts';
import { renderSegments, strictTurns, writtenOut } from '../../src/tokens/index.ts';

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const system = (content: string): Message => ({ role: 'system', content });

const FAMILIES = ['llama-2', 'code-llama', 'mistral', 'mixtral', 'mixtral-8x22b'] as const;

const chats = fc.array(
  fc
    .tuple(fc.constantFrom('system', 'user', 'assistant'), fc.string())
    .map(([role, content]) => ({ role, content }) as Message),
  { minLength: 1, maxLength: 8 },
);

describe.each(FAMILIES)('%s: a chat in strict turns', (family) => {
  it('alternates, a user first, behind one system message at most', () => {
    fc.assert(
      fc.property(chats, (messages) => {
        const strict = strictTurns(family, messages);
        const turns = strict[0]?.role === 'system' ? strict.slice(1) : strict;
        for (const [at, { role }] of turns.entries()) expect(role).toBe(at % 2 === 0 ? 'user' : 'assistant');
      }),
    );
  });

  it('is the same prompt, and itself again', () => {
    fc.assert(
      fc.property(chats, (messages) => {
        // Behind it a late system message would be moved away, and then it would be an answer begun.
        fc.pre(
          messages
            .findLast(({ role }) => role !== 'system')
            ?.content.toString()
            .trim() !== '',
        );
        const strict = strictTurns(family, messages);
        expect(strictTurns(family, strict)).toBe(strict);
        const [one, other] = [renderSegments(family, messages), renderSegments(family, strict)];
        expect(other.kind).toBe(one.kind);
        if (one.kind === 'none' || other.kind === 'none') return;
        expect(writtenOut(other.segments)).toBe(writtenOut(one.segments));
      }),
    );
  });

  it('is the very same where nothing is to be done', () => {
    const messages = [system('Be brief.'), user('a'), assistant('b'), user('c')];
    expect(strictTurns(family, messages)).toBe(messages);
  });
});

describe('other chats', () => {
  it('lose an answer that was begun with nothing', () => {
    expect(strictTurns('llama-3', [user('a'), assistant(' ')])).toEqual([user('a')]);
  });

  it('stay as they are where the template takes them so', () => {
    const messages = [user('a'), user('b'), system('c')];
    expect(strictTurns('llama-3', messages)).toBe(messages);
    expect(strictTurns('unknown', messages)).toBe(messages);
  });

  it('keep their images when they are merged', () => {
    const image = { type: 'image', url: 'data:image/png;base64,AA==' } as const;
    const merged = strictTurns('llama-2', [user('What is this?'), { role: 'user', content: [image] }]);
    expect(merged).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'text', text: '\n\n' }, image] },
    ]);
  });
});
