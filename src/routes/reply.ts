import type { Context } from 'hono';

/** Headers of an answer, as one plain object: the runtime takes it in one step, where each `c.header` is a step. */
export type Headers = Record<string, string>;

const KEY = 'chasqui-headers';

/** Headers that every answer to this request carries; whoever answers adds to them. */
export function headersOf(c: Context): Headers {
  const known: unknown = c.get(KEY);
  if (known) return known as Headers;
  const headers: Headers = {};
  c.set(KEY, headers);
  return headers;
}

/** Answers with a body that is already what it is to be. */
export const reply = (c: Context, status: number, type: string, body: BodyInit | null): Response =>
  new Response(body, { status, headers: { ...headersOf(c), 'content-type': type } });

export const replyJson = (c: Context, status: number, value: unknown): Response =>
  reply(c, status, 'application/json; charset=utf-8', JSON.stringify(value));
