import type { CountRequest, Fetch } from '../../src/core/index.ts';
import type { Service } from './service.ts';

/**
 * Asks a service to count, by vLLM's and Ray Serve's `POST /tokenize`, which stands beside `/v1` and not below it
 * (ray-project/ray, python/ray/llm/_internal/serve/core/ingress/ingress.py; Ray's takes prompts only, vLLM's messages
 * too). Undefined where the server does not say, for whatever reason: it is asked for a better number, not for leave.
 */
export async function countAt(
  service: Service,
  request: CountRequest,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { model } = request;
  const what = 'prompt' in request ? { prompt: request.prompt } : { messages: request.messages.map(wireMessage) };
  try {
    const response = await fetch(`${service.baseUrl.replace(/\/v\d+$/, '')}/tokenize`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(service.token === undefined ? {} : { authorization: `Bearer ${service.token}` }),
      },
      body: JSON.stringify({ model, ...what }),
      signal,
      redirect: 'manual',
    });
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const answer: unknown = await response.json();
    const count = typeof answer === 'object' && answer !== null && 'count' in answer ? answer.count : undefined;
    return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
  } catch {
    // Unreachable, too slow, no JSON: all the same to who asks.
    return undefined;
  }
}

type Message = Extract<CountRequest, { readonly messages: unknown }>['messages'][number];

const wireMessage = ({ role, content }: Message) => ({
  role,
  content: typeof content === 'string' ? content : content.flatMap((part) => (part.type === 'text' ? [part] : [])),
});
