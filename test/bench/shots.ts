/** The requests of each row: the same question to a gateway, in the dialect of the row, and to the bare Worker. */
import { bodiesFor, type Case, conversation, conversations, type Message, MODELS, unseenText } from './cases.ts';
import type { Shot } from './load.ts';
import type { BenchProvider } from './wires.ts';
import { AUTHORIZATION, EMBEDDING_MODELS } from './workers.ts';

/** How an answer of each provider ends, as the bare Worker passes it on. */
const ENDS: Readonly<Record<BenchProvider, readonly [json: string, stream: string]>> = {
  bedrock: ['end_turn', 'end_turn'],
  replicate: ['succeeded', 'event: done'],
  together: ['"usage"', '[DONE]'],
  anyscale: ['"usage"', '[DONE]'],
};

interface DialectShots {
  readonly name: string;
  readonly path: string;
  readonly body: (messages: readonly Message[]) => object;
  /** What is in the end of a whole answer, and of a whole stream. */
  readonly ends: readonly [json: string, stream: string];
}

/** The same call in another dialect. */
export const DIALECTS = {
  messages: {
    name: 'Messages',
    path: '/v1/messages',
    body: (messages) => ({
      ...(messages[0]?.role === 'system' ? { system: messages[0].content } : {}),
      messages: messages.filter(({ role }) => role !== 'system'),
      max_tokens: 256,
    }),
    ends: ['"stop_reason":"end_turn"', 'message_stop'],
  },
  responses: {
    name: 'Responses',
    path: '/v1/responses',
    body: (messages) => ({
      ...(messages[0]?.role === 'system' ? { instructions: messages[0].content } : {}),
      input: messages.filter(({ role }) => role !== 'system'),
      max_output_tokens: 256,
      store: false,
    }),
    ends: ['"status":"completed"', 'response.completed'],
  },
} as const satisfies Readonly<Record<string, DialectShots>>;

export type BenchDialect = keyof typeof DIALECTS;

/** Texts of an embeddings call, and their length. */
export const TEXTS_EMBEDDED = 256;
const TEXT_CHARACTERS = 114;

const headers = { authorization: AUTHORIZATION };

const embeddingsBody = (provider: BenchProvider, encoding: 'float' | 'base64'): Buffer =>
  Buffer.from(
    JSON.stringify({
      model: EMBEDDING_MODELS[provider],
      input: Array.from({ length: TEXTS_EMBEDDED }, () => unseenText(TEXT_CHARACTERS)),
      provider: { only: [provider] },
      encoding_format: encoding,
    }),
  );

export const SAMPLES = 5;

const voteBody = (provider: BenchProvider): Buffer =>
  Buffer.from(
    JSON.stringify({
      model: MODELS[provider],
      messages: conversation(1, 'vote'),
      max_tokens: 256,
      temperature: 0.7,
      provider: { only: [provider] },
      vote: { samples: SAMPLES },
    }),
  );

/** Of a Worker that is the gateway (`now`, `before`) or only passes that provider's own answer on. */
export function shotAt(
  contender: 'now' | 'before' | 'bare',
  port: number,
  provider: BenchProvider,
  { api, messages, stream: pace }: Pick<Case, 'api' | 'messages' | 'stream'>,
): Shot {
  const bare = contender === 'bare';
  if (api === 'vote') {
    const body = () => voteBody(provider);
    if (bare) return { port, path: `/${provider}/bare`, headers, body, ending: ENDS[provider][0] };
    return { port, path: '/v1/chat/completions', headers, body, ending: '"vote"' };
  }
  if (api) {
    const body = () => embeddingsBody(provider, api);
    return { port, path: bare ? `/${provider}/bare/embeddings` : '/v1/embeddings', headers, body, ending: '"usage"' };
  }
  const body = bodiesFor(provider, messages, pace);
  if (bare) return { port, path: `/${provider}/bare`, headers, body, ending: ENDS[provider][pace ? 1 : 0] };
  return { port, path: '/v1/chat/completions', headers, body, ending: pace ? '[DONE]' : '"finish_reason":"stop"' };
}

/** The gateway asked for the same in another dialect. */
export function dialectShotAt(
  dialect: BenchDialect,
  port: number,
  provider: BenchProvider,
  { messages, stream: pace }: Pick<Case, 'messages' | 'stream'>,
): Shot {
  const { path, body, ends } = DIALECTS[dialect];
  const next = conversations(messages, pace);
  const asked = {
    model: MODELS[provider],
    temperature: 0.7,
    provider: { only: [provider] },
    stream: pace !== undefined,
  };
  return {
    port,
    path,
    headers,
    body: () => Buffer.from(JSON.stringify({ ...asked, ...body(next()) })),
    ending: ends[pace ? 1 : 0],
  };
}
