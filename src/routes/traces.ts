/** Gives requests for models their place in a trace, and tells of their answers. */
import type { Context, MiddlewareHandler } from 'hono';
import { asGatewayError } from '../core/index.ts';
import type { TracedRequest, Traces } from '../traces/index.ts';
import { ROUTES } from './access.ts';
import { headersOf } from './request.ts';

const KEY = 'chasqui-trace';

/** A request for a model, where traces are on. */
export const tracedRequest = (c: Context): TracedRequest | undefined => c.get(KEY) as TracedRequest | undefined;

/** Routes on which models are called. */
const CALLS: ReadonlySet<string> = new Set(
  Object.entries(ROUTES).flatMap(([name, level]) => (level === 'call' ? [name] : [])),
);

export const withTraces =
  (traces: Traces): MiddlewareHandler =>
  async (c, next) => {
    const traced = CALLS.has(`${c.req.method} ${c.req.path}`) ? traces.begin(c.req.path, c.req.raw.headers) : undefined;
    if (!traced) return next();
    c.set(KEY, traced);
    // Of the W3C's drafts (https://w3c.github.io/trace-context/#traceresponse-header).
    if (traced.response !== undefined) headersOf(c).traceresponse = traced.response;
    await next();
    traced.answered(c.res.status, c.error ? asGatewayError(c.error).code : 'ok');
    return undefined;
  };
