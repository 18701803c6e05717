import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER_VARIABLES } from '../../providers/index.ts';
import { findVariables, namesIn } from '../../src/cli/serve/variables.ts';
import { OWN_VARIABLES } from '../../src/environment.ts';

const EXAMPLE = readFileSync(new URL('../../.dev.vars.example', import.meta.url).pathname, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'chasqui-variables-'));
const home = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

const written = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const find = (files: readonly string[], environment: Record<string, string> = {}) =>
  findVariables(files, namesIn(EXAMPLE), environment);

describe('.dev.vars.example', () => {
  it('names every variable that the gateway reads, which are those that are taken from the environment', () => {
    const { CHASQUI_SANDBOX: _, CHASQUI_CONFIG_FILE: __, ...known } = { ...OWN_VARIABLES, ...PROVIDER_VARIABLES };
    expect(namesIn(EXAMPLE).sort()).toEqual(Object.keys(known).sort());
  });
});

describe('the variables of npm run serve', () => {
  it('are of the environment before those of files, and of a later file before an earlier one', () => {
    const first = written('first', 'TOGETHER_API_KEY=one\nREPLICATE_API_TOKEN=one\nAWS_REGION=one\n');
    const second = written('second', 'REPLICATE_API_TOKEN=two\nAWS_REGION=two\n');
    expect(find([first, second], { AWS_REGION: 'three', TOGETHER_API_KEY: '' })).toEqual({
      variables: { TOGETHER_API_KEY: 'one', REPLICATE_API_TOKEN: 'two', AWS_REGION: 'three' },
      fromEnvironment: ['AWS_REGION'],
    });
  });

  it('are as they are written: quotes hold JSON, and a dollar sign is a dollar sign', () => {
    const file = written('quoted', `CHASQUI_ROUTES='{"a": "b#c"}'\nTOGETHER_API_KEY=pa$HOME\n`);
    expect(find([file]).variables).toEqual({ CHASQUI_ROUTES: '{"a": "b#c"}', TOGETHER_API_KEY: 'pa$HOME' });
  });

  it('are no other variables of the environment than the known and those that the configuration refers to', () => {
    const CHASQUI_CONFIG = '{"services": [{"id": "a", "token": {"env": "MY_TOKEN"}, "base_url": "http://a"}]}';
    const environment = { CHASQUI_CONFIG, MY_TOKEN: 'secret', PATH: '/bin', OTHER_TOKEN: 'not this' };
    expect(find([written('empty', '')], environment).variables).toEqual({ CHASQUI_CONFIG, MY_TOKEN: 'secret' });
  });

  it('are those of .dev.vars where no file is named', () => {
    const file = written('.dev.vars', 'TOGETHER_API_KEY=local\n');
    expect(find([]).variables).toEqual({ TOGETHER_API_KEY: 'local' });
    rmSync(file);
    expect(find([]).variables).toEqual({});
  });

  it('hold one configuration, from chasqui.json or from CHASQUI_CONFIG', () => {
    const file = written('chasqui.json', '{\n  "routes": {}\n}');
    expect(find([]).variables).toEqual({ CHASQUI_CONFIG: '{"routes":{}}' });
    expect(() => find([], { CHASQUI_CONFIG: '{}' })).toThrow(/keep one of them/);
    rmSync(file);
  });
});
