// `chasqui.json`: one file for what would be several variables. A Worker reads no files, so the commands hand it over
// as the variable CHASQUI_CONFIG: `npm start` and `npm run deploy` in a file of its own that nobody else can read, since
// tokens may stand in it. Plain JavaScript, because it runs on every Node that runs `npm start`.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where it is; another place for tests, and for who has several. */
const path = () => resolve(process.env.CHASQUI_CONFIG_FILE ?? 'chasqui.json');

/**
 * The file as one line of JSON, or undefined where there is none. Throws an error whose message is for people where
 * it is no JSON object.
 */
export function readConfigFile() {
  const file = path();
  if (!existsSync(file)) {
    if (process.env.CHASQUI_CONFIG_FILE) throw new Error(`CHASQUI_CONFIG_FILE names ${file}, which does not exist.`);
    return undefined;
  }
  let value;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The parser's own message may quote a token; where it stopped is harmless.
    const place = /(line \d+ column \d+|position \d+)/.exec(error.message)?.[0];
    throw new Error(`${file} is not valid JSON${place ? ` (${place})` : ''}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${file} must hold a JSON object, like {"services": [{"id": "mine", "base_url": "…"}]}.`);
  }
  return JSON.stringify(value);
}

let folder;

/** Writes a file that only this user can read, and that is gone when this process is. */
function privateFile(name, text) {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'chasqui-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** The files that `wrangler dev` reads by itself; it does not once it is given one. */
export function usualEnvFiles(env) {
  const first = [`.dev.vars.${env}`, '.dev.vars'].find((name) => existsSync(name));
  return first
    ? [first]
    : ['.env', '.env.local', `.env.${env}`, `.env.${env}.local`].filter((name) => existsSync(name));
}

/** Arguments by which `wrangler dev` gets the file, beside the variables that it gets anyway. */
export function devArguments(text, args, env) {
  // Within single quotes nothing has a meaning but their end, and a dollar sign to what expands variables.
  const quoted = text.replaceAll("'", '\\u0027').replaceAll('$', '\\u0024');
  const given = args.some((arg) => /^--env-file(=|$)/.test(arg));
  const files = [
    ...(given ? [] : usualEnvFiles(env).map((name) => resolve(name))),
    privateFile('config.env', `CHASQUI_CONFIG='${quoted}'\n`),
  ];
  return files.flatMap((file) => ['--env-file', file]);
}

/** Bytes of one variable or secret of a Worker: developers.cloudflare.com/workers/platform/limits. */
const MOST = 5_120;

/** Arguments by which `wrangler deploy` stores the file as a secret. Throws where it is too long for one. */
export function deployArguments(text) {
  const size = Buffer.byteLength(text);
  if (size > MOST) {
    throw new Error(
      `${path()} comes to ${size} bytes, and a secret of a Worker holds ${MOST}. Prices can be set with PUT /v1/prices instead, and models that a server lists itself can be left out.`,
    );
  }
  return ['--secrets-file', privateFile('secrets.json', JSON.stringify({ CHASQUI_CONFIG: text }))];
}
