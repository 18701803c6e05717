import type { Context } from 'hono';
import { GatewayError } from '../core/index.ts';

/** Every route there is, and how it is asked. `:id` may have slashes in it. */
export const ROUTES: readonly (readonly [path: string, methods: readonly string[]])[] = [
  ['/v1/chat/completions', ['POST']],
  ['/v1/completions', ['POST']],
  ['/v1/offers', ['POST']],
  ['/v1/count_tokens', ['POST']],
  ['/v1/tokenize', ['POST']],
  ['/v1/detokenize', ['POST']],
  ['/v1/models', ['GET']],
  ['/v1/models/:id', ['GET']],
  ['/v1/prices', ['GET', 'PUT', 'DELETE']],
  ['/v1/health', ['GET']],
  ['/healthz', ['GET']],
];

/** What follows `/v1/` in a route of ours, which clients ask without it where their base URL lacks it. */
const BELOW_V1: ReadonlySet<string> = new Set(
  ROUTES.flatMap(([path]) => (path.startsWith('/v1/') ? path.slice(4).split('/', 1) : [])),
);

const LEADING = /^(?:\/api)?(?:\/v1)+(?=\/|$)/;

/**
 * The path that was meant by one that a client put together wrongly: a slash too many at its end or inside it, `/v1` twice or not at
 * all, or OpenRouter's `/api/v1`. Any other path is left as it is.
 */
export function canonicalPath(path: string): string {
  // All that well-configured clients ask.
  if (path.startsWith('/v1/') && !path.startsWith('/v1/v1') && !path.includes('//') && !path.endsWith('/')) return path;
  const plain = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  const rest = plain.replace(LEADING, '');
  if (rest !== plain) return `/v1${rest}`;
  return BELOW_V1.has(rest.slice(1).split('/', 1)[0] ?? '') ? `/v1${rest}` : plain;
}

/** How many letters differ, between names that are nearly the same. */
const alike = (a: string, b: string): boolean => {
  const bare = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z]/g, '')
      .replace(/s$/, '');
  return bare(a) === bare(b);
};

/** The route that a path was probably meant for. */
function meant(path: string): string | undefined {
  const plain = ROUTES.map(([route]) => route).filter((route) => !route.includes(':'));
  const short = (route: string) => route.replace(/^\/v1/, '');
  return (
    // Behind a prefix: `/openai/v1/chat/completions`, `/openai/deployments/x/chat/completions`.
    plain.find((route) => path.endsWith(short(route))) ??
    plain.find((route) => alike(short(route), short(path))) ??
    (/chat|message|generate|response/i.test(path) ? '/v1/chat/completions' : undefined)
  );
}

/** Other makers' APIs, by paths that OpenAI's does not have. */
const FOREIGN: readonly (readonly [api: string, path: RegExp])[] = [
  ['Replicate', /^\/v1\/(?:predictions|collections|hardware|deployments|trainings|account|webhooks)(?:\/|$)/],
  ['Replicate', /^\/v1\/models\/[^/]+\/[^/]+\/(?:versions|predictions|trainings|examples|readme)(?:\/|$)/],
  ['Ollama', /^\/api\/(?:chat|generate|tags|show|embed|embeddings|ps|pull|version)$/],
  ['Bedrock', /^\/model\/[^/]+\/(?:converse|invoke)/],
];

/** A client of Replicate's asks for what ours has, too: `GET /v1/models/{owner}/{name}`, `GET /v1/models`. */
const REPLICATE_CLIENT = /^replicate-(?:javascript|python|go|swift|elixir)/i;

/** Whose API a request is of, if it is not ours. */
export function foreignApi(path: string, userAgent: string | undefined): string | undefined {
  if (userAgent !== undefined && REPLICATE_CLIENT.test(userAgent)) return 'Replicate';
  return FOREIGN.find(([, pattern]) => pattern.test(path))?.[0];
}

const shown = (path: string): string => path.slice(0, 200);

/** Nothing is served there: what to ask instead. */
export function notFoundError(c: Context): GatewayError {
  const { method, path } = c.req;
  const { origin } = new URL(c.req.url);
  const at = `There is no ${method} ${shown(path)} here.`;
  const api = foreignApi(path, c.req.header('user-agent'));
  const route = api === undefined ? meant(path) : '/v1/chat/completions';
  const methods = ROUTES.find(([known]) => known === route)?.[1] ?? [];
  const next =
    api !== undefined
      ? `That is ${api}'s API, and this gateway speaks OpenAI's: POST /v1/chat/completions or /v1/completions.`
      : route !== undefined
        ? `Did you mean ${methods.join(' or ')} ${route}?`
        : 'The README lists the routes; GET /v1/models is one.';
  return new GatewayError('not_found', `${at} ${next} The base URL for clients of OpenAI's is ${origin}/v1`);
}

/** The route is there, and takes other methods. */
export const methodError = (path: string, methods: readonly string[]): GatewayError =>
  new GatewayError(
    'invalid_request',
    `${path} takes ${methods.join(', ')}${methods.includes('POST') ? ' with a JSON body' : ''}.`,
    { status: 405 },
  );
