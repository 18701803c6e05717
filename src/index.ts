/** The Worker's entry. */
import { env, waitUntil } from 'cloudflare:workers';
import { createApp } from './app.ts';

export default createApp(
  env as unknown as Readonly<Record<string, unknown>>,
  (input, init) => fetch(input, init),
  waitUntil,
);
