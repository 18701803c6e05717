import { describe, expect, it } from 'vitest';
import { type ServerProfile, wireRequest } from '../../providers/openai/index.ts';
import type { ChatJob, Sampling } from '../../src/core/index.ts';
import { chatJob, promptJob } from './support/openai-jobs.ts';

const OPENAI: ServerProfile = {
  id: 'mine',
  name: 'Mine',
  chatLogprobs: 'flag-and-top',
  toolChoiceNone: 'send',
  askStreamUsage: { chat: true, completions: true },
  reasoningFields: ['reasoning', 'reasoning_content'],
  sendsExtra: 'all',
  thinkingSwitch: false,
};
const TOGETHER: ServerProfile = {
  ...OPENAI,
  chatLogprobs: 'integer',
  toolChoiceNone: 'leave-tools-out',
  askStreamUsage: { chat: true, completions: false },
  reasoningFields: ['reasoning_content'],
  sendsExtra: ['chat_template_kwargs'],
  thinkingSwitch: true,
};
const TOOL = { name: 'f', parameters: { type: 'object' } };
const chat = (over: Partial<ChatJob>, dialect = OPENAI) => wireRequest(chatJob(over), dialect).body;

describe('a chat request', () => {
  it('holds what was set and nothing else', () => {
    expect(wireRequest(chatJob({ stream: false }), OPENAI)).toEqual({
      path: '/chat/completions',
      body: { model: 'some/model', messages: [{ role: 'user', content: 'Hi' }] },
    });
  });

  it('names everything as the wire does', () => {
    const sampling: Required<Omit<Sampling, 'thinking'>> = {
      temperature: 0,
      topP: 0.9,
      topK: 40,
      minP: 0.1,
      seed: 7,
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      repetitionPenalty: 1.1,
      logitBias: { 5: -100 },
      logprobs: 2,
      reasoningEffort: 'low',
      parallelToolCalls: false,
      user: 'u',
    };
    expect(chat({ sampling, maxTokens: 9, stop: ['\n'], n: 2 })).toEqual({
      model: 'some/model',
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.1,
      seed: 7,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      repetition_penalty: 1.1,
      logit_bias: { 5: -100 },
      logprobs: true,
      top_logprobs: 2,
      reasoning_effort: 'low',
      parallel_tool_calls: false,
      user: 'u',
      max_tokens: 9,
      stop: ['\n'],
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('carries tools, their calls and their results', () => {
    const body = chat({
      tools: [{ ...TOOL, description: 'd', strict: true }],
      toolChoice: { name: 'f' },
      messages: [
        { role: 'assistant', content: '', toolCalls: [{ id: 'c', name: 'f', arguments: '{"a":1}' }] },
        { role: 'tool', toolCallId: 'c', content: [{ type: 'text', text: '42' }] },
      ],
    });
    expect(body).toMatchObject({
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      messages: [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '42' },
      ],
    });
  });

  it('sends images as parts, and text in parts as the one string that was counted', () => {
    const image = { type: 'image', url: 'data:image/png;base64,AA', detail: 'low' } as const;
    const body = chat({
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'What is ' }, image] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
          name: 'Ann',
        },
      ],
    });
    expect(body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is ' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'low' } },
        ],
      },
      { role: 'user', name: 'Ann', content: 'ab' },
    ]);
  });

  it.each([
    [{ type: 'text' }, { type: 'text' }],
    [{ type: 'json_object' }, { type: 'json_object' }],
    [
      { type: 'json_schema', name: 'N', schema: { type: 'object' }, strict: true },
      { type: 'json_schema', json_schema: { name: 'N', schema: { type: 'object' }, strict: true } },
    ],
  ] as const)('asks for the format %j', (responseFormat, wire) => {
    expect(chat({ responseFormat }).response_format).toEqual(wire);
  });

  it('does not stream tools where the model refuses to', () => {
    const body = chat({ tools: [TOOL], toolStreaming: false });
    expect(body).not.toHaveProperty('stream');
    expect(body).not.toHaveProperty('stream_options');
    expect(chat({ toolStreaming: false })).toHaveProperty('stream', true);
  });
});

describe('for a model without a system role', () => {
  const folded = (messages: ChatJob['messages']) => chat({ systemRole: false, messages }).messages;
  const system = { role: 'system', content: 'Be brief.' } as const;

  it('what the system says stands before what the user first says', () => {
    expect(folded([system, { role: 'user', content: 'Hi' }, { role: 'user', content: 'Ho' }])).toEqual([
      { role: 'user', content: 'Be brief.\n\nHi' },
      { role: 'user', content: 'Ho' },
    ]);
  });

  it('it stands before an image too', () => {
    expect(folded([system, { role: 'user', content: [{ type: 'image', url: 'https://x/y.png' }] }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Be brief.\n\n' },
          { type: 'image_url', image_url: { url: 'https://x/y.png' } },
        ],
      },
    ]);
  });

  it('it is the user who says it where nobody else does', () => {
    expect(folded([system])).toEqual([{ role: 'user', content: 'Be brief.' }]);
  });
});

describe('what the caller sent that is not ours', () => {
  const extra = { chat_template_kwargs: { enable_thinking: false }, guided_json: { type: 'object' }, min_tokens: 3 };

  it('goes on to a server of the user’s own as it came, for chats and raw prompts', () => {
    expect(chat({ extra })).toMatchObject(extra);
    expect(wireRequest(promptJob({ extra }), OPENAI).body).toMatchObject(extra);
  });

  it('goes to nobody else, but for what a provider documents', () => {
    const body = chat({ extra }, TOGETHER);
    expect(body).toMatchObject({ chat_template_kwargs: extra.chat_template_kwargs });
    for (const name of ['guided_json', 'min_tokens']) expect(body).not.toHaveProperty(name);
    expect(wireRequest(promptJob({ extra }), TOGETHER).body).not.toHaveProperty('chat_template_kwargs');
  });

  it('never takes the place of what we send', () => {
    const body = chat({ extra: { model: 'other', messages: [], stream: false, max_tokens: 1 }, maxTokens: 9 });
    expect(body).toMatchObject({ model: 'some/model', messages: [{}], stream: true, max_tokens: 9 });
  });

  it('keeps a key that could be mistaken for a prototype a key', () => {
    const hostile: Record<string, unknown> = JSON.parse('{"__proto__": {"stream": false}}');
    const body = chat({ extra: Object.fromEntries(Object.entries(hostile)), stream: false });
    expect(body.stream).toBeUndefined();
    expect(JSON.stringify(body)).toContain('"__proto__":{"stream":false}');
  });
});

describe('what the model thought before an earlier answer', () => {
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: '', reasoning: 'hm', toolCalls: [{ id: 'a', name: 'f', arguments: '{}' }] },
    { role: 'tool', content: '1', toolCallId: 'a' },
    { role: 'assistant', content: 'One', reasoning: '' },
  ] as const;
  const sent = (dialect: ServerProfile) => (chat({ messages }, dialect).messages as Record<string, unknown>[]).slice(1);

  it('goes back under the names that the server has, an empty one too', () => {
    expect(sent(TOGETHER)).toMatchObject([{ reasoning_content: 'hm' }, {}, { reasoning_content: '' }]);
    expect(sent(TOGETHER)[0]).not.toHaveProperty('reasoning');
    expect(sent(OPENAI)[0]).toMatchObject({ reasoning: 'hm', reasoning_content: 'hm', tool_calls: [{}] });
  });

  it('is not there where there is none', () => {
    expect(Object.keys(sent(OPENAI)[1] ?? {})).toEqual(['role', 'tool_call_id', 'content']);
  });
});

describe('how much to think', () => {
  it('is an effort where that is the wire’s word for it, `none` too', () => {
    expect(chat({ sampling: { reasoningEffort: 'none' } })).toMatchObject({ reasoning_effort: 'none' });
    expect(chat({ sampling: { thinking: true } })).not.toHaveProperty('reasoning');
  });

  it('is a switch and an effort at Together', () => {
    expect(chat({ sampling: { thinking: false } }, TOGETHER)).toMatchObject({ reasoning: { enabled: false } });
    expect(chat({ sampling: { reasoningEffort: 'high', thinking: true } }, TOGETHER)).toMatchObject({
      reasoning: { enabled: true },
      reasoning_effort: 'high',
    });
    const none = chat({ sampling: { reasoningEffort: 'none' } }, TOGETHER);
    expect(none).toMatchObject({ reasoning: { enabled: false } });
    expect(none).not.toHaveProperty('reasoning_effort');
  });
});

describe('log probabilities of a chat', () => {
  it('have no count of alternatives where the caller named none, which llama.cpp would take for off', () => {
    const body = chat({ sampling: { logprobs: 0 } });
    expect(body).toHaveProperty('logprobs', true);
    expect(body).not.toHaveProperty('top_logprobs');
  });
});

describe('a completion request', () => {
  it('carries the finished prompt as one string, untouched', () => {
    expect(wireRequest(promptJob({ prompt: '<s>[INST] Hi [/INST]', stream: false }), TOGETHER)).toEqual({
      path: '/completions',
      body: { model: 'some/model', prompt: '<s>[INST] Hi [/INST]' },
    });
  });

  it('asks for log probabilities by an integer everywhere', () => {
    expect(wireRequest(promptJob({ sampling: { logprobs: 0 } }), OPENAI).body).toHaveProperty('logprobs', 0);
    expect(wireRequest(promptJob({ sampling: { logprobs: 0 } }), TOGETHER).body).toHaveProperty('logprobs', 1);
  });
});

describe("Together's dialect", () => {
  it('takes an integer of log probabilities, of which zero would be none', () => {
    expect(chat({ sampling: { logprobs: 0 } }, TOGETHER)).toMatchObject({ logprobs: 1 });
    expect(chat({ sampling: { logprobs: 5 } }, TOGETHER)).not.toHaveProperty('top_logprobs');
  });

  it('leaves the tools out where none may be called', () => {
    const body = chat({ tools: [TOOL], toolChoice: 'none', toolStreaming: false }, TOGETHER);
    expect(body).not.toHaveProperty('tools');
    expect(body).not.toHaveProperty('tool_choice');
    expect(body).toHaveProperty('stream', true);
    expect(chat({ tools: [TOOL], toolChoice: 'none' })).toMatchObject({ tool_choice: 'none', tools: [{}] });
  });
});
