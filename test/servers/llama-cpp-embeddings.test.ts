import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { KEY } from '../support/gateway.ts';
import { serveWorkers } from '../support/workerd.ts';
import { ALIAS, type LlamaServer, startLlamaCpp } from './llama-cpp.ts';

/** llama.cpp's server as `llama-server --embedding --pooling mean` starts it, with a real model, behind the gateway. */
describeWithPython('a llama.cpp server that makes embeddings', 'wheels', (python) => {
  const TEXTS = ['The llama carries loads over the passes.', 'Ñandú 🦙', 'Sourdough bread rises slowly.'];
  const DIMENSIONS = 576;
  let server: LlamaServer;
  let served: Awaited<ReturnType<typeof serveWorkers>>;
  let client: OpenAI;
  beforeAll(async () => {
    server = await startLlamaCpp(python, { context: 128, slots: 2, embedding: true });
    const models = { [ALIAS]: { kind: 'embedding', dimensions: DIMENSIONS, context_length: 128 } };
    const services = [{ id: 'vectors', base_url: `${server.url}/v1`, models }];
    const bindings = { CHASQUI_ADMIN_KEY: KEY, OPENAI_COMPATIBLE_SERVICES: JSON.stringify(services) };
    served = await serveWorkers([{ name: 'gateway', config: 'wrangler.toml', bindings }]);
    client = new OpenAI({ baseURL: `${served.urls.gateway}/v1`, apiKey: KEY, maxRetries: 0 });
  });
  afterAll(async () => {
    await served.stop();
    await server.kill();
  });

  interface Direct {
    readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
    readonly usage: { readonly prompt_tokens: number };
  }
  const direct = async (input: unknown): Promise<Direct> =>
    (await server.post('/v1/embeddings', { model: ALIAS, input })).json();
  const apart = (a: readonly number[], b: readonly number[]): number =>
    Math.max(...a.map((value, at) => Math.abs(value - (b[at] ?? Number.NaN))));

  it('gives the vectors that it makes, in the order of the texts, and what it counted', async () => {
    const expected = await direct(TEXTS);
    for (const encoding_format of [undefined, 'float', 'base64'] as const) {
      const asked = { model: ALIAS, input: TEXTS, ...(encoding_format ? { encoding_format } : {}) };
      const answer = await client.embeddings.create(asked);
      expect(answer.data.map(({ index }) => index)).toEqual([0, 1, 2]);
      for (const [at, { embedding }] of answer.data.entries()) {
        const vector =
          typeof embedding === 'string'
            ? [...new Float32Array(Uint8Array.from(Buffer.from(embedding, 'base64')).buffer)]
            : embedding;
        expect(vector).toHaveLength(DIMENSIONS);
        // Texts that are read together may differ in the last bits.
        expect(apart(vector, expected.data[at]?.embedding ?? [])).toBeLessThan(1e-3);
      }
      expect(answer.usage.prompt_tokens).toBe(expected.usage.prompt_tokens);
    }
    const [one, other] = expected.data;
    expect(apart(one?.embedding ?? [], other?.embedding ?? [])).toBeGreaterThan(1e-2);
  });

  it('is told of what it does not do, by the field', async () => {
    const failed = async (run: () => Promise<unknown>) => {
      const error = await run().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error instanceof OpenAI.APIError) return error;
      throw new Error(`no error of the API's: ${String(error)}`);
    };
    const shorter = await failed(() => client.embeddings.create({ model: ALIAS, input: 'Hi', dimensions: 64 }));
    expect([shorter.status, shorter.param]).toEqual([400, 'dimensions']);
    const long = await failed(() => client.embeddings.create({ model: ALIAS, input: 'llama '.repeat(400) }));
    expect([long.status, long.code]).toEqual([400, 'context_length_exceeded']);
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const chat = await failed(() => client.chat.completions.create({ model: ALIAS, messages }));
    expect(chat.message).toMatch(/POST \/v1\/embeddings/);
  });
});
