import { readFileSync } from 'node:fs';

/** A stage of a Dockerfile, as far as ours goes. */
export interface Stage {
  readonly from: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

export interface Step {
  /** COPY, RUN, USER … */
  readonly instruction: string;
  readonly text: string;
}

export function readDockerfile(path: string): Stage[] {
  const lines = readFileSync(path, 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: { from: string; name: string | undefined; steps: Step[] }[] = [];
  for (const line of lines) {
    const [, instruction = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === '') throw new Error(`not understood: ${line}`);
    if (instruction === 'FROM') {
      const [, from = '', name] = /^(\S+)(?: AS (\S+))?$/.exec(text) ?? [];
      stages.push({ from, name, steps: [] });
    } else stages.at(-1)?.steps.push({ instruction, text });
  }
  return stages;
}

/** `["node", "--"]` of an ENTRYPOINT, a CMD or a HEALTHCHECK. */
export function execForm(text: string): string[] {
  const words: unknown = JSON.parse(text.slice(text.indexOf('[')));
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${text}`);
  return words.map(String);
}

/** The sources, the target and the stage of a COPY. */
export function copied(text: string): { readonly from: string | undefined; sources: string[]; target: string } {
  const words = text.split(/\s+/);
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
  const target = words.pop() ?? '';
  return { from, sources: words, target };
}

/** Whether a path of the repository is sent to Docker: the last line of `.dockerignore` that is about it decides. */
export function isSent(path: string, dockerignore: string): boolean {
  let sent = true;
  for (const line of dockerignore.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const kept = line.startsWith('!');
    const pattern = kept ? line.slice(1) : line;
    const anywhere = pattern.startsWith('**/');
    const source = (anywhere ? pattern.slice(3) : pattern).replace(/[.+^$()[\]]/g, '\\$&').replaceAll('*', '[^/]*');
    if (new RegExp(`^${anywhere ? '(?:.*/)?' : ''}${source}(?:/.*)?$`).test(path)) sent = kept;
  }
  return sent;
}
