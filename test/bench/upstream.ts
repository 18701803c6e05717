/**
 * The four providers' wires in a Node process of its own, answering canned bytes at once. What to answer is written in
 * the request: its path says the wire, and the prompt holds `bench:<pace>`. Prints its port on standard output.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type BenchProvider,
  embeddingsAnswer,
  JSON_ANSWERS,
  PACE_MS,
  PACES,
  type Pace,
  PROVIDERS,
  prediction,
  SLOW_MS,
  STREAMS,
} from './wires.ts';

const MAX_BODY = 1 << 20;
/** Texts of a call for embeddings. */
const EMBEDDED = 256;
const vectors = {
  float: Buffer.from(embeddingsAnswer(EMBEDDED, false)),
  base64: Buffer.from(embeddingsAnswer(EMBEDDED, true)),
};
/** How many samples of votes were asked for. */
let samples = 0;

const json = Object.fromEntries(
  Object.entries(JSON_ANSWERS).map(([name, wire]) => [name, Buffer.from(JSON.stringify(wire.json))]),
);
const events = Object.fromEntries(
  PROVIDERS.map((provider) => [
    provider,
    Object.fromEntries(PACES.map((pace) => [pace, STREAMS[provider].stream(pace)])),
  ]),
);
const whole = Object.fromEntries(
  PROVIDERS.map((provider) => [
    provider,
    Object.fromEntries(PACES.map((pace) => [pace, Buffer.concat(STREAMS[provider].stream(pace))])),
  ]),
);

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > MAX_BODY) throw new Error('body too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function sendJson(response: ServerResponse, body: Buffer | string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendStream(response: ServerResponse, provider: BenchProvider, pace: Pace): void {
  const type = provider === 'bedrock' ? 'application/vnd.amazon.eventstream' : 'text/event-stream; charset=utf-8';
  response.writeHead(200, { 'content-type': type });
  if (pace === 'burst' || pace === 'first') {
    response.end(whole[provider]?.[pace]);
    return;
  }
  const pieces = events[provider]?.[pace] ?? [];
  let next = 0;
  let closed = false;
  response.on('close', () => {
    closed = true;
  });
  const writeOne = () => {
    if (closed) return;
    const piece = pieces[next++];
    if (piece) response.write(piece);
    if (next >= pieces.length) response.end();
    else if (pace === 'paced' || pace === 'long') setTimeout(writeOne, PACE_MS);
    else if (pace === 'slow') setTimeout(writeOne, SLOW_MS);
    // Writes of one turn of the loop would leave as one.
    else setImmediate(writeOne);
  };
  writeOne();
}

const paceIn = (text: Buffer | string): Pace | undefined => PACES.find((pace) => text.includes(`bench:${pace}`));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/';
  const provider = PROVIDERS.find((name) => path.startsWith(`/${name}/`));
  const body = await bodyOf(request);
  if (path === '/samples') return sendJson(response, String(samples));
  if (!provider) return sendJson(response, '{"error":"no such wire"}', 404);
  if (path.endsWith('/embeddings')) {
    // Together's API knows no base64.
    const encoding = provider === 'anyscale' && body.includes('"encoding_format":"base64"') ? 'base64' : 'float';
    return sendJson(response, vectors[encoding]);
  }
  if (request.method === 'POST' && body.includes('bench:vote')) samples++;
  if (provider === 'replicate') {
    const origin = `http://${request.headers.host}`;
    const named = PACES.find((pace) => path.includes(`bench${pace}`));
    if (path.startsWith('/replicate/stream/')) return sendStream(response, provider, named ?? 'first');
    if (path.startsWith('/replicate/bare')) {
      const pace = paceIn(body);
      return pace ? sendStream(response, provider, pace) : sendJson(response, prediction(origin, undefined, true));
    }
    if (request.method === 'GET') return sendJson(response, prediction(origin, named, true));
    const pace = paceIn(body);
    return sendJson(response, prediction(origin, pace, pace === undefined), 201);
  }
  const pace = paceIn(body);
  if (pace) return sendStream(response, provider, pace);
  return sendJson(response, json[provider] ?? '{}');
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(address.port);
});
// The parent holds the other end: when it is gone, however it ended, so is this process.
process.stdin.on('end', () => process.exit(0)).resume();
