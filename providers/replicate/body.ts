import { abortReason, GatewayError } from '../../src/core/index.ts';

/** The text of a body, piece by piece as the network delivers it. Ends with the signal, whatever the body does. */
export async function* reads(response: Response, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  if (!response.body) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  // The reader is let go of on every way out; nobody is left to hear that it failed to.
  const release = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', release, { once: true });
  try {
    const decoder = new TextDecoder();
    for (;;) {
      if (signal.aborted) throw abortReason(signal);
      const { done, value } = await reader.read();
      if (signal.aborted) throw abortReason(signal);
      if (done) break;
      const text = decoder.decode(value, { stream: true });
      if (text) yield text;
    }
    const rest = decoder.decode();
    if (rest) yield rest;
  } catch (error) {
    throw signal.aborted ? abortReason(signal) : error;
  } finally {
    signal.removeEventListener('abort', release);
    release();
  }
}

/** A prediction echoes its prompt and holds its logs and output, all of which may be long. */
const MAX_BODY = 16 << 20;

/** A whole body. Throws `provider_error` above 16 Mi characters. */
export async function wholeText(response: Response, signal: AbortSignal): Promise<string> {
  let text = '';
  for await (const piece of reads(response, signal)) {
    text += piece;
    if (text.length > MAX_BODY) {
      throw new GatewayError('provider_error', 'Replicate sent an answer that is too large.', {
        provider: 'replicate',
      });
    }
  }
  return text;
}
