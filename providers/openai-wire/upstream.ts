import { GatewayError } from '../../src/core/index.ts';

/** Who is at the other end. */
/** The two names that servers have for what a model thinks. */
export type ReasoningField = 'reasoning' | 'reasoning_content';

export interface Upstream {
  /** Provider id, as in `Provider.id`. */
  readonly id: string;
  /** The name callers read in messages. */
  readonly name: string;
  /** Hears under which name the server told a thought. */
  readonly thoughtSeen?: (field: ReasoningField) => void;
}

/** The answer ended, broke or became unreadable before it was complete. */
export const interrupted = (upstream: Upstream): GatewayError =>
  new GatewayError('stream_interrupted', `The answer from ${upstream.name} broke off before it was complete. Retry.`, {
    provider: upstream.id,
  });
