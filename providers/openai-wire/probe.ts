import { GatewayError, isObject, type Probe, type ProbeSteps, probeFailed, unreachable } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { errorFromAnswer } from './errors.ts';
import { parseJson } from './json.ts';
import { filled } from './shape.ts';
import type { Upstream } from './upstream.ts';

/** Characters of a list of models; the longest known has a megabyte. */
const MAX_LIST = 16 * 1024 * 1024;

/** The ids in OpenAI's list of models, or in a bare one, which is Together's. */
function idsIn(body: unknown): ReadonlySet<string> | undefined {
  const list = Array.isArray(body) ? body : isObject(body) ? body.data : undefined;
  if (!Array.isArray(list)) return undefined;
  return new Set(list.flatMap((entry: unknown) => (isObject(entry) ? (filled(entry.id) ?? []) : [])));
}

/** Asks for a list of models: its ids, or what is wrong. */
export async function askForModels(
  asked: string,
  send: () => Promise<Response>,
  upstream: Upstream,
  steps: ProbeSteps,
  signal: AbortSignal,
): Promise<{ readonly ids: ReadonlySet<string> } | { readonly probe: Probe }> {
  const failed = (error: GatewayError) => ({ probe: probeFailed(asked, error, steps) });
  let response: Response;
  let text: string;
  try {
    response = await send();
    ({ text } = await bodyText(response, signal, MAX_LIST));
  } catch {
    // What fetch says may name hosts and paths.
    return failed(unreachable(upstream.name));
  }
  if (signal.aborted) return failed(unreachable(upstream.name));
  const body = parseJson(text)?.value;
  if (!response.ok) return failed(errorFromAnswer(upstream, response.status, response.headers, body ?? text));
  const ids = idsIn(body);
  if (ids) return { ids };
  const details = { provider: upstream.id, upstreamStatus: 404 };
  return failed(new GatewayError('model_not_found', 'It answered with no list of models.', details));
}
