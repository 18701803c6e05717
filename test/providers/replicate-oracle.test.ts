import fc from 'fast-check';
import Replicate from 'replicate';
import { describe, expect, it } from 'vitest';
import { type ReplicateApi, replicateApi } from '../../providers/replicate/api.ts';
import type { CreateRequest } from '../../providers/replicate/input.ts';
import type { Fetch } from '../../src/core/index.ts';

/** A request as it reaches the network. */
interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** A network that notes what it is sent, and answers every request with a prediction. */
function network() {
  const sent: Sent[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const headers = [...request.headers].sort(([a], [b]) => (a < b ? -1 : 1));
    sent.push({ method: request.method, url: request.url, headers, body: await request.text() });
    return new Response('{"id": "abc", "status": "succeeded", "output": "Hi"}');
  };
  return { sent, fetch };
}

const token = fc.stringMatching(/^r8_[A-Za-z0-9]{8,40}$/);
const baseUrl = fc.constantFrom(
  'https://api.replicate.com/v1',
  'https://api.replicate.com/v1/',
  'http://127.0.0.1:8080/replicate/v1',
  'https://PROXY.example/a/../b',
  'https://proxy.example',
  'https://proxy.example/v1?key=1',
);
const id = fc.stringMatching(/^[\w-]{1,40}$/);
const create: fc.Arbitrary<CreateRequest> = fc.record({
  route: fc.constantFrom('predictions', 'models/meta/llama-2-70b-chat/predictions', 'models/a.b/c-d_e/predictions'),
  headers: fc.oneof(fc.constant({ 'Cancel-After': '30s' }), fc.constant({ 'Cancel-After': '2m', Prefer: 'wait=5' })),
  data: fc.record({
    input: fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean())),
  }),
});

/** What each side sends for the same settings and the same question. */
async function both(
  settings: { readonly token: string; readonly baseUrl: string },
  ours: (api: ReplicateApi, signal: AbortSignal) => Promise<unknown>,
  theirs: (client: Replicate, signal: AbortSignal) => Promise<unknown>,
) {
  const [mine, official] = [network(), network()];
  const { signal } = new AbortController();
  await ours(replicateApi({ ...settings, fetch: mine.fetch }), signal);
  const client = new Replicate({
    auth: settings.token,
    baseUrl: settings.baseUrl,
    userAgent: 'chasqui',
    fetch: (input: string | URL | Request, init?: RequestInit) => official.fetch(input, init),
  });
  await theirs(client, signal);
  expect(mine.sent).toEqual(official.sent);
  expect(mine.sent).toHaveLength(1);
}

describe('a request of ours is the one that the official package sends', () => {
  it('to create a prediction', async () => {
    await fc.assert(
      fc.asyncProperty(token, baseUrl, create, (token, baseUrl, request) =>
        both(
          { token, baseUrl },
          (api, signal) => api.create(request, signal),
          (client, signal) =>
            client.request(request.route, { method: 'POST', headers: request.headers, data: request.data, signal }),
        ),
      ),
    );
  });

  it('to read one, and to cancel one', async () => {
    await fc.assert(
      fc.asyncProperty(token, baseUrl, id, async (token, baseUrl, id) => {
        await both(
          { token, baseUrl },
          (api, signal) => api.get(id, signal),
          (client) => client.predictions.get(id),
        );
        await both(
          { token, baseUrl },
          (api, signal) => api.cancel(id, signal),
          (client) => client.predictions.cancel(id),
        );
      }),
    );
  });
});
