import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const UI = new URL('../../src/assets/ui/', import.meta.url).pathname;
const FILES = readdirSync(UI, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(UI, join(entry.parentPath, entry.name)));
const read = (path: string) => readFileSync(join(UI, path), 'utf8');
const own = FILES.filter((path) => path.endsWith('.js') && !path.startsWith('vendor/'));

/** Documents that are served beside the page and are no part of it. */
const DOCUMENTS = ['openapi.json'];
const PANELS = 'panels/index.js';
/** What is loaded until a panel is shown, each file compressed by itself, in bytes. */
const MOST_BYTES = 60 * 1024;
const MOST_LINES = 300;

/** What a file loads, from the page's root. */
function loads(path: string): string[] {
  const text = read(path);
  if (path.endsWith('.html')) return [...text.matchAll(/(?:src|href)="\/ui\/([^"]+)"/g)].map(([, to = '']) => to);
  return [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(([, to = '']) =>
    normalize(join(dirname(path), to)),
  );
}

const compressed = (path: string): number => gzipSync(read(path), { level: 9 }).length;

/** All that a page loads to show its first screen, and every file that those load, from files that load one another. */
function closure(...from: string[]): string[] {
  const found = new Set(from);
  for (const path of found) {
    if (!/\.(?:js|html)$/.test(path) || path.startsWith('vendor/')) continue;
    // The list of panels loads each of them only when it is shown.
    if (path !== PANELS) for (const to of loads(path)) found.add(to);
  }
  return [...found];
}

const panels = loads(PANELS);

describe('the page’s files', () => {
  it.each(panels)(`are at most ${MOST_BYTES / 1024} KB, compressed, for who opens the page at %s`, (panel) => {
    const sizes = closure('index.html', panel).map((path) => ({ path, bytes: compressed(path) }));
    const sum = sizes.reduce((all, { bytes }) => all + bytes, 0);
    const list = sizes.sort((x, y) => y.bytes - x.bytes).map(({ path, bytes }) => `${bytes} ${path}`);
    expect(sum, list.join('\n')).toBeLessThanOrEqual(MOST_BYTES);
    expect(sizes.length).toBeGreaterThan(8);
  });

  it.each(own)('%s is no longer than a page', (path) => {
    expect(read(path).split('\n').length - 1).toBeLessThan(MOST_LINES);
  });

  it('load one another and nothing else, and each is loaded', () => {
    const known = new Set<string>();
    const waiting = FILES.filter((path) => path.endsWith('.html'));
    for (const path of waiting) {
      if (known.has(path)) continue;
      known.add(path);
      expect(FILES, `loaded by others, or not there: ${path}`).toContain(path);
      if (/\.(?:js|html)$/.test(path) && !path.startsWith('vendor/')) waiting.push(...loads(path));
    }
    const loaded = FILES.filter((path) => !DOCUMENTS.includes(path) && !path.endsWith('LICENSE.txt'));
    expect([...known].sort()).toEqual(loaded.sort());
  });

  it.each(own)('%s makes no HTML of text', (path) => {
    expect(read(path)).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc/,
    );
  });
});

describe('what is copied from npm', () => {
  const HTM = new URL('../../node_modules/htm/', import.meta.url).pathname;
  const of = (path: string) => readFileSync(join(HTM, path), 'utf8');

  it('is what the package has, under its version', () => {
    const { version }: { version: string } = JSON.parse(of('package.json'));
    const copies = {
      [`vendor/htm-preact-${version}.js`]: 'preact/standalone.module.js',
      'vendor/htm-LICENSE.txt': 'LICENSE',
    };
    expect(FILES.filter((path) => path.startsWith('vendor/')).sort()).toEqual(Object.keys(copies).sort());
    for (const [copy, original] of Object.entries(copies)) expect(read(copy)).toBe(of(original));
  });
});
