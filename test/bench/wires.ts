import { event } from '../sandbox/bedrock/eventstream.ts';

/** The four wires, by the name of the provider that speaks them. */
export const PROVIDERS = ['bedrock', 'replicate', 'together', 'anyscale'] as const;
export type BenchProvider = (typeof PROVIDERS)[number];

/**
 * How a stream is written: an event every 2 ms (`long`: many of them), one write for each event without a pause, all in one
 * write, a few in one write for the time to the first, or an event every second, for streams that are held open.
 */
export const PACES = ['paced', 'rush', 'burst', 'first', 'long', 'slow'] as const;
export type Pace = (typeof PACES)[number];

/** Events that carry text, per stream; the few that open and close it come on top. */
export const TEXTS: Readonly<Record<Pace, number>> = {
  paced: 100,
  rush: 200,
  burst: 200,
  first: 3,
  long: 1000,
  slow: 60,
};

/** Milliseconds between two events of a paced stream, and it is what keeps each of them a network read of its own. */
export const PACE_MS = 2;
export const SLOW_MS = 1000;

const TOKEN = ' token';
const PROMPT_TOKENS = 52;

const encoder = new TextEncoder();
const texts = (pace: Pace): string[] => Array.from({ length: TEXTS[pace] }, (_, i) => (i === 0 ? 'Hello' : TOKEN));
const textOf = (pace: Pace): string => texts(pace).join('');

const ANSWER =
  'Why did the trace go to therapy? Because it was struggling to debug its issues and was feeling a little unreliable.';
const usage = (output: number) => ({
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: output,
  total_tokens: PROMPT_TOKENS + output,
});

const data = (chunk: object): Uint8Array => encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`);
const DONE = encoder.encode('data: [DONE]\n\n');

/** As in test/captures/together: the text comes twice, and the usage with the last chunk. */
const together = {
  json: {
    id: '88fa668fac30bb19-MXP',
    object: 'chat.completion',
    created: 1717697862,
    model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    prompt: [],
    choices: [{ finish_reason: 'stop', logprobs: null, index: 0, message: { role: 'assistant', content: ANSWER } }],
    usage: usage(30),
  },
  stream(pace: Pace): Uint8Array[] {
    const head = { id: 'ogzjdpL-6Ng1vN-9f391a08f8af75e1', object: 'chat.completion.chunk', created: 1777411129 };
    const chunk = (text: string, finish: string | null, used: object | null): Uint8Array =>
      data({
        ...head,
        choices: [
          {
            index: 0,
            text,
            logprobs: null,
            finish_reason: finish,
            seed: null,
            delta: { token_id: null, role: 'assistant', content: text },
          },
        ],
        model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
        usage: used,
      });
    return [...texts(pace).map((text) => chunk(text, null, null)), chunk('', 'stop', usage(TEXTS[pace])), DONE];
  },
};

/** vLLM behind Ray Serve: a role chunk, the text, a finish, the usage in a chunk without choices. */
const anyscale = {
  json: {
    id: 'chatcmpl-308fc81f746e4682af7005d35b2ee17d',
    object: 'chat.completion',
    created: 1777411129,
    model: 'meta-llama/Llama-3.3-70B-Instruct',
    choices: [{ index: 0, message: { role: 'assistant', content: ANSWER }, logprobs: null, finish_reason: 'stop' }],
    usage: usage(30),
  },
  stream(pace: Pace): Uint8Array[] {
    const head = {
      id: 'chatcmpl-308fc81f746e4682af7005d35b2ee17d',
      object: 'chat.completion.chunk',
      created: 1777411129,
      model: 'meta-llama/Llama-3.3-70B-Instruct',
    };
    const chunk = (delta: object, finish: string | null): Uint8Array =>
      data({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
    return [
      chunk({ role: 'assistant', content: '' }, null),
      ...texts(pace).map((content) => chunk({ content }, null)),
      chunk({}, 'stop'),
      data({ ...head, choices: [], usage: usage(TEXTS[pace]) }),
      DONE,
    ];
  },
};

/** Amazon's binary frames, CRCs and padding included. */
const bedrock = {
  json: {
    metrics: { latencyMs: 589 },
    output: { message: { content: [{ text: ANSWER }], role: 'assistant' } },
    stopReason: 'end_turn',
    usage: { inputTokens: PROMPT_TOKENS, outputTokens: 30, totalTokens: PROMPT_TOKENS + 30 },
  },
  stream(pace: Pace): Uint8Array[] {
    const output = TEXTS[pace];
    return [
      event('messageStart', { role: 'assistant' }),
      ...texts(pace).map((text) => event('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })),
      event('contentBlockStop', { contentBlockIndex: 0 }),
      event('messageStop', { stopReason: 'end_turn' }),
      event('metadata', {
        metrics: { latencyMs: 638 },
        usage: { inputTokens: PROMPT_TOKENS, outputTokens: output, totalTokens: PROMPT_TOKENS + output },
      }),
    ];
  },
};

/** A prediction as Replicate answers it: created by a stream's caller it is starting, otherwise it has ended. */
export function prediction(origin: string, pace: Pace | undefined, ended: boolean): string {
  const id = `bench${pace ?? 'json'}`;
  return JSON.stringify({
    id,
    model: 'meta/meta-llama-3-70b-instruct',
    version: 'hidden',
    input: { prompt: 'bench' },
    logs: '',
    output: ended ? (pace ? texts(pace) : [ANSWER]) : null,
    data_removed: false,
    error: null,
    status: ended ? 'succeeded' : 'starting',
    created_at: '2024-04-22T11:15:01.04Z',
    ...(ended ? { completed_at: '2024-04-22T11:15:02.04Z' } : {}),
    urls: {
      cancel: `${origin}/replicate/v1/predictions/${id}/cancel`,
      get: `${origin}/replicate/v1/predictions/${id}`,
      stream: `${origin}/replicate/stream/${id}`,
    },
    ...(ended
      ? {
          metrics: {
            input_token_count: PROMPT_TOKENS,
            output_token_count: pace ? TEXTS[pace] : 30,
            predict_time: 0.5,
          },
        }
      : {}),
  });
}

const replicate = {
  stream: (pace: Pace): Uint8Array[] => [
    ...texts(pace).map((text, i) => encoder.encode(`event: output\nid: 1707756341:${i}\ndata: ${text}\n\n`)),
    encoder.encode('event: done\nid: 1707756343:0\ndata: {}\n\n'),
  ],
};

export const JSON_ANSWERS = { bedrock, together, anyscale };
export const STREAMS = { bedrock, replicate, together, anyscale };

/** What a caller must have read when a stream has ended well. */
export const expectedText = (pace: Pace | undefined): string => (pace ? textOf(pace) : ANSWER);

const VECTOR_LENGTH = 1024;
/** vLLM and Together write a 32-bit float with the digits of a 64-bit one: some 21 characters. */
const vectorOf = (text: number): Float32Array =>
  Float32Array.from({ length: VECTOR_LENGTH }, (_, at) => Math.sin(text * 31 + at * 7.3) / 23);

/** An answer to a call for embeddings, as both servers of OpenAI's wire write it. */
export function embeddingsAnswer(texts: number, base64: boolean): string {
  const data = Array.from({ length: texts }, (_, index) => {
    const vector = vectorOf(index);
    return {
      object: 'embedding',
      index,
      embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : [...vector],
    };
  });
  const tokens = texts * 24;
  const used = { prompt_tokens: tokens, total_tokens: tokens };
  return JSON.stringify({ id: 'embd-bench', object: 'list', model: 'bench', data, usage: used });
}
