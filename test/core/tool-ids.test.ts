import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handedOutId, type Message, type ToolIdForm, toolIdForm, withToolIds } from '../../src/core/index.ts';

const FORMS: Readonly<Record<ToolIdForm, RegExp>> = {
  plain: /^[a-zA-Z0-9_-]{1,64}$/,
  mistral: /^[a-zA-Z0-9]{9}$/,
  kimi: /^functions\.f:\d+$/,
};

/** Ids as servers and clients make them: of their own form, too long, empty of meaning, the same again. */
const id = fc.oneof(
  fc.constantFrom('call_0', 'call_1', 'functions.f:0', 'null', 'abcDEF123', `fc_${'x'.repeat(90)}|rs_1`, 'é'),
  fc.string({ minLength: 1, maxLength: 100 }),
  fc.stringMatching(/^[a-zA-Z0-9]{9}$/),
);

/** Rounds of calls, all answered in order. */
const history = fc
  .array(fc.array(id, { minLength: 1, maxLength: 4 }), { maxLength: 5 })
  .map((rounds) =>
    rounds.flatMap((ids): Message[] => [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: '', toolCalls: ids.map((one) => ({ id: one, name: 'f', arguments: '{}' })) },
      ...ids.map((one, at): Message => ({ role: 'tool', content: String(at), toolCallId: one })),
    ]),
  );

describe.each(['plain', 'mistral', 'kimi'] as const)('ids of the form %s', (form) => {
  it('fit it, differ, and lead each result to its call', () => {
    fc.assert(
      fc.property(history, (messages) => {
        const sent = withToolIds(messages, form);
        const given = sent.flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []));
        const answered = sent.flatMap((message) => (message.role === 'tool' ? message.toolCallId : []));
        for (const call of given) expect(call.id).toMatch(FORMS[form]);
        expect(new Set(given.map((call) => call.id)).size).toBe(given.length);
        expect(answered).toEqual(given.map((call) => call.id));
      }),
    );
  });

  it('are the same in the next turn, and again, and change nothing else', () => {
    fc.assert(
      fc.property(history, fc.nat(), (messages, at) => {
        const sent = withToolIds(messages, form);
        const cut = at % (messages.length + 1);
        expect(withToolIds(messages.slice(0, cut), form)).toEqual(sent.slice(0, cut));
        expect(withToolIds(sent, form)).toBe(sent);
        expect(sent.map(({ role, content }) => ({ role, content }))).toEqual(
          messages.map(({ role, content }) => ({ role, content })),
        );
      }),
    );
  });
});

describe('a turn of very many calls', () => {
  const many = Array.from({ length: 50_000 }, (_, at) => at);
  const withIds = (idAt: (at: number) => string): Message[] => [
    { role: 'assistant', content: '', toolCalls: many.map((at) => ({ id: idAt(at), name: 'f', arguments: '{}' })) },
    ...many.map((at): Message => ({ role: 'tool', content: '', toolCallId: idAt(at) })),
    { role: 'tool', content: 'one more', toolCallId: idAt(many.length - 1) },
  ];

  // If each call looked at all before it, this would not end.
  it.each([
    ['one id for all', () => 'call_0'],
    ['an id for each', (at: number) => `call_${at}`],
  ])('leads each result to its call, with %s', (_, idAt) => {
    const [first, ...results] = withToolIds(withIds(idAt), 'plain');
    const ids = first?.role === 'assistant' ? first.toolCalls?.map((call) => call.id) : [];
    expect(new Set(ids).size).toBe(many.length);
    expect(results.map((one) => one.role === 'tool' && one.toolCallId)).toEqual([...(ids ?? []), ids?.at(-1)]);
  });
});

describe('the id of a call', () => {
  it('is handed out in characters that every client and server takes', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(handedOutId(one)).toMatch(FORMS.plain);
      }),
    );
    expect(handedOutId('tooluse_8jX-_1')).toBe('tooluse_8jX-_1');
  });

  it.each([
    ['mistral-3', 'mistral'],
    ['mixtral-8x22b', 'mistral'],
    ['devstral-2', 'mistral'],
    ['kimi-k3', 'kimi'],
    ['llama-3.3', 'plain'],
    ['unknown', 'plain'],
  ])('of %s has the form %s', (family, form) => {
    expect(toolIdForm(family)).toBe(form);
  });
});
