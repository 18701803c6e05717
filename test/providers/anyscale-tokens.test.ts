import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configureOpenAiCompatible } from '../../providers/anyscale/index.ts';
import type { Fetch, Provider } from '../../src/core/index.ts';
import { calm, chatJob, promptJob } from './support/openai-jobs.ts';

type Body = Readonly<Record<string, unknown>>;
type Routes = Readonly<Record<string, (body: Body) => Response>>;

const refused = (status: number) => Response.json({ error: { message: 'no', code: status } }, { status });

/** Servers as they answer when they are asked to count. */
const SERVERS = {
  vllm: {
    '/tokenize': (body) =>
      'messages' in body || 'prompt' in body
        ? Response.json({
            count: 'messages' in body ? 190 : 7,
            max_model_len: 4096,
            tokens: [1, 2, 3],
            token_strs: null,
          })
        : refused(400),
    '/detokenize': () => Response.json({ prompt: 'Hello world' }),
  },
  llama: {
    '/tokenize': (body) =>
      Response.json({
        tokens:
          typeof body.content === 'string'
            ? [
                { id: 19556, piece: 'Hello' },
                { id: 5549, piece: [32, 195] },
              ]
            : [],
      }),
    '/v1/chat/completions/input_tokens': () => Response.json({ input_tokens: 34, object: 'response.input_tokens' }),
    '/detokenize': () => Response.json({ content: 'Hello world' }),
  },
  // Refuses messages.
  ray: { '/tokenize': (body) => ('prompt' in body ? Response.json({ count: 7, tokens: [1] }) : refused(400)) },
  tgi: {
    '/tokenize': (body) => ('inputs' in body ? Response.json([{ id: 1, text: 'a', start: 0, stop: 1 }]) : refused(422)),
    '/chat_tokenize': () => Response.json({ tokenize_response: [{ id: 1 }, { id: 2 }], templated_text: 'x' }),
  },
  ollama: {},
} as const satisfies Record<string, Routes>;

function at(routes: Routes) {
  const asked: { path: string; body: Body }[] = [];
  const fetch: Fetch = async (input, init) => {
    const { pathname: path } = new URL(String(input));
    const body: Body = JSON.parse(String(init?.body));
    asked.push({ path, body });
    return routes[path]?.(body) ?? refused(404);
  };
  const { providers } = configureOpenAiCompatible(
    { OPENAI_COMPATIBLE_SERVICES: [{ id: 'mine', base_url: 'https://mine.example/v1', models: { m: {} } }] },
    fetch,
  );
  const [provider] = providers;
  if (!provider) throw new Error('not configured');
  return { asked, provider: provider as Required<Provider> };
}

const tools = [{ name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }];
const messages = [
  { role: 'user', content: 'Weather?' },
  { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'get_weather', arguments: '{"city":"Lima"}' }] },
  { role: 'tool', toolCallId: 'c1', content: 'clear' },
] as const;
const image = { type: 'image', url: 'data:image/png;base64,AA==' } as const;

describe('the tokens of a chat', () => {
  it.each<[keyof typeof SERVERS, number | undefined]>([
    ['vllm', 190],
    ['llama', 34],
    ['tgi', 2],
    ['ray', undefined],
    ['ollama', undefined],
  ])('are told by %s: %s', async (name, count) => {
    expect(await at(SERVERS[name]).provider.countTokens(chatJob(), calm())).toBe(count);
  });

  it.each(['vllm', 'llama', 'tgi'] as const)('are those of all that is sent to %s', async (name) => {
    const { asked, provider } = at(SERVERS[name]);
    await provider.countTokens(chatJob({ messages, tools }), calm());
    expect(asked.at(-1)?.body).toMatchObject({
      tools: [{ type: 'function', function: { name: 'get_weather' } }],
      messages: [
        { role: 'user' },
        { role: 'assistant', tool_calls: [{ function: { name: 'get_weather', arguments: '{"city":"Lima"}' } }] },
        { role: 'tool', tool_call_id: 'c1' },
      ],
    });
    expect(asked.at(-1)?.body).not.toHaveProperty('stream');
  });

  it.each<[string, Parameters<typeof chatJob>[0]]>([
    ['an image', { messages: [{ role: 'user', content: [image] }] }],
    ['tools that are not to be used', { tools, toolChoice: 'none' }],
    ['an effort to reason', { sampling: { reasoningEffort: 'low' } }],
  ])('are not told by vLLM, which does not take %s there', async (_what, job) => {
    const { asked, provider } = at(SERVERS.vllm);
    expect(await provider.countTokens(chatJob(job), calm())).toBeUndefined();
    expect(asked.map(({ path }) => path)).not.toContain('/tokenize');
  });

  it('are told by llama.cpp with images, which it is sent', async () => {
    const { asked, provider } = at(SERVERS.llama);
    expect(await provider.countTokens(chatJob({ messages: [{ role: 'user', content: [image] }] }), calm())).toBe(34);
    expect(JSON.stringify(asked.at(-1)?.body)).toContain(image.url);
  });
});

describe('the tokens of a raw prompt', () => {
  it.each<[keyof typeof SERVERS, number | undefined]>([
    ['vllm', 7],
    ['ray', 7],
    ['llama', 2],
    ['tgi', 1],
    ['ollama', undefined],
  ])('are told by %s: %s', async (name, count) => {
    expect(await at(SERVERS[name]).provider.countTokens(promptJob(), calm())).toBe(count);
  });
});

describe('what a server cannot do', () => {
  it('is learned: it is not asked for that again', async () => {
    const { asked, provider } = at(SERVERS.llama);
    await provider.countTokens(chatJob(), calm());
    await provider.countTokens(chatJob(), calm());
    expect(asked.map(({ path }) => path)).toEqual([
      '/tokenize',
      '/v1/chat/completions/input_tokens',
      '/v1/chat/completions/input_tokens',
    ]);
  });

  it('is not learned from one that fails for a moment', async () => {
    let up = false;
    const { provider } = at({ '/tokenize': () => (up ? Response.json({ count: 3 }) : refused(500)) });
    expect(await provider.countTokens(chatJob(), calm())).toBeUndefined();
    up = true;
    expect(await provider.countTokens(chatJob(), calm())).toBe(3);
  });
});

describe('a text', () => {
  const where = { model: 'm', service: 'mine' };

  it('is tokenized by llama.cpp, with the bytes of each token', async () => {
    expect(await at(SERVERS.llama).provider.tokenize(where, 'Hello Ñ', 'text', calm())).toEqual({
      ids: [19556, 5549],
      bytes: [new TextEncoder().encode('Hello'), Uint8Array.of(32, 195)],
    });
  });

  it('is tokenized by vLLM, with nothing in front', async () => {
    const { asked, provider } = at(SERVERS.vllm);
    expect(await provider.tokenize(where, 'Hello', 'text', calm())).toEqual({ ids: [1, 2, 3] });
    expect(asked[0]?.body).toMatchObject({ prompt: 'Hello', add_special_tokens: false });
  });

  it.each([
    ['byte-level BPE', 'Hi Ñ\n', ['Hi', 'ĠÃ', 'ĳ', 'Ċ'], ['Hi', ' \u00c3', '\u0091', '\n']],
    ['SentencePiece', 'Hi Ñ🦙', ['▁Hi', '▁Ñ', '<0xF0>', '<0x9F>', '<0xA6>', '<0x99>'], undefined],
  ])('has the bytes of each token from its names in %s', async (_how, text, names, latin) => {
    const { provider } = at({
      '/tokenize': () => Response.json({ count: names.length, tokens: names.map((_, id) => id), token_strs: names }),
    });
    const told = await provider.tokenize(where, text, 'text', calm());
    const bytes = (told?.bytes ?? []).flatMap((part) => [...part]);
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(text);
    expect(told?.bytes).toHaveLength(names.length);
    if (latin) expect(told?.bytes?.map((part) => String.fromCharCode(...part))).toEqual(latin);
  });

  it('has the bytes that it is made of, however a byte-level tokenizer splits it', async () => {
    // As bytes_to_unicode of GPT-2 has it: what cannot be printed comes behind U+0100, in order.
    const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const hidden = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable(byte));
    const letter = (byte: number) => String.fromCharCode(printable(byte) ? byte : 256 + hidden.indexOf(byte));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 5 }), async (text, size) => {
        const letters = [...new TextEncoder().encode(text)].map(letter);
        const names: string[] = [];
        for (let from = 0; from < letters.length; from += size) names.push(letters.slice(from, from + size).join(''));
        const { provider } = at({
          '/tokenize': () =>
            Response.json({ count: names.length, tokens: names.map((_, id) => id), token_strs: names }),
        });
        const told = await provider.tokenize(where, text, 'text', calm());
        expect(told?.bytes?.map(({ length }) => length)).toEqual(names.map(({ length }) => length));
        const bytes = (told?.bytes ?? []).flatMap((part) => [...part]);
        expect(bytes).toEqual([...new TextEncoder().encode(text)]);
      }),
    );
  });

  it('has no bytes where the names of its tokens do not come to it', async () => {
    const { provider } = at({
      '/tokenize': () => Response.json({ count: 2, tokens: [1, 2], token_strs: ['Hel', '##lo'] }),
    });
    expect(await provider.tokenize(where, 'Hello', 'text', calm())).toEqual({ ids: [1, 2] });
  });

  it.each(['vllm', 'llama'] as const)('is had back from %s', async (name) => {
    expect(await at(SERVERS[name]).provider.detokenize(where, [1, 2], calm())).toBe('Hello world');
  });

  it('is not tokenized by a server that cannot', async () => {
    const { provider } = at(SERVERS.ollama);
    expect(await provider.tokenize(where, 'Hello', 'text', calm())).toBeUndefined();
    expect(await provider.detokenize(where, [1], calm())).toBeUndefined();
  });
});
