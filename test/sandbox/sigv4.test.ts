import { createHash } from 'node:crypto';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { describe, expect, it } from 'vitest';
import { KEYS, sandbox } from './support.ts';

interface Sent {
  url: string;
  headers: Headers;
  body: string;
}

const SESSION = 'session-token/with+signs=';
const box = sandbox({ AWS_SESSION_TOKEN: SESSION });

/** A request as the SDK signs it, caught before it leaves. */
async function signed(): Promise<Sent> {
  let caught: Sent | undefined;
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: `${box.url}/bedrock`,
    credentials: { ...KEYS.aws, sessionToken: SESSION },
    requestHandler: new FetchHttpHandler({
      customFetch: async (input: RequestInfo | URL) => {
        const request = input as Request;
        caught = { url: request.url, headers: request.headers, body: await request.text() };
        return new Response('{"output":{}}', { headers: { 'content-type': 'application/json' } });
      },
    }),
  });
  await client.send(
    new ConverseCommand({
      modelId: 'meta.llama3-70b-instruct-v1:0',
      messages: [{ role: 'user', content: [{ text: 'hello' }] }],
    }),
  );
  if (!caught) throw new Error('The SDK sent nothing.');
  return caught;
}

function send({ url, headers, body }: Sent): Promise<Response> {
  // Not signed, and wrong for another body.
  headers.delete('content-length');
  return fetch(url, { method: 'POST', headers, body });
}

/** The stamp that the signature covers, moved by some minutes. */
const moved = (minutes: number): string =>
  new Date(Date.now() + minutes * 60_000).toISOString().replace(/[-:]|\.\d+/g, '');

describe('a signed request', () => {
  it('is let in as it was signed, session token and all', async () => {
    expect((await send(await signed())).status).toBe(200);
  });

  it.each<[string, (sent: Sent) => void]>([
    ['body', (sent) => (sent.body = sent.body.replace('hello', 'hullo'))],
    [
      'body and its hash',
      (sent) => {
        sent.body = '{"messages":[]}';
        sent.headers.set('x-amz-content-sha256', createHash('sha256').update(sent.body).digest('hex'));
      },
    ],
    ['path', (sent) => (sent.url = sent.url.replace('llama3-70b', 'llama3-8b'))],
    ['operation', (sent) => (sent.url = sent.url.replace(/converse$/, 'converse-stream'))],
    ['query', (sent) => (sent.url += '?a=b')],
    ['date', (sent) => sent.headers.set('x-amz-date', moved(1))],
    ['session token', (sent) => sent.headers.set('x-amz-security-token', `${SESSION}x`)],
    ['method of signing', (sent) => sent.headers.set('authorization', 'AWS4-HMAC-SHA256 Credential=x')],
  ])('is refused once its %s has changed', async (_, change) => {
    const sent = await signed();
    change(sent);
    const answer = await send(sent);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-amzn-errortype')).toMatch(/^\w+Exception:/);
    expect(answer.headers.get('x-sandbox')).toBe('bedrock');
  });

  it('is refused when the clock is wrong', async () => {
    const sent = await signed();
    sent.headers.set('x-amz-date', moved(-6));
    const answer = await send(sent);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({ message: expect.stringMatching(/^Signature expired/) });
  });
});
