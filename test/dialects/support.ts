import { GatewayError } from '../../src/core/index.ts';
import type { CallContext } from '../../src/dialects/openai/index.ts';

export const context: CallContext = { id: 'gen-1', strict: false };
export const hi = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };

/** The error of what must not be accepted. */
export function errorOf(run: () => unknown): GatewayError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error('it was accepted');
}
