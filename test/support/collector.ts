import { execFileSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const READER = new URL('../python/spans.py', import.meta.url).pathname;
/** Ends what hangs. */
const WAIT_MS = 60_000;

/** A span as opentelemetry-proto reads it. */
export interface ReadSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly state: string;
  readonly name: string;
  /** 2: server, 3: client. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly resource: Readonly<Record<string, string>>;
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A collector of OTLP over HTTP, on a real socket. */
export interface TestCollector {
  readonly url: string;
  readonly received: Received[];
  /** How the next requests are answered. Undefined: not at all. */
  answer: ((response: ServerResponse) => void) | undefined;
  /** Waits for so many requests, and forgets them. */
  take(count: number): Promise<readonly Received[]>;
  stop(): void;
}

export async function startCollector(): Promise<TestCollector> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      collector.received.push({ path: request.url ?? '', headers: request.headers, body });
      collector.answer?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: TestCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: (response) => response.end('{}'),
    async take(count) {
      for (let waited = 0; collector.received.length < count && waited < WAIT_MS; waited += 20) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      if (collector.received.length < count) {
        throw new Error(`The collector got ${collector.received.length} requests, and not ${count}.`);
      }
      return collector.received.splice(0);
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
  return collector;
}

/** Reads requests with the types of opentelemetry-proto. Throws for what these refuse. */
export function readSpans(python: string, received: readonly Received[]): readonly ReadSpan[] {
  const input = JSON.stringify(received.map(({ body }) => body));
  return JSON.parse(execFileSync(python, [READER], { input, encoding: 'utf8' })) as ReadSpan[];
}
