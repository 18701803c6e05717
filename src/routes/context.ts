import type { Context } from 'hono';
import { GatewayError } from '../core/index.ts';
import type { CallContext } from '../dialects/openai/index.ts';

/** Throws for anything but yes and no: a guard that is switched on by another word must not be off. */
function isOn(value: string | undefined, param: string): boolean {
  if (value === undefined || value === '' || value === '0' || value === 'false') return false;
  if (value === '1' || value === 'true') return true;
  throw new GatewayError('invalid_request', `${param}: must be 1 or 0.`, { param });
}

/** Whether a header switches something on. Throws `invalid_request` naming it. */
export const flag = (c: Context, name: string): boolean => isOn(c.req.header(name)?.toLowerCase(), name);

/** Whether a parameter of the query switches something on. Throws `invalid_request` naming it. */
export const switched = (c: Context, param: string): boolean => isOn(c.req.query(param), param);

function timeoutOf(c: Context): { timeoutMs?: number } {
  const value = c.req.header('x-chasqui-timeout-ms');
  if (value === undefined) return {};
  const timeoutMs = Number(value);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {
    const param = 'x-chasqui-timeout-ms';
    throw new GatewayError('invalid_request', `${param}: must be a whole number of milliseconds above 0.`, { param });
  }
  return { timeoutMs };
}

const MAX_SESSION = 256;

function sessionOf(c: Context): { session?: string } {
  const session = c.req.header('x-session-id');
  if (session === undefined || session === '') return {};
  if (session.length > MAX_SESSION) {
    const param = 'x-session-id';
    throw new GatewayError('invalid_request', `${param}: must be at most ${MAX_SESSION} characters.`, { param });
  }
  return { session };
}

/** What a request's headers say about its call. Throws `invalid_request` naming the header. */
export const contextOf = (c: Context, id: string): CallContext => ({
  id,
  strict: flag(c, 'x-chasqui-strict'),
  ...timeoutOf(c),
  ...sessionOf(c),
});
