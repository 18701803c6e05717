import { APIError } from 'together-ai';
import { abortReason, type GatewayError, unreachable } from '../../src/core/index.ts';
import { errorFromAnswer } from '../openai-wire/index.ts';
import { TOGETHER } from './dialect.ts';

/** What the package threw, as the gateway's error. It has a status and headers exactly if Together answered. */
export function fromThrown(thrown: unknown, signal: AbortSignal): GatewayError {
  if (signal.aborted) return abortReason(signal);
  if (!(thrown instanceof APIError) || thrown.status === undefined)
    return unreachable(TOGETHER.name).with({ provider: TOGETHER.id });
  const status: number = thrown.status;
  const headers: Headers = thrown.headers ?? new Headers();
  // Where the body was not JSON (a proxy's page), the package puts it into the message, after the status.
  const text = thrown.message.replace(/^\d{3} /, '');
  return errorFromAnswer(TOGETHER, status, headers, thrown.error ?? (text === 'status code (no body)' ? '' : text));
}
