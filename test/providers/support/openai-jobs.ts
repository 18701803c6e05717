import type { ChatJob, PromptJob } from '../../../src/core/index.ts';

const BASE = {
  model: 'some/model',
  family: 'llama3',
  sampling: {},
  stop: [],
  n: 1,
  stream: true,
  deadlineMs: 60_000,
} as const;

export const chatJob = (over: Partial<ChatJob> = {}): ChatJob => ({
  ...BASE,
  kind: 'chat',
  api: 'chat',
  messages: [{ role: 'user', content: 'Hi' }],
  tools: [],
  toolStreaming: true,
  systemRole: true,
  ...over,
});

export const promptJob = (over: Partial<PromptJob> = {}): PromptJob => ({
  ...BASE,
  kind: 'prompt',
  api: 'completions',
  prompt: 'Once upon',
  ...over,
});

/** A signal that nobody aborts. */
export const calm = (): AbortSignal => new AbortController().signal;

/** Server-sent events of these objects, `[DONE]` after them unless told otherwise. */
export const sse = (chunks: readonly unknown[], end = 'data: [DONE]\n\n'): string =>
  chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + end;

export const streamOf = (text: string): Response =>
  new Response(text, { headers: { 'content-type': 'text/event-stream' } });
