import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';

/** One request of an agent's, and how it was answered. */
export interface Exchange {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  readonly status: number;
  readonly dropped: string | undefined;
  readonly answer: string;
}

/** Passes everything on to the gateway, and writes down what went over the wire. */
export function listener(target: string, seen: Exchange[]): Server {
  return createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) {
      if (!/^(?:host|connection|content-length|accept-encoding)$/.test(name)) headers.set(name, String(value));
    }
    const sent = body.length > 0 ? { body } : {};
    const answer = await fetch(target + request.url, { method: request.method ?? 'GET', headers, ...sent });
    const text = await answer.text();
    seen.push({
      path: request.url ?? '',
      headers: request.headers,
      body: body.length > 0 ? JSON.parse(body.toString()) : {},
      status: answer.status,
      dropped: answer.headers.get('x-chasqui-dropped') ?? undefined,
      answer: text,
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(text);
  });
}
