import { startServe } from './serve.ts';
import { serveWorkers } from './workerd.ts';

/** The key the test gateways are guarded by. */
export const KEY = 'test-admin-key';

/** The user's own Anyscale service of the tests: what it serves, by our names. */
const SERVICE_MODELS = {
  'llama-2-7b': 'meta-llama/Llama-2-7b-hf',
  'llama-2-13b-chat': 'meta-llama/Llama-2-13b-chat-hf',
  'llama-2-70b': 'meta-llama/Llama-2-70b-hf',
  'llama-2-70b-chat': 'meta-llama/Llama-2-70b-chat-hf',
  'codellama-34b': 'codellama/CodeLlama-34b-hf',
  'llama-3-8b-instruct': 'meta-llama/Meta-Llama-3-8B-Instruct',
  'llama-3-70b-instruct': 'meta-llama/Meta-Llama-3-70B-Instruct',
  'llama-3.3-70b-instruct': 'meta-llama/Llama-3.3-70B-Instruct',
  'gpt-oss-120b': 'openai/gpt-oss-120b',
};

/** @param more models beside those, by our names */
export const anyscaleService = (baseUrl: string, more: Readonly<Record<string, string>> = {}): string =>
  JSON.stringify([
    {
      id: 'test',
      base_url: baseUrl,
      token: 'sandbox-anyscale-token',
      models: Object.fromEntries(
        Object.entries({ ...SERVICE_MODELS, ...more }).map(([name, upstream]) => [name, { upstream }]),
      ),
    },
  ]);

/** An environment in which all four providers are the emulator at this origin. */
export const sandboxEnv = (origin: string): Record<string, string> => ({
  CHASQUI_ADMIN_KEY: KEY,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIASANDBOXSANDBOX00',
  AWS_SECRET_ACCESS_KEY: 'sandbox-secret-access-key',
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: `${origin}/bedrock`,
  REPLICATE_API_TOKEN: 'r8_sandbox',
  REPLICATE_BASE_URL: `${origin}/replicate/v1`,
  TOGETHER_API_KEY: 'sandbox-together-key',
  TOGETHER_BASE_URL: `${origin}/together/v1`,
  ANYSCALE_SERVICES: anyscaleService(`${origin}/anyscale/v1`),
});

export interface JournalEntry {
  readonly method: string;
  readonly path: string;
  readonly provider: string;
  readonly body: unknown;
  readonly aborted: boolean;
  /** On Replicate's create: its prediction was canceled. */
  readonly canceled?: boolean;
  /** What the first prompt reached the model as, and what all of them are billed. */
  readonly promptIds?: readonly number[];
  readonly promptTokens?: number;
  /** The faults it was answered with. */
  readonly faults?: unknown;
}

/**
 * How the gateway of a stack runs: its Worker on a plain workerd of the tests, or with CHASQUI_TEST_GATEWAY=serve as
 * `npm run serve` runs it.
 */
async function startGateway(
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; logs(): string; stop(): Promise<void> }> {
  if (process.env.CHASQUI_TEST_GATEWAY === 'serve') return startServe(variables);
  const served = await serveWorkers([{ name: 'gateway', config: 'wrangler.toml', bindings: variables }]);
  return { url: served.urls.gateway ?? '', logs: served.logs, stop: served.stop };
}

/** A gateway and the emulator it talks to, each in a workerd of its own, over real sockets. */
export interface Stack {
  readonly url: string;
  readonly sandbox: string;
  /** Posts JSON to the gateway. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Makes the emulator fail the next request (or the next `times`) to a provider. */
  dial(rule: Record<string, unknown>): Promise<void>;
  /** Takes back all faults and forgets what arrived. */
  reset(): Promise<void>;
  journal(): Promise<JournalEntry[]>;
  logs(): string;
  stop(): Promise<void>;
}

export async function startSandbox(): Promise<{ url: string; stop(): Promise<void> }> {
  const served = await serveWorkers([{ name: 'sandbox', config: 'test/sandbox/wrangler.toml' }]);
  return { url: served.urls.sandbox ?? '', stop: async () => served.stop() };
}

export async function startStack(env: (sandbox: string) => Record<string, string> = sandboxEnv): Promise<Stack> {
  const sandbox = await startSandbox();
  const served = await startGateway(env(sandbox.url));
  const { url } = served;
  const auth = { authorization: `Bearer ${KEY}` };
  const control = (path: string, init: RequestInit) => fetch(`${sandbox.url}/sandbox/${path}`, init);
  return {
    url,
    sandbox: sandbox.url,
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { ...auth, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: (path, headers = {}) => fetch(url + path, { headers: { ...auth, ...headers } }),
    async dial(rule) {
      const answer = await control('faults', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(rule),
      });
      if (!answer.ok) throw new Error(`the fault dial refused: ${await answer.text()}`);
    },
    async reset() {
      await control('faults', { method: 'DELETE' });
      await control('requests', { method: 'DELETE' });
    },
    async journal() {
      const body: unknown = await (await control('requests', {})).json();
      const rows = Array.isArray(body) ? body : (body as { data: unknown[] }).data;
      return rows as JournalEntry[];
    },
    logs: () => served.logs(),
    async stop() {
      await served.stop();
      await sandbox.stop();
    },
  };
}
