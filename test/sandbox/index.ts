import { bedrock } from './bedrock/index.ts';
import { drawOnce, readFaults, takeFaults } from './control/faults.ts';
import { control } from './control/index.ts';
import { record } from './control/journal.ts';
import { deliver, precede } from './deliver.ts';
import { credentialsOf } from './env.ts';
import { parse } from './json.ts';
import { replicate, replicateStream } from './replicate/index.ts';
import { together } from './together/index.ts';
import { vllm } from './vllm/index.ts';
import { MAX_WAIT_MS, sleep } from './wait.ts';
import type { Wire } from './wire/types.ts';

/** The first segment of a path says which provider is meant. */
const WIRES: Readonly<Record<string, Wire>> = {
  bedrock,
  replicate,
  'replicate-stream': replicateStream,
  together,
  anyscale: vllm('anyscale'),
  'openai-compatible': vllm('openai-compatible'),
};

const decoder = new TextDecoder();

const plainly = (status: number, error: string): Response =>
  Response.json({ error }, { status, headers: { 'x-sandbox': 'control' } });

/** Resolves when the answer is over or the client has gone; the runtime drops unfinished requests without it. */
function lifetime(signal: AbortSignal): { over: Promise<void>; settle: () => void } {
  const end = new AbortController();
  return { over: sleep(MAX_WAIT_MS, AbortSignal.any([signal, end.signal])), settle: () => end.abort() };
}

export default {
  async fetch(request: Request, env: Readonly<Record<string, unknown>>, context: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    const [, first = ''] = url.pathname.split('/', 2);
    const path = url.pathname.slice(first.length + 1);
    const bytes = new Uint8Array(await request.arrayBuffer());
    const source = decoder.decode(bytes);
    if (first === 'sandbox') return control(request.method, path, source);
    const wire = WIRES[first];
    if (!wire) return plainly(404, `The sandbox has no wire at /${first}: ${Object.keys(WIRES).join(', ')}.`);

    const json = parse(source);
    const entry = record(wire.provider, request, url, source, json);
    const model = wire.modelOf({ path, json });
    if (model !== undefined) entry.model = model;
    const wish = request.headers.get('x-sandbox-fault');
    const wished = wish === null ? [] : readFaults(parse(wish));
    if (typeof wished === 'string') return plainly(400, wished);
    const ruled = takeFaults({
      provider: wire.provider,
      model,
      path: url.pathname,
      source,
      generates: wire.generates({ path, request }),
    });
    const faults = [...drawOnce(wished, source), ...ruled];
    if (faults.length > 0) entry.faults = faults;

    const { signal } = request;
    signal.addEventListener('abort', () => {
      entry.aborted = entry.ended === undefined;
    });
    const { over, settle } = lifetime(signal);
    context.waitUntil(over);

    let response = await precede(faults, wire, signal);
    if (response) {
      if (!signal.aborted) entry.ended = 'complete';
      settle();
    } else {
      const credentials = credentialsOf(env);
      const answer = await wire.answer({ request, url, path, bytes, json, credentials, faults, entry, signal });
      response = await deliver(answer, { wire, entry, signal, faults, settle });
    }
    entry.status = response.status;
    response.headers.set('x-sandbox', wire.provider);
    return response;
  },
};
