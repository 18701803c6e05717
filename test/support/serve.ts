import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
/** Ends what hangs. */
const START_MS = 240_000;

/** `npm run serve` without npm, which passes no signals on. */
export interface ServeCommand {
  readonly pid: number;
  output(): string;
  /** Waits until it says so, and returns what the pattern found. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Where it serves, once it does. */
  url(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
}

/** A folder without a developer's `.dev.vars` in it, and a configuration file that says nothing. */
export interface ServeOptions {
  readonly cwd?: string;
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export function serveCommand(
  args: readonly string[],
  { cwd = ROOT, script = 'src/cli/serve/run.ts', env = {} }: ServeOptions = {},
): ServeCommand {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--', script, ...args], { cwd, env: { PATH, HOME, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (let waited = 0; ; waited += 50) {
      const found = pattern.exec(output);
      if (found) return found;
      if (waited > START_MS || child.exitCode !== null) throw new Error(`npm run serve did not get there:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    until,
    url: async () => (await until(/^Chasqui on (http:\/\/[^\s:]+:\d+)/m))[1] ?? '',
    kill: (signal) => void child.kill(signal),
    exited,
  };
}

/** A gateway of `npm run serve` with variables of its own, in folders of its own. */
export async function startServe(
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; logs(): string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'chasqui-serve-'));
  const file = join(folder, 'variables');
  // JSON stands in single quotes, so these are the values for which that is enough.
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  const command = serveCommand(['--port', '0', '--state', join(folder, 'state'), '--env-file', file]);
  const stop = async () => {
    command.kill('SIGKILL');
    await command.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { url: await command.url(), logs: command.output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
