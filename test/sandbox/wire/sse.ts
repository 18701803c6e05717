import type { Frame } from './types.ts';

export const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

export const sse = (payload: unknown, rest: Omit<Frame, 'data'> = {}): Frame => ({
  data: `data: ${JSON.stringify(payload)}\n\n`,
  ...rest,
});

export const DONE: Frame = { data: 'data: [DONE]\n\n', terminal: true };

/** JSON that stops in its middle. */
export const GARBAGE: Frame = { data: 'data: {"id":"cut","choices":[{"index":0,"del\n\n' };
