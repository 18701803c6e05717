import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Test files side by side. Each that drives the Worker has processes of its own, on ports of their own. */
const WORKERS = Math.max(2, Math.min(8, availableParallelism()));

/** Rooms run inside workerd, with the runtime they ship on; what drives the running Worker from outside runs in Node. */
export default defineConfig({
  test: {
    // Vitest leaves one core to itself; of two cores that would be half.
    maxWorkers: WORKERS,
    globalSetup: ['test/support/provide-captures.ts'],
    // These end what hangs; no test may need less on any machine, however busy.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
    projects: [
      {
        extends: true,
        plugins: [
          cloudflareTest({
            // Durable Objects are made of its classes.
            main: 'src/index.ts',
            miniflare: {
              compatibilityDate: '2026-10-20',
              compatibilityFlags: ['enable_request_signal', 'no_nodejs_global_timers'],
              d1Databases: ['DB'],
              durableObjects: {
                ACCOUNT: { className: 'Account', useSQLite: true },
                BOOKS: { className: 'Books', useSQLite: true },
              },
              // Vocabularies.
              modulesRules: [{ type: 'Data', include: ['**/*.bin'] }],
              serviceBindings: { ASSETS: { disk: { path: resolve('src/assets') } } },
            },
          }),
        ],
        test: {
          name: 'rooms',
          // One workerd for all files: what a module remembers (tokenizers) is for all of them.
          isolate: false,
          include: [
            'test/{core,catalog,tokens,offers,accounts,traces,relay,dialects,providers,page,routes}/**/*.test.ts',
          ],
          deps: {
            optimizer: {
              ssr: {
                enabled: true,
                include: ['@aws-sdk/client-bedrock-runtime', '@smithy/fetch-http-handler'],
              },
            },
          },
        },
      },
      {
        extends: true,
        test: {
          // Oracles of the tokenizers that do not run inside workerd.
          name: 'oracles',
          include: ['test/oracles/**/*.test.ts'],
          environment: 'node',
        },
      },
      {
        extends: true,
        test: {
          name: 'cli',
          include: ['test/cli/**/*.test.ts'],
          environment: 'node',
        },
      },
      {
        extends: true,
        test: {
          // Some of the gateway's tests once more, against what `npm run serve` runs.
          name: 'serve',
          globalSetup: ['test/support/build-workers.ts'],
          include: ['test/gateway/{budget,keys,page,prices,reports,tokens,wire}.test.ts'],
          environment: 'node',
          env: { CHASQUI_TEST_GATEWAY: 'serve' },
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          // The page in a real browser.
          name: 'browser',
          globalSetup: ['test/support/build-workers.ts'],
          include: ['test/browser/**/*.test.ts'],
          environment: 'node',
          // What a page shows is waited for as long as Playwright waits.
          expect: { poll: { timeout: 30_000 } },
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'gateway',
          globalSetup: ['test/support/build-workers.ts'],
          include: ['test/{sandbox,gateway,guide,clients,examples,faults,servers}/**/*.test.ts'],
          environment: 'node',
          isolate: false,
          // Tests that wait for a timer wait together.
          maxConcurrency: 24,
        },
      },
    ],
  },
});
