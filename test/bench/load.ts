import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/** One kind of request, sent again and again. */
export interface Shot {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes the body of the next one. */
  readonly body: () => Buffer;
  /** What the end of the answer must look like; a benchmark of failures measures nothing. */
  readonly ending: string;
}

export interface Hit {
  readonly status: number;
  readonly body: Buffer;
  /** Milliseconds from the request to the first bytes of the body. */
  readonly firstMs: number;
}

const TIMEOUT_MS = 20_000;

export const connections = (count: number): Agent => new Agent({ keepAlive: true, maxSockets: count });

export function fire(shot: Shot, agent: Agent): Promise<Hit> {
  return new Promise((resolve, reject) => {
    const body = shot.body();
    const begun = performance.now();
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: shot.port,
        path: shot.path,
        method: 'POST',
        agent,
        timeout: TIMEOUT_MS,
        headers: { 'content-type': 'application/json', 'content-length': body.length, ...shot.headers },
      },
      (response) => {
        const pieces: Buffer[] = [];
        let firstMs = 0;
        response.on('data', (piece: Buffer) => {
          if (pieces.length === 0) firstMs = performance.now() - begun;
          pieces.push(piece);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces), firstMs }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.end(body);
  });
}

/** Throws with the beginning of the answer, unless it is a whole one. */
export function assertWhole({ status, body }: Hit, ending: string): void {
  if (status >= 200 && status < 300 && body.includes(ending, Math.max(0, body.length - 4096))) return;
  throw new Error(`${status} ${body.subarray(0, 400).toString()}`);
}

export interface Limits {
  readonly connections: number;
  readonly ms: number;
  readonly requests: number;
}

/** Sends until the time is up or the number is reached, so many at once. Returns how many were answered. */
export async function load(shot: Shot, limits: Limits): Promise<number> {
  const agent = connections(limits.connections);
  const until = performance.now() + limits.ms;
  let sent = 0;
  let answered = 0;
  const worker = async () => {
    while (sent < limits.requests && performance.now() < until) {
      sent++;
      assertWhole(await fire(shot, agent), shot.ending);
      answered++;
    }
  };
  try {
    await Promise.all(Array.from({ length: limits.connections }, worker));
  } finally {
    agent.destroy();
  }
  return answered;
}

/** Opens so many streams and waits until each has begun. Returns what lets go of them. */
export async function hold(shot: Shot, count: number): Promise<() => void> {
  const agent = connections(count);
  const begin = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = shot.body();
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: shot.port,
          path: shot.path,
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/json', 'content-length': body.length, ...shot.headers },
        },
        (response) => {
          response.on('data', () => resolve());
          // Let go of, further down.
          response.on('error', () => undefined);
          response.on('end', () => reject(new Error('a stream that was to stay open has ended')));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  await Promise.all(Array.from({ length: count }, begin));
  return () => agent.destroy();
}
