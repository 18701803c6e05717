import { env } from 'cloudflare:workers';
import { type Accounts, type KeySettings, keyring } from '../../src/accounts/index.ts';
import { createApp } from '../../src/app.ts';
import type { CallRecord } from '../../src/core/index.ts';
import { completionOf, KEY, MODEL } from './support.ts';

const { ACCOUNT } = env as unknown as { readonly ACCOUNT: Accounts };

const service = (id: string, price: object | undefined, models: Readonly<Record<string, object>>) => ({
  id,
  base_url: `http://${id}.example/v1`,
  token: 'mine-token-5f1d',
  models,
  ...(price ? { price } : {}),
});

/** A nano-dollar for a token of the prompt and two for one of the answer at `mine`, ten times that at `dear`. */
const SERVICES = JSON.stringify([
  service(
    'mine',
    { input_per_mtok: '0.001', output_per_mtok: '0.002' },
    {
      [MODEL]: { family: 'llama-3', context_length: 1_000 },
      apart: { family: 'llama-3', context_length: 1_000 },
    },
  ),
  service(
    'dear',
    { input_per_mtok: '0.01', output_per_mtok: '0.02' },
    {
      [MODEL]: { family: 'llama-3', context_length: 1_000 },
    },
  ),
  service('unpriced', undefined, { unpriced: { family: 'llama-3', context_length: 1_000 } }),
]);

export interface Sent {
  readonly service: string;
  readonly body: Readonly<Record<string, unknown>>;
}

let accounts = 0;

/** A key of a new account with these settings, and a gateway before servers that answer as the test says. */
export async function holder(
  settings: Partial<KeySettings>,
  answer: (sent: Sent) => Response | Promise<Response> = () => Response.json(completionOf('Hello')),
) {
  const account = `budget-${accounts++}`;
  const { id, text, secretHash } = await keyring(KEY).make(account, Date.now());
  const rpc = ACCOUNT.getByName(account);
  await rpc.createKey({ id, secretHash, settings: { name: 'test', atLimit: 'clamp', ...settings } });
  const sent: Sent[] = [];
  const background: Promise<void>[] = [];
  const records: CallRecord[] = [];
  const app = createApp(
    { CHASQUI_ADMIN_KEY: KEY, ACCOUNT, OPENAI_COMPATIBLE_SERVICES: SERVICES },
    async (input, init) => {
      const one = {
        service: new URL(String(input)).hostname.split('.')[0] ?? '',
        body: JSON.parse(String(init?.body)),
      };
      sent.push(one);
      const { signal } = init ?? {};
      return new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        Promise.resolve(answer(one)).then(resolve, reject);
      });
    },
    (work) => background.push(work),
    (record) => records.push(record),
  );
  return {
    rpc,
    sent,
    records: () => records,
    post: async (path: string, body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
      app.request(`http://gateway.example${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${text}`, ...headers },
        body: JSON.stringify(body),
        ...(signal ? { signal } : {}),
      }),
    /** What is held now. */
    pending: async () => (await rpc.keyState(id))?.pending ?? 0n,
    /** Once all calls are settled. */
    async state() {
      for (let seen = 0; seen < background.length; ) {
        seen = background.length;
        await Promise.all(background);
      }
      const state = await rpc.keyState(id);
      return { spent: state?.spent, pending: state?.pending, running: state?.running };
    },
  };
}

export const budget = (limit: bigint): Partial<KeySettings> => ({ budget: { limit, period: 'total' } });

const chunk = (delta: object, finish: string | null = null) => ({
  id: 'x',
  object: 'chat.completion.chunk',
  created: 1,
  model: MODEL,
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** A stream of these texts, and how it goes on: to its end, broken off, or silent for ever. */
export function sse(texts: readonly string[], then: 'complete' | 'broken' | 'endless'): Response {
  const events: object[] = [chunk({ role: 'assistant', content: '' }), ...texts.map((content) => chunk({ content }))];
  if (then === 'complete') {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    events.push(chunk({}, 'stop'), { ...chunk({}), choices: [], usage });
  }
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(then === 'complete' ? `${text}data: [DONE]\n\n` : text));
      if (then !== 'endless') controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

/** An answer that takes longer than any test waits for. */
export const slowly = (answer: () => Response): Promise<Response> =>
  new Promise((resolve) => setTimeout(() => resolve(answer()), 60_000));
