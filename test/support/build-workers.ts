import { bundle } from '../../src/cli/serve/bundle.ts';

/** Builds the Workers before the tests that run them, so that two files that start together do not both build them. */
export default async function setup(): Promise<void> {
  for (const config of ['wrangler.toml', 'test/sandbox/wrangler.toml']) await bundle({ config });
}
