import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle } from '../../src/cli/serve/bundle.ts';
import type { WorkerOptions } from '../support/workerd.ts';
import type { BenchProvider } from './wires.ts';

const AUTH_KEY = 'bench-admin-key-0123456789';
export const AUTHORIZATION = `Bearer ${AUTH_KEY}`;

/** The models that make embeddings, of the providers that are asked for them. */
export const EMBEDDING_MODELS: Readonly<Partial<Record<BenchProvider, string>>> = {
  together: 'multilingual-e5-large-instruct',
  anyscale: 'bench-embedding',
};

/** Models of a service beside the one that is asked for. */
const others = (count: number): Record<string, object> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `bench-model-${i}`,
      { upstream: `bench/model-${i}`, family: 'llama-3', context_length: 32_768 },
    ]),
  );

export interface GatewayOptions {
  /** The checkout whose Worker it is; this one, unless told. */
  readonly directory?: string;
  /** How many models its service has. */
  readonly models?: number;
  /** Calls are covered by accounts, as deployed. Otherwise the gateway runs without any. */
  readonly accounts?: boolean;
}

/** The gateway as deployed, with credentials that open nothing, for an upstream that asks for none. */
export const gatewayAt = (
  upstream: string,
  { directory = '.', models = 1, accounts = true }: GatewayOptions = {},
): WorkerOptions => ({
  name: 'gateway',
  config: join(directory, 'wrangler.toml'),
  minify: true,
  bindings: {
    CHASQUI_ADMIN_KEY: AUTH_KEY,
    // A variable stands in for the object of the same name.
    ...(accounts ? {} : { ACCOUNT: '' }),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIABENCHBENCHBENCH0',
    AWS_SECRET_ACCESS_KEY: 'bench-secret-access-key',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: `${upstream}/bedrock`,
    REPLICATE_API_TOKEN: 'r8_bench',
    REPLICATE_BASE_URL: `${upstream}/replicate/v1`,
    TOGETHER_API_KEY: 'bench-together-key',
    TOGETHER_BASE_URL: `${upstream}/together/v1`,
    ANYSCALE_SERVICES: JSON.stringify([
      {
        id: 'bench',
        base_url: `${upstream}/anyscale/v1`,
        token: 'bench',
        models: {
          ...others(models - 1),
          'llama-3.3-70b-instruct': { upstream: 'meta-llama/Llama-3.3-70B-Instruct' },
          'bench-embedding': {
            upstream: 'Qwen/Qwen3-Embedding-0.6B',
            kind: 'embedding',
            family: 'qwen3',
            context_length: 32_768,
            dimensions: 1024,
          },
        },
      },
    ]),
  },
});

export const bareAt = (upstream: string): WorkerOptions => ({
  name: 'bare',
  config: 'test/bench/bare/wrangler.toml',
  minify: true,
  bindings: { UPSTREAM: upstream },
});

/** The bare Worker that also makes two calls of an object which does nothing. */
export const bareObjectAt = (upstream: string): WorkerOptions => ({
  name: 'bare-object',
  config: 'test/bench/bare-object/wrangler.toml',
  minify: true,
  bindings: { UPSTREAM: upstream },
});

export const EMPTY: WorkerOptions = { name: 'empty', config: 'test/bench/empty/wrangler.toml', minify: true };

export interface Size {
  readonly bytes: number;
  readonly gzipped: number;
}

/** Bytes of a Worker's bundle as it is deployed: its code, and the data that it loads when first asked for. */
export async function sizeOf(options: WorkerOptions): Promise<{ readonly code: Size; readonly data: Size }> {
  const { modules } = await bundle(options);
  const size = (paths: readonly string[]): Size => {
    const files = paths.map((path) => readFileSync(path));
    return {
      bytes: files.reduce((sum, file) => sum + file.length, 0),
      gzipped: files.reduce((sum, file) => sum + gzipSync(file).length, 0),
    };
  };
  const paths = modules.map(({ path }) => path);
  const isData = (path: string): boolean => path.endsWith('.bin');
  return { code: size(paths.filter((path) => !isData(path))), data: size(paths.filter(isData)) };
}
