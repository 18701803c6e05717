import { describe, expect, it } from 'vitest';
import { togetherProvider } from '../../providers/together/index.ts';
import type { ChatParts, Message, Provider, Tool } from '../../src/core/index.ts';
import { bedrock, json } from './support/bedrock.ts';

const nobody = () => Promise.resolve(json({}));
const BEDROCK = bedrock(nobody);
const TOGETHER = togetherProvider({ apiKey: 'x', baseUrl: 'https://together.test/v1', fetch: nobody });

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const system = (content: string): Message => ({ role: 'system', content });
const clock: Tool = { name: 'clock', parameters: { type: 'object', properties: {} } };

function reads({ arrange }: Provider, messages: readonly Message[], more: Partial<ChatParts> = {}) {
  const api = more.api ?? 'converse';
  return arrange?.({ api, family: 'llama-3.3', systemRole: true, tools: [], ...more, messages });
}

describe('what a model reads of a chat on Converse', () => {
  it('is one turn of each side by turns, after what the system said first', () => {
    const chat = [
      system('Be brief.'),
      system('Be kind.'),
      user('a'),
      user('b'),
      assistant('c'),
      assistant(' '),
      user('d'),
    ];
    expect(reads(BEDROCK, chat)?.messages).toEqual([
      system('Be brief.\n\nBe kind.'),
      user('a\n\nb'),
      assistant('c'),
      user('d'),
    ]);
  });

  it('has later words of the system in the user’s turn beside them', () => {
    const chat = [system('Be brief.'), user('a'), system('b'), assistant('c'), system('d'), user('e'), system('f')];
    expect(reads(BEDROCK, chat)?.messages).toEqual([
      system('Be brief.'),
      user('a\n\nb'),
      assistant('c'),
      user('d\n\ne\n\nf'),
    ]);
  });

  it('begins with the user, who says the system’s words where the model has no such role', () => {
    expect(reads(BEDROCK, [assistant('a'), user('b')])?.messages).toEqual([user('.'), assistant('a'), user('b')]);
    const folded = reads(BEDROCK, [system('Be brief.'), user('a')], { systemRole: false });
    expect(folded?.messages).toEqual([user('Be brief.\n\na')]);
  });

  it('has a result each by itself, before what the user says', () => {
    const call = { id: 'call_1', name: 'clock', arguments: '{"zone": "UTC"}' };
    const asked: Message = { role: 'assistant', content: 'Let me look.', toolCalls: [call] };
    const result: Message = { role: 'tool', content: '12:00', toolCallId: 'call_1' };
    expect(reads(BEDROCK, [user('Time?'), asked, result, user('So?')], { tools: [clock] })).toEqual({
      messages: [
        user('Time?'),
        { ...asked, toolCalls: [{ ...call, arguments: '{"zone":"UTC"}' }] },
        result,
        user('So?'),
      ],
      tools: [clock],
    });
  });

  it('has the words by which a format is asked for, and those that forbid tools', () => {
    const [told] = reads(BEDROCK, [user('a')], { responseFormat: { type: 'json_object' } })?.messages ?? [];
    expect(told).toEqual(system(expect.stringContaining('JSON')));
    expect(reads(BEDROCK, [user('a')], { tools: [clock], toolChoice: 'none' })).toEqual({
      messages: [user('a')],
      tools: [],
    });
  });

  it('is the very lists and messages that came where nothing has to change', () => {
    const plain = [system('Be brief.'), user('a'), assistant('b'), user('c')];
    expect(reads(BEDROCK, plain)?.messages).toBe(plain);
    const call = { id: 'call_1', name: 'clock', arguments: '{"zone":"UTC"}' };
    const asked: Message = { role: 'assistant', content: '', toolCalls: [call] };
    const result: Message = { role: 'tool', content: '12:00', toolCallId: 'call_1' };
    const tools = [clock];
    const used = reads(BEDROCK, [user('Time?'), asked, result], { tools });
    expect(used?.tools).toBe(tools);
    expect(used?.messages[1]).toBe(asked);
    const merged = reads(BEDROCK, [...plain, user('d')]);
    expect(merged?.messages.slice(0, 3).every((message, at) => message === plain[at])).toBe(true);
  });

  it('says where images are, and keeps them', () => {
    const image = { type: 'image', url: 'data:image/png;base64,AQID' } as const;
    const arranged = reads(BEDROCK, [user('Look.'), { role: 'user', content: [image] }]);
    expect(arranged?.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Look.' }, image] }]);
    expect(arranged?.imagePaths?.get(image)).toBe('messages[1].content[0].image_url');
  });

  it('has a schema for every tool', () => {
    expect(reads(BEDROCK, [user('a')], { tools: [{ name: 'clock' }] })?.tools).toEqual([clock]);
  });
});

describe('what a model reads of a chat on Together', () => {
  it('is all of it', () => {
    const chat = [system('Be brief.'), user('a'), user('b')];
    expect(reads(TOGETHER, chat, { api: 'chat', tools: [clock] })).toEqual({ messages: chat, tools: [clock] });
  });

  it('is not the tools that it must not call, nor a system message where there is no such role', () => {
    const none = { api: 'chat', tools: [clock], toolChoice: 'none', systemRole: false } as const;
    expect(reads(TOGETHER, [system('Be brief.'), user('a')], none)).toEqual({
      messages: [user('Be brief.\n\na')],
      tools: [],
    });
  });
});
