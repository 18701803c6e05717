/**
 * `npm run test:openapi [-- --seed N] [--time SECONDS]`: Schemathesis sends requests made from the description of the
 * API, valid and not, to the running gateway, whose providers are the sandbox. Ends with 1 if an answer is a 5xx or has
 * a status, a type, a header or a body that is not described. What it reports and is meant is in `baseline.json`.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { install } from '../python/setup.mjs';
import { KEY, sandboxEnv, startStack } from '../support/gateway.ts';

const HERE = new URL('.', import.meta.url).pathname;
const DESCRIPTION = new URL('../../src/assets/ui/openapi.json', import.meta.url).pathname;

/**
 * Not checked: that every body which fits its schema is accepted. Rules between fields are code, and a call can be
 * refused for its model, its cost or its providers. The other way round: unknown fields are taken, and named.
 */
const LEFT_OUT = 'positive_data_acceptance,negative_data_rejection';

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, time: { type: 'string', default: '120' } },
  allowPositionals: true,
});
const seed = values.seed ?? String(randomInt(2 ** 31));

const found = install('openapi');
if ('missing' in found) throw new Error(found.missing);

/** A reranker is a model of a server of one's own. */
const reranker = (sandbox: string): string =>
  JSON.stringify([
    {
      id: 'mine',
      base_url: `${sandbox}/openai-compatible/v1`,
      models: { 'mxbai-rerank-large-v2': { upstream: 'BAAI/bge-reranker-v2-m3', kind: 'rerank' } },
    },
  ]);

const stack = await startStack((sandbox) => ({
  ...sandboxEnv(sandbox),
  OPENAI_COMPATIBLE_SERVICES: reranker(sandbox),
}));
try {
  console.log(`Seed ${seed}. The same again: npm run test:openapi -- --seed ${seed}`);
  const { status } = spawnSync(
    join(dirname(found.python), 'schemathesis'),
    [
      ...['run', DESCRIPTION, '--url', stack.url, '-H', `Authorization: Bearer ${KEY}`],
      ...['--seed', seed, '--max-time', values.time, '-n', '40', '--continue-on-failure'],
      ...['--exclude-checks', LEFT_OUT, '--baseline', join(HERE, 'baseline.json')],
      // A watch has no end.
      ...['--exclude-operation-id', 'watchCalls'],
      ...positionals,
    ],
    // Nothing of it is kept in the repository's folder.
    {
      stdio: 'inherit',
      cwd: dirname(found.python),
      env: { ...process.env, HYPOTHESIS_STORAGE_DIRECTORY: '/dev/null' },
    },
  );
  process.exitCode = status ?? 1;
} finally {
  await stack.stop();
}
