// `npm run deploy`: `wrangler deploy`, with chasqui.json, if there is one, as the secret CHASQUI_CONFIG. What follows
// `--` goes on to wrangler: npm run deploy -- --dry-run
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { deployArguments, readConfigFile } from './config-file.mjs';

function configArguments() {
  try {
    const text = readConfigFile();
    return text === undefined ? [] : deployArguments(text);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}

const require = createRequire(import.meta.url);
const wrangler = join(dirname(require.resolve('wrangler/package.json')), 'bin', 'wrangler.js');
const args = ['deploy', '--env=', ...configArguments(), ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [wrangler, ...args], { stdio: 'inherit' });
process.exit(status ?? 1);
