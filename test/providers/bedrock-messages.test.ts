import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatJob, Message } from '../../src/core/index.ts';
import { bedrock, converseJob, json, run, upstream } from './support/bedrock.ts';

type Block = Record<string, unknown> & {
  text?: string;
  toolUse?: { toolUseId: string; name: string; input: unknown };
  toolResult?: { toolUseId: string; content: Block[] };
};
interface WireMessage {
  role: string;
  content: Block[];
}
interface Wire {
  messages: WireMessage[];
  system?: { text: string }[];
  toolConfig?: { tools: unknown[] };
}

const ANSWER = {
  output: { message: { role: 'assistant', content: [{ text: 'ok' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
};

/** The body that goes out for these messages. */
async function wireOf(messages: readonly Message[], over: Partial<ChatJob> = {}): Promise<Wire> {
  const { fetch, sent } = upstream(() => json(ANSWER));
  const got = await run(bedrock(fetch), converseJob({ stream: false, messages, ...over }));
  expect(got.error).toBeUndefined();
  return sent[0]?.body as unknown as Wire;
}

const user = (content: string): Message => ({ role: 'user', content });
const system = (content: string): Message => ({ role: 'system', content });
const assistant = (content: string, ...calls: [id: string, name: string, args: string][]): Message => ({
  role: 'assistant',
  content,
  toolCalls: calls.map(([id, name, args]) => ({ id, name, arguments: args })),
});
const tool = (toolCallId: string, content: string): Message => ({ role: 'tool', toolCallId, content });

const said = (role: string, ...texts: string[]): WireMessage => ({ role, content: texts.map((text) => ({ text })) });

describe('the turns of a conversation', () => {
  it('alternate: neighbours of one role are one turn', async () => {
    const { messages } = await wireOf([user('a'), user('b'), assistant('c'), assistant('d'), user('e')]);
    expect(messages).toEqual([said('user', 'a\n\nb'), said('assistant', 'c\n\nd'), said('user', 'e')]);
  });

  it('begin with the user', async () => {
    const { messages } = await wireOf([assistant('Hello!'), user('Hi')]);
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[0]?.content[0]?.text?.trim()).not.toBe('');
  });

  it('have no blank text: a blank assistant is left out, a blank user stays a turn', async () => {
    const { messages } = await wireOf([user(' \n'), assistant('\t'), user('a'), assistant('b'), user('')]);
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[0]).toEqual(said('user', 'a'));
    expect(messages[2]?.content[0]?.text?.trim()).not.toBe('');
  });

  it('join the parts of one text as they are', async () => {
    const content = ['Hel', 'lo', ' '].map((text) => ({ type: 'text' as const, text }));
    expect((await wireOf([{ role: 'user', content }])).messages).toEqual([said('user', 'Hello ')]);
  });

  it('end a prefilled answer without white space', async () => {
    const { messages } = await wireOf([user('a'), assistant('The answer is \n')]);
    expect(messages[1]).toEqual(said('assistant', 'The answer is'));
  });
});

describe('what the system says', () => {
  it('is apart where it was said first, and the user says what it says later', async () => {
    const wire = await wireOf([
      system('Be brief.'),
      system('Be kind.'),
      user('a'),
      system('Now!'),
      user('b'),
      system(' '),
    ]);
    expect(wire.system).toEqual([{ text: 'Be brief.\n\nBe kind.' }]);
    expect(wire.messages).toEqual([said('user', 'a\n\nNow!\n\nb')]);
  });

  it('stands before the first words of the user where the model has no system role', async () => {
    const wire = await wireOf([system('Be brief.'), user('a'), assistant('b'), user('c')], { systemRole: false });
    expect(wire.system).toBeUndefined();
    expect(wire.messages[0]).toEqual(said('user', 'Be brief.\n\na'));
  });
});

describe('tool calls and results', () => {
  it('are paired: all results in the next user turn, in the order of the calls, before what the user says', async () => {
    const { messages } = await wireOf([
      user('a'),
      assistant('Looking.', ['call_1', 'f', '{"x":1}'], ['call_2', 'g', '']),
      tool('call_2', 'two'),
      tool('call_1', ''),
      user('And?'),
    ]);
    expect(messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { text: 'Looking.' },
          { toolUse: { toolUseId: 'call_1', name: 'f', input: { x: 1 } } },
          { toolUse: { toolUseId: 'call_2', name: 'g', input: {} } },
        ],
      },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'call_1', content: [{ text: '(no output)' }] } },
          { toolResult: { toolUseId: 'call_2', content: [{ text: 'two' }] } },
          { text: 'And?' },
        ],
      },
    ]);
  });

  it.each(['not json', '[1]', '"text"', 'null', '{"a":'])('keep arguments that are no object: %s', async (args) => {
    const { messages } = await wireOf([user('a'), assistant('', ['c', 'f', args]), tool('c', 'r')]);
    expect(messages[1]?.content[0]?.toolUse?.input).toEqual({ rawInvalidInput: args });
  });

  it('are told in words where no call waits for the result', async () => {
    const { messages } = await wireOf([user('a'), tool('nobody', 'result')]);
    expect(messages).toEqual([said('user', 'a\n\nresult')]);
  });

  it('get ids of their own where a client uses one twice', async () => {
    const { messages } = await wireOf([
      user('a'),
      assistant('', ['call_0', 'f', '{}']),
      tool('call_0', 'one'),
      assistant('', ['call_0', 'f', '{}'], ['call_0', 'g', '{}']),
      tool('call_0', 'two'),
      tool('call_0', 'three'),
    ]);
    const uses = messages.flatMap(({ content }) => content.flatMap(({ toolUse }) => toolUse?.toolUseId ?? []));
    const results = messages.flatMap(({ content }) => content.flatMap(({ toolResult }) => toolResult ?? []));
    expect(new Set(uses).size).toBe(3);
    expect(results.map(({ toolUseId }) => toolUseId)).toEqual(uses);
    expect(results.map(({ content }) => content[0]?.text)).toEqual(['one', 'two', 'three']);
  });

  // If each result looked for its call among all of them, this would not end.
  it('are paired however many there are, of one id or of many', async () => {
    const many = Array.from({ length: 30_000 }, (_, at) => at);
    const calls = many.map((at): [string, string, string] => [at % 2 ? `c${at}` : 'c', 'f', '{}']);
    const results = many.map(
      (at): Message => ({ role: 'tool', content: `r${at}`, toolCallId: at % 2 ? `c${at}` : 'c' }),
    );
    const { messages } = await wireOf([user('q'), assistant('', ...calls), ...results]);
    const sent = messages[1]?.content.map(({ toolUse }) => toolUse?.toolUseId);
    expect(new Set(sent).size).toBe(many.length);
    expect(messages[2]?.content.map(({ toolResult }) => toolResult?.toolUseId)).toEqual(sent);
    expect(messages[2]?.content.map(({ toolResult }) => toolResult?.content[0]?.text)).toEqual(
      many.map((at) => `r${at}`),
    );
  });

  it('have ids of nine letters and digits for Mistral, and keep those that are', async () => {
    const history = [user('a'), assistant('', ['tooluse_kZJMlvQmRJ6', 'f', '{}'], ['abcDEF123', 'f', '{}'])];
    const { messages } = await wireOf(history, { family: 'mistral-3' });
    const [first, second] = messages[1]?.content.map(({ toolUse }) => toolUse?.toolUseId) ?? [];
    expect(first).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(second).toBe('abcDEF123');
    expect(messages[2]?.content[0]?.toolResult?.toolUseId).toBe(first);
  });
});

const WORDS = fc.constantFrom('', ' ', '\n', 'a', 'Hello', ' b ', '\u00a0', '漢字', '\ud800');
const IDS = fc.constantFrom('call_0', 'call_1', '', 'a b', 'x'.repeat(80));
const CALL = fc.record({ id: IDS, name: fc.constantFrom('f', 'g.h', 'ü', ''), arguments: fc.oneof(WORDS, fc.json()) });
const CONTENT = fc.oneof(
  WORDS,
  fc.array(
    WORDS.map((text) => ({ type: 'text' as const, text })),
    { maxLength: 3 },
  ),
);
const MESSAGE: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constant('system' as const), content: CONTENT }),
  fc.record({ role: fc.constant('user' as const), content: CONTENT }),
  fc.record({ role: fc.constant('assistant' as const), content: CONTENT, toolCalls: fc.array(CALL, { maxLength: 3 }) }),
  fc.record({ role: fc.constant('tool' as const), content: CONTENT, toolCallId: IDS }),
);

const texts = (blocks: readonly Block[]): string[] =>
  blocks.flatMap((block) => [
    ...(block.text === undefined ? [] : [block.text]),
    ...texts(block.toolResult?.content ?? []),
  ]);
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

describe('any list of messages', () => {
  it('becomes a conversation that Converse takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(MESSAGE, { maxLength: 10 }),
        fc.constantFrom('llama-3.3', 'mistral-3', 'qwen3'),
        fc.boolean(),
        async (messages, family, systemRole) => {
          const wire = await wireOf(messages, { family, systemRole });
          wire.messages.forEach(({ role, content }, at) => {
            expect(role).toBe(at % 2 === 0 ? 'user' : 'assistant');
            expect(content.length).toBeGreaterThan(0);
            for (const block of content) expect(Object.keys(block)).toHaveLength(1);
            for (const text of texts(content)) expect(text.trim()).not.toBe('');
            const calls = content.flatMap(({ toolUse }) => toolUse ?? []);
            for (const { toolUseId, name, input } of calls) {
              expect(toolUseId).toMatch(family === 'mistral-3' ? /^[a-zA-Z0-9]{9}$/ : NAME);
              expect(name).toMatch(NAME);
              expect(Object.prototype.toString.call(input)).toBe('[object Object]');
            }
            const next = wire.messages[at + 1]?.content ?? [];
            const results = next.flatMap(({ toolResult }) => toolResult?.toolUseId ?? []);
            expect(results).toEqual(calls.map(({ toolUseId }) => toolUseId));
          });
          expect(wire.messages.length).toBeGreaterThan(0);
          expect(wire.messages[0]?.content.some(({ toolResult }) => toolResult)).toBe(false);
          for (const text of texts(wire.system ?? [])) expect(text.trim()).not.toBe('');
          const usesTools = wire.messages.some(({ content }) => content.some(({ toolUse }) => toolUse));
          expect(wire.toolConfig !== undefined).toBe(usesTools);
        },
      ),
      { numRuns: 200 },
    );
  });
});
