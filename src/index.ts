import { env, waitUntil } from 'cloudflare:workers';
import { createApp } from './app.ts';
import type { Fetch } from './core/index.ts';

/** Keeps the isolate's request alive until an upstream has answered, so that a cancel outlives the caller it is for. */
const network: Fetch = (input, init) => {
  const answer = fetch(input, init);
  waitUntil(answer.catch(() => undefined));
  return answer;
};

export default createApp(env as unknown as Readonly<Record<string, unknown>>, network, waitUntil);
