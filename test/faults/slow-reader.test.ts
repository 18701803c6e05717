import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** Longer than the server is ever silent, on a busy machine too. */
const IDLE_MS = 5000;
/** Far more than all the sockets and pipes on the way hold. */
const CHUNKS = 2000;
const CHUNK = 'x'.repeat(16 * 1024);

/** A server that streams as fast as it is read. */
function fastServer(): Promise<Server> {
  const server = createServer(async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const say = async (choice: object) => {
      const chunk = {
        id: 'c',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'big',
        choices: [{ index: 0, ...choice }],
      };
      if (!response.write(`data: ${JSON.stringify(chunk)}\n\n`))
        await new Promise((resolve) => response.once('drain', resolve));
    };
    for (let at = 0; at < CHUNKS && !response.destroyed; at++) await say({ delta: { content: CHUNK } });
    await say({ delta: {}, finish_reason: 'stop' });
    response.end('data: [DONE]\n\n');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

let server: Server;
let stack: Stack;
beforeAll(async () => {
  server = await fastServer();
  const { port } = server.address() as AddressInfo;
  stack = await startStack((origin) => ({
    ...sandboxEnv(origin),
    OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
      { id: 'big', base_url: `http://127.0.0.1:${port}/v1`, models: { big: { upstream: 'big' } } },
    ]),
    CHASQUI_TIMEOUTS: JSON.stringify({ idle_ms: IDLE_MS }),
  }));
});
afterAll(async () => {
  server.close();
  await stack.stop();
});

/** Posts, leaves the answer unread for a while, so that every pipe on the way fills up, and then reads it to its end. */
function readLate(body: unknown, pauseMs: number): Promise<{ length: number; before: number; end: string }> {
  const { hostname, port } = new URL(stack.url);
  const sent = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let length = 0;
    let before = 0;
    let end = '';
    socket.on('error', reject);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      length += text.length;
      end = (end + text).slice(-2000);
      if (before > 0) return;
      before = length;
      socket.pause();
      setTimeout(() => socket.resume(), pauseMs);
    });
    socket.on('close', () => resolve({ length, before, end }));
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(sent)}\r\nconnection: close\r\n\r\n${sent}`,
    );
  });
}

describe('a caller that reads nothing for longer than the idle timer', () => {
  it('gets all of the stream all the same, and nothing is held against the provider', {
    timeout: 120_000,
  }, async () => {
    const messages = [{ role: 'user', content: 'Say a lot.' }];
    const { length, before, end } = await readLate({ model: 'big', messages, stream: true }, 2 * IDLE_MS);
    expect(end).toContain('data: [DONE]');
    expect(end).not.toContain('"error"');
    expect(before).toBeLessThan(1_000_000);
    expect(length).toBeGreaterThan(CHUNKS * CHUNK.length);
    const health = (await (await stack.get('/v1/health')).json()) as { offers: { breaker: string }[] };
    expect(health.offers).toMatchObject([{ breaker: 'closed' }]);
  });
});
