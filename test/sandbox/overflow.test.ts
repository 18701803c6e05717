import { describe, expect, it } from 'vitest';
import { eventually, KEYS, sandbox } from './support.ts';

const box = sandbox();

const post = async (path: string, key: string, body: unknown): Promise<string> => {
  const init = { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(body) };
  return (await fetch(box.url + path, init)).text();
};

/** That many tokens of Llama 2's and of Llama 3's. */
const words = (count: number): string => `word${' word'.repeat(count - 1)}`;

const invoke = (model: string) => (prompt: string) =>
  post(`/bedrock/model/${encodeURIComponent(model)}/invoke`, KEYS.bedrock, { prompt, max_gen_len: 1 });

const replicate = (model: string) => async (prompt: string) => {
  const input = { prompt, prompt_template: '{prompt}', max_tokens: 1 };
  const { id } = JSON.parse(await post(`/replicate/v1/models/${model}/predictions`, KEYS.replicate, { input }));
  return eventually(async () => {
    const headers = { authorization: `Bearer ${KEYS.replicate}` };
    const shown = await (await fetch(`${box.url}/replicate/v1/predictions/${id}`, { headers })).text();
    return shown.includes('completed_at') ? shown : undefined;
  });
};

/** Tokens of the text that still fits with one token of an answer, or without one; how to ask, and what is refused how. */
const LIMITS: Readonly<Record<string, readonly [number, (prompt: string) => Promise<string>, string]>> = {
  "Bedrock's Llama 3, which adds nothing": [
    8192,
    invoke('meta.llama3-70b-instruct-v1:0'),
    "This model's maximum context length is 8192 tokens.",
  ],
  "Bedrock's Llama 3 in a chat": [
    8192 - 10,
    (text) =>
      post('/bedrock/model/meta.llama3-70b-instruct-v1%3A0/converse', KEYS.bedrock, {
        messages: [{ role: 'user', content: [{ text }] }],
        inferenceConfig: { maxTokens: 1 },
      }),
    "This model's maximum context length is 8192 tokens.",
  ],
  "Together's Llama 2": [
    4096 - 2,
    (prompt) =>
      post('/together/v1/completions', KEYS.together, { model: 'meta-llama/Llama-2-70b-hf', prompt, max_tokens: 1 }),
    'must be <= 4096. Given: 4096 `inputs` tokens and 1 `max_new_tokens`',
  ],
  "vLLM's Llama 2": [
    4096 - 2,
    (prompt) => post('/anyscale/v1/completions', KEYS.anyscale, { model: 'llama-2-7b', prompt, max_tokens: 1 }),
    'you requested 4097 tokens (4096 in the prompt, 1 in the completion)',
  ],
  "vLLM's Llama 2 in a chat": [
    4096 - 9,
    (content) =>
      post('/anyscale/v1/chat/completions', KEYS.anyscale, {
        model: 'llama-2-7b-chat',
        messages: [{ role: 'user', content }],
        max_tokens: 1,
      }),
    'you requested 4097 tokens (4096 in the messages, 1 in the completion)',
  ],
  "Replicate's official Llama 2, whose engine adds nothing": [
    4096,
    replicate('meta/llama-2-70b-chat'),
    'E1002 PromptTooLong: Prompt length exceeds maximum input length. Detail: input length (4097) > 4096',
  ],
};

describe('a prompt fits to the token', () => {
  it.each(Object.entries(LIMITS))('%s', async (_, [most, ask, refused]) => {
    expect(await ask(words(most))).not.toMatch(/maximum|must be|E1002/);
    expect(await ask(words(most + 1))).toContain(refused);
  });
});

describe('an answer without a limit', () => {
  it('ends where the context does', async () => {
    const answer = JSON.parse(
      await post('/anyscale/v1/chat/completions', KEYS.anyscale, {
        model: 'llama-2-7b-chat',
        messages: [{ role: 'user', content: 'write 5000 words' }],
      }),
    );
    expect([answer.usage.total_tokens, answer.choices[0].finish_reason]).toEqual([4096, 'length']);
  });
});
