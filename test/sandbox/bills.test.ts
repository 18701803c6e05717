import { describe, expect, it } from 'vitest';
import texts from '../tokens/vectors.json' with { type: 'json' };
import { eventually, KEYS, read, sandbox } from './support.ts';

const LLAMA_2 = 'meta-llama/Llama-2-70b-chat-hf';
const LLAMA_3 = 'meta-llama/Meta-Llama-3-8B-Instruct';

const box = sandbox();

async function post<T>(path: string, key: string, body: unknown): Promise<T> {
  const init = { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(body) };
  return read<T>(fetch(box.url + path, init));
}

interface OpenAiAnswer {
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
  readonly choices: readonly { readonly text: string; readonly finish_reason: string }[];
}

/** Billed for a prompt alone, on each wire's own request. */
const BILL = {
  vllm: async (model: string, prompt: string) =>
    (await post<OpenAiAnswer>('/anyscale/v1/completions', KEYS.anyscale, { model, prompt })).usage.prompt_tokens,
  together: async (model: string, prompt: string) =>
    (await post<OpenAiAnswer>('/together/v1/completions', KEYS.together, { model, prompt })).usage.prompt_tokens,
  invoke: async (model: string, prompt: string) => {
    const answer = await fetch(`${box.url}/bedrock/model/${encodeURIComponent(model)}/invoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.bedrock}` },
      body: JSON.stringify({ prompt }),
    });
    return Number(answer.headers.get('x-amzn-bedrock-input-token-count'));
  },
  replicate: async (model: string, prompt: string) => {
    const [name, version] = model.split(':');
    const [path, by] = version ? ['predictions', { version }] : [`models/${name}/predictions`, {}];
    const input = { prompt, prompt_template: '{prompt}' };
    const { id } = await post<{ id: string }>(`/replicate/v1/${path}`, KEYS.replicate, { ...by, input });
    return eventually(async () => {
      const headers = { authorization: `Bearer ${KEYS.replicate}` };
      const got = await fetch(`${box.url}/replicate/v1/predictions/${id}`, { headers });
      const { metrics }: { metrics?: { input_token_count: number } } = await got.json();
      return metrics?.input_token_count;
    });
  },
};

/** AWS's own example, which begins with a mark that Llama 2 reads as one token. */
const AWS_EXAMPLE = `<s>[INST] <<SYS>>
You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe.  Your
answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. Please ensure
that your responses are socially unbiased and positive in nature.

If a question does not make any sense, or is not factually coherent, explain why instead of answering something not
correct. If you don't know the answer to a question, please don't share false information.
<</SYS>>

There's a llama in my garden  What should I do? [/INST]`;

const JOKE = 'Tell me a joke about OpenTelemetry.';
const PINNED = 'meta/llama-2-70b-chat:02e509c789964a7ea8736978a43525956ef40397be9033abf9fd2badfe68c9e3';
const HELLO = '<s>[INST] Hello! [/INST]';
const HEADER = '<|begin_of_text|>Hello';

describe('a raw prompt is billed', () => {
  it.each<[string, keyof typeof BILL, string, string, number]>([
    // Recorded at providers.
    [
      'as Bedrock billed it for Llama 3',
      'invoke',
      'meta.llama3-70b-instruct-v1:0',
      'Tell me a joke about opentelemetry',
      8,
    ],
    [
      'as Bedrock billed it for Llama 3 8B',
      'invoke',
      'meta.llama3-8b-instruct-v1:0',
      'What is the capital of France?',
      7,
    ],
    [
      'as Bedrock billed it for Llama 3 8B, once more',
      'invoke',
      'meta.llama3-8b-instruct-v1:0',
      'Hello, how are you?',
      6,
    ],
    ['as Bedrock billed it for Llama 3.1', 'invoke', 'us.meta.llama3-1-70b-instruct-v1:0', 'Say this is a test', 5],
    ['as Bedrock billed it for Mistral', 'invoke', 'mistral.mistral-7b-instruct-v0:2', 'Say this is a test', 6],
    ['as Together billed it', 'together', 'mistralai/Mistral-7B-Instruct-v0.2', JOKE, 10],
    // Bedrock billed these for Llama 2, which it has taken off since; vLLM adds the same token.
    ['as Bedrock billed it for Llama 2', 'vllm', LLAMA_2, "What does 'lorem ipsum' mean?", 10],
    ['with a mark of its own and the one that is added', 'vllm', LLAMA_2, AWS_EXAMPLE, 158],
    // Read from the servers' code.
    ['with one mark by the versions of 2023', 'replicate', PINNED, HELLO, 10],
    ['with a mark that the official Llama 2 never saw', 'replicate', 'meta/llama-2-70b-chat', HELLO, 11],
    ['with a mark that the official Llama 3 never saw', 'replicate', 'meta/meta-llama-3-8b-instruct', HEADER, 3],
    ['with both marks by vLLM', 'replicate', 'meta/meta-llama-3.1-405b-instruct', HEADER, 3],
    ['with both marks by llama.cpp', 'replicate', 'meta/codellama-34b-instruct', HELLO, 11],
    ['without any where the tokenizer has none', 'vllm', 'openai/gpt-oss-20b', 'Hello', 1],
  ])('%s', async (_, wire, model, prompt, billed) => {
    expect(await BILL[wire](model, prompt)).toBe(billed);
  });

  it('as the journal has it, with the ids that the engine read', async () => {
    await BILL.replicate('meta/llama-2-70b-chat', HELLO);
    await BILL.replicate(PINNED, HELLO);
    await BILL.vllm(LLAMA_2, HELLO);
    const generated = (await box.journal()).filter((entry) => entry.promptTokens !== undefined);
    const [, ...text] = [1, 518, 25580, 29962, 15043, 29991, 518, 29914, 25580, 29962];
    expect(generated.map(({ prompt, promptTokens, promptIds }) => [prompt, promptTokens, promptIds])).toEqual([
      [HELLO, 11, [1, ...text]],
      [HELLO.slice(3), 10, [1, ...text]],
      [HELLO, 11, [1, 1, ...text]],
    ]);
  });
});

describe('ids are those of independent tokenizers', () => {
  interface Tokens {
    readonly count: number;
    readonly tokens: number[];
  }
  const tokenize = (model: string, prompt: string) =>
    post<Tokens>('/anyscale/tokenize', KEYS.anyscale, { model, prompt, add_special_tokens: false });
  // JavaScript's white space is not that of the references, and marks are read as such here.
  const known = texts.texts.filter(({ name }) => !/nel and bom|markers|bos eos/.test(name) && !name.includes(' x '));

  it.each([
    [LLAMA_2, 'llama2'],
    [LLAMA_3, 'llama3'],
  ] as const)('of %s', async (model, family) => {
    for (const vector of known) {
      const { tokens, count } = await tokenize(model, vector.text ?? '');
      expect([vector.name, tokens.join(' '), count]).toEqual([
        vector.name,
        vector[family].ids ?? '',
        vector[family].count,
      ]);
    }
  });

  it.each([LLAMA_2, LLAMA_3, 'mistralai/Mixtral-8x7B-Instruct-v0.1', 'openai/gpt-oss-20b'])(
    'and give the text back: %s',
    async (model) => {
      for (const prompt of [' ñandú 🦙\n\n  x', 'constructor', ...(model === LLAMA_2 ? ['</s>a</s> b'] : [])]) {
        const { tokens } = await tokenize(model, prompt);
        expect(await post('/anyscale/detokenize', KEYS.anyscale, { model, tokens })).toEqual({ prompt });
      }
    },
  );
});

describe('an answer is billed its text, and the token that ends it', () => {
  const TEXT = 'Llamas, ñandúes and 1,234 alpacas 🦙🦙 graze; don’t they?';

  it.each([LLAMA_2, LLAMA_3, 'mistralai/Mixtral-8x7B-Instruct-v0.1', 'codellama/CodeLlama-34b-Instruct-hf'])(
    'and cut at the limit of tokens, if at all: %s',
    async (model) => {
      const ask = (max_tokens: number) =>
        post<OpenAiAnswer>('/anyscale/v1/completions', KEYS.anyscale, { model, prompt: `repeat: ${TEXT}`, max_tokens });
      const { tokens } = await post<{ tokens: number[] }>('/anyscale/tokenize', KEYS.anyscale, { model, prompt: TEXT });
      // Without begin-of-sequence, and with the end.
      const whole = tokens.length;
      for (let limit = 1; limit <= whole + 1; limit++) {
        const { usage, choices } = await ask(limit);
        const [{ text = '', finish_reason: reason } = {}] = choices;
        expect([usage.completion_tokens, reason]).toEqual([Math.min(limit, whole), limit < whole ? 'length' : 'stop']);
        expect(TEXT.startsWith(text)).toBe(true);
        expect(text === TEXT).toBe(limit >= whole - 1);
      }
    },
  );

  it('thoughts included', async () => {
    const ask = { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'count to 5' }] };
    const of = async (max_tokens: number) =>
      (await post<OpenAiAnswer>('/anyscale/v1/chat/completions', KEYS.anyscale, { ...ask, max_tokens })).usage;
    expect([(await of(3)).completion_tokens, (await of(20)).completion_tokens]).toEqual([3, 20]);
  });
});

describe('what no library copes with is estimated', () => {
  const count = async (model: string, prompt: string) => {
    const answer = await post<OpenAiAnswer>('/anyscale/v1/completions', KEYS.anyscale, { model, prompt });
    const [entry] = (await box.journal()).slice(-1);
    return { tokens: answer.usage?.prompt_tokens ?? entry?.promptTokens, ids: entry?.promptIds };
  };

  it.each([
    ['models without a library', 'my-qwen', 'Hello there', 3],
    ['long texts', 'llama-3.1', 'word '.repeat(25_000), 25_002],
    ['words that llama3-tokenizer-js throws at', LLAMA_3, '駱'.repeat(99_000), 24_751],
    ['words that take quadratic time', 'openai/gpt-oss-20b', 'a'.repeat(5000), 1250],
  ])('%s', async (_, model, prompt, tokens) => {
    expect(await count(model, prompt)).toEqual({ tokens, ids: undefined });
  });
});
