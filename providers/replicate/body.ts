import { abortReason, GatewayError } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';

/** A prediction echoes its prompt and holds its logs and output, all of which may be long. Characters. */
const MAX_BODY = 16 << 20;

/** A whole body. Throws `provider_error` above 16 Mi characters. */
export async function wholeText(response: Response, signal: AbortSignal): Promise<string> {
  const { text, cut } = await bodyText(response, signal, MAX_BODY);
  // An abort ends a body as if it were complete.
  if (signal.aborted) throw abortReason(signal);
  if (cut) {
    throw new GatewayError('provider_error', 'Replicate sent an answer that is too large.', { provider: 'replicate' });
  }
  return text;
}
