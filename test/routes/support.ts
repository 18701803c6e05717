import { createApp } from '../../src/app.ts';
import type { Fetch } from '../../src/core/index.ts';

export const KEY = 'test-admin-key';
/** A model of one's own, on a server that each test plays. */
export const MODEL = 'my-model';

const env = {
  CHASQUI_ADMIN_KEY: KEY,
  OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
    { id: 'mine', base_url: 'http://mine.example/v1', token: 'mine-token-5f1d', models: { [MODEL]: {} } },
  ]),
};

/** @param tokens of the answer, as it is billed */
export const completionOf = (text: string, tokens = 2): Record<string, unknown> => ({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: MODEL,
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: tokens, total_tokens: 3 + tokens },
});

/** The gateway as its routes are, in this isolate, with one server behind it. */
export function gateway(network: Fetch, settings: Readonly<Record<string, unknown>> = {}) {
  const app = createApp({ ...env, ...settings }, network);
  return async (method: string, path: string, body?: BodyInit | object | null, headers: HeadersInit = {}) => {
    const plain = body === undefined || body === null || typeof body === 'string' || isBody(body);
    return app.request(`http://gateway.example${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, ...headers },
      ...(body === undefined || body === null ? {} : { body: plain ? (body as BodyInit) : JSON.stringify(body) }),
    });
  };
}

const isBody = (body: BodyInit | object): boolean =>
  body instanceof ReadableStream || body instanceof Uint8Array || body instanceof ArrayBuffer;

export interface ErrorAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly type: string;
}

export async function errorOf(answer: Response): Promise<ErrorAnswer> {
  const { error } = await answer.json<{ error: Omit<ErrorAnswer, 'status'> }>();
  return { status: answer.status, ...error };
}

export const hi = { model: MODEL, messages: [{ role: 'user', content: 'Hi' }] };
