import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROVIDER_VARIABLES } from '../../providers/index.ts';
import { readConfig } from '../../src/config.ts';
import { OWN_VARIABLES } from '../../src/environment.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'examples/README.md',
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** A page without what stands in code blocks. */
const proseOf = (page: string): string => read(page).replace(/^```[\s\S]*?^```$/gm, '');
const jsonIn = (page: string, under = ''): string[] => {
  const text = read(page);
  const from = under === '' ? text : text.slice(text.indexOf(under));
  return [...from.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => json);
};

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/[`*]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe.each(PAGES)('%s', (page) => {
  it('has no link that leads nowhere', () => {
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      expect(existsSync(join(ROOT, file)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(file), target).toContain(anchor);
    }
  });

  it('names no file of the repository that is not there', () => {
    for (const [, path = ''] of proseOf(page).matchAll(/`((?:test|examples|docs|src|providers)\/[\w./-]+\.\w+)`/g))
      expect(existsSync(join(ROOT, path)), path).toBe(true);
  });
});

describe('the configuration that the pages show', () => {
  const offline = () => Promise.reject(new Error('offline'));
  const mistakesOf = (env: Record<string, unknown>) => readConfig(env, offline).mistakes;

  it.each(jsonIn('docs/configuration.md').map((json) => [json] as const))('holds no mistake: %s', (json) => {
    expect(mistakesOf({ CHASQUI_CONFIG: json, MY_TOKEN: 'a-value' })).toEqual([]);
  });

  it('names models that are known', () => {
    const [routes = ''] = jsonIn('docs/routing.md');
    expect(mistakesOf({ CHASQUI_ROUTES: routes })).toEqual([]);
  });

  it('is every variable there is', () => {
    const { CHASQUI_SANDBOX: _, CHASQUI_CONFIG_FILE: __, ...known } = { ...OWN_VARIABLES, ...PROVIDER_VARIABLES };
    const table = read('docs/configuration.md');
    for (const name of Object.keys(known)) expect(table).toContain(`\`${name}\``);
  });
});
