import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROVIDER_VARIABLES } from '../../providers/index.ts';
import { OWN_VARIABLES } from '../../src/environment.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8');
const known = { ...OWN_VARIABLES, ...PROVIDER_VARIABLES };
/** What is not read by the Worker, but by clients and commands: where the gateway is, and its key. */
const OTHERS = ['CHASQUI_URL', 'CHASQUI_KEY'];

describe('every variable', () => {
  it('that the documentation names, or the code reads, is known, so that nobody is warned of it', () => {
    const docs = [
      'README.md',
      '.dev.vars.example',
      ...readdirSync(`${ROOT}docs`).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
    ];
    const namesIn = (path: string): string[] => read(path).match(/\bCHASQUI_[A-Z_]+\b/g) ?? [];
    // The table of misspelt names stands in this file, too.
    const misspelt = new Set(Object.values(known).flat());
    const code = ['src/config.ts', 'src/environment.ts'].flatMap(namesIn).filter((name) => !misspelt.has(name));
    const named = [...docs.flatMap(namesIn), ...code];
    const example = read('.dev.vars.example')
      .match(/^(?:# )?([A-Z][A-Z_]+)=/gm)
      ?.map((line) => line.replace(/^# |=$/g, ''));
    expect(named.length).toBeGreaterThan(20);
    for (const name of [...named, ...(example ?? [])].filter((one) => !OTHERS.includes(one)))
      expect(Object.keys(known), name).toContain(name);
  });

  it('is no other’s slip', () => {
    for (const [name, slips] of Object.entries(known))
      for (const slip of slips) expect(Object.keys(known), `${name}: ${slip}`).not.toContain(slip);
  });
});
