import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Capture, DeliveryPlan } from './captures.ts';

/** Serves recorded answers over real sockets, whatever is asked, cut into network writes as the plan says. */
export interface ReplayServer {
  readonly url: string;
  /** What the next requests are answered with. */
  play(capture: Capture, plan: DeliveryPlan): void;
  stop(): void;
}

async function deliver(response: ServerResponse, body: Buffer, plan: DeliveryPlan): Promise<void> {
  const { every, cuts = [] } = plan;
  const ends = every ? Array.from({ length: Math.floor((body.length - 1) / every) }, (_, i) => (i + 1) * every) : cuts;
  let from = 0;
  for (const end of [...ends, body.length]) {
    if (end <= from) continue;
    response.write(body.subarray(from, end));
    from = end;
    // Lets the write reach the socket on its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

export async function replayServer(): Promise<ReplayServer> {
  let now: { capture: Capture; plan: DeliveryPlan } | undefined;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      if (!now) return response.writeHead(500).end();
      const { 'content-length': _length, 'content-encoding': _encoding, ...headers } = now.capture.response.headers;
      response.writeHead(now.capture.response.status ?? 200, headers);
      deliver(response, Buffer.from(now.capture.bodyBase64, 'base64'), now.plan).catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    play(capture, plan) {
      now = { capture, plan };
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
