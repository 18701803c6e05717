import { GatewayError } from '../../src/core/index.ts';

/** Who is at the other end. */
export interface Upstream {
  /** Provider id, as in `Provider.id`. */
  readonly id: string;
  /** The name callers read in messages. */
  readonly name: string;
}

/** The answer ended, broke or became unreadable before it was complete. */
export const interrupted = (upstream: Upstream): GatewayError =>
  new GatewayError('stream_interrupted', `The answer from ${upstream.name} broke off before it was complete. Retry.`, {
    provider: upstream.id,
  });
