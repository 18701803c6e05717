/** The page: files of `src/assets/ui`, with the headers that browsers guard it by. No key is needed to load them. */
import type { Handler } from 'hono';
import { type Gateway, headersOf } from './request.ts';

/** What is served, by extension. Plain workerd's disk service and Cloudflare's assets name types differently. */
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
};

/** A file below `/ui/`. No part of a path begins with a dot, so nothing outside the folder can be named. */
const FILE = /^\/ui\/(?:[A-Za-z0-9_-]+\/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.([a-z]+)$/;
/** Names with a version in them: their content never changes. */
const VERSIONED = /-\d+\.\d+\.\d+\.[a-z]+$/;

/**
 * Nothing but this origin's own files and answers: no inline script or style, no frame, no other host. Trusted Types
 * let no text become HTML or script.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const GUARDS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The validators of a file, by the request header that asks about each. */
const VALIDATORS = { etag: 'if-none-match', 'last-modified': 'if-modified-since' } as const;

/**
 * Serves one file, or for `GET /ui/:id` the file that the path names. Unknown paths go on to the next handler.
 *
 * @param file a path of the assets, such as `/ui/index.html`
 */
export const pageFile =
  ({ config: { assets } }: Gateway, file?: string): Handler =>
  async (c, next) => {
    const path = file ?? c.req.path;
    const extension = FILE.exec(path)?.[1] ?? '';
    const type = Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined;
    if (!assets || type === undefined) return next();
    const asked: Record<string, string> = {};
    for (const name of Object.values(VALIDATORS)) {
      const value = c.req.header(name);
      if (value !== undefined) asked[name] = value;
    }
    const found = await assets.fetch(`https://assets.invalid${path}`, { headers: asked });
    if (found.status !== 200 && found.status !== 304) {
      await found.body?.cancel();
      return next();
    }
    const headers: Record<string, string> = {
      ...headersOf(c),
      ...GUARDS,
      'content-type': type,
      'cache-control': VERSIONED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    let known = found.status === 304;
    for (const [name, question] of Object.entries(VALIDATORS)) {
      const value = found.headers.get(name);
      if (value === null) continue;
      headers[name] = value;
      // Plain workerd's disk service compares nothing itself.
      known ||= asked[question] === value;
    }
    if (!known) return new Response(found.body, { headers });
    await found.body?.cancel();
    return new Response(null, { status: 304, headers });
  };
