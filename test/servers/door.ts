import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What stands before a server: it passes everything on, unless it was told to answer itself. */
export interface Door {
  readonly url: string;
  /** The next `times` requests to paths that end so get this answer. */
  answer(path: string, status: number, body: unknown, times?: number): void;
  /** What came by, in order. */
  readonly seen: { readonly path: string; readonly body: string }[];
  close(): Promise<void>;
}

interface Rule {
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
  times: number;
}

export async function openDoor(target: string): Promise<Door> {
  const rules: Rule[] = [];
  const seen: { path: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces).toString();
    seen.push({ path, body });
    const rule = rules.find((one) => one.times > 0 && path.endsWith(one.path));
    if (rule) {
      rule.times--;
      response.writeHead(rule.status, { 'content-type': 'application/json' }).end(JSON.stringify(rule.body));
      return;
    }
    const caller = new AbortController();
    response.once('close', () => caller.abort());
    const { method = 'GET' } = request;
    try {
      const answer = await fetch(target + path, {
        method,
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        signal: caller.signal,
        ...(method === 'POST' ? { body } : {}),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      for await (const piece of answer.body ?? []) response.write(piece);
      response.end();
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (path, status, body, times = 1) => rules.push({ path, status, body, times }),
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
