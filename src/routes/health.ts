import type { Handler } from 'hono';
import type { Gateway } from './gateway.ts';
import { misconfigured } from './middleware.ts';
import { replyJson } from './reply.ts';

/** `GET /healthz`: the Worker runs and its configuration can be read. Needs no key. */
export const liveness =
  ({ config }: Gateway): Handler =>
  (c) => {
    if (config.mistakes.length > 0) throw misconfigured(config.mistakes);
    return replyJson(c, 200, { status: 'ok' });
  };

/** `GET /v1/health`: which providers have credentials here. */
export const health =
  ({ config }: Gateway): Handler =>
  (c) =>
    replyJson(c, 200, {
      status: config.providers.size > 0 ? 'ok' : 'no_providers',
      sandbox: config.sandbox,
      providers: [...config.providers.keys()].map((id) => ({ id, configured: true })),
    });
