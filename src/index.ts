/** The Worker's entry: the fetch handler and the Durable Object classes. */
import { env, waitUntil } from 'cloudflare:workers';
import { createApp } from './app.ts';

export { Account } from './accounts/account.ts';
export { Books } from './accounts/books.ts';

export default createApp(
  env as unknown as Readonly<Record<string, unknown>>,
  (input, init) => fetch(input, init),
  waitUntil,
);
