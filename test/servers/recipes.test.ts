import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';

const DOC = readFileSync(new URL('../../docs/servers.md', import.meta.url).pathname, 'utf8');

/** Each JSON block, with the heading it stands below. */
const blocks = DOC.split(/^#{1,3} /m).flatMap((section) => {
  const [under = ''] = section.split('\n');
  return [...section.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => ({ under, json }));
});

/** Every variable that a recipe names, and every binding. */
function environment(json: string): Record<string, unknown> {
  const variables = [...json.matchAll(/\{"env": "(\w+)"\}/g)].map(([, name]) => [name, 'a-value']);
  const bindings = [...json.matchAll(/"binding": "(\w+)"/g)].map(([, name]) => [name, { fetch: () => undefined }]);
  return Object.fromEntries([...variables, ...bindings]);
}

describe('docs/servers.md', () => {
  it('has recipes', () => {
    expect(blocks.length).toBeGreaterThan(10);
  });

  it.each(blocks)('configures a server without mistakes: $under', ({ json }) => {
    const config = readConfig({ ...environment(json), CHASQUI_CONFIG: json }, () =>
      Promise.reject(new Error('offline')),
    );
    expect(config.mistakes).toEqual([]);
    expect(config.providers.size).toBe(1);
    expect(config.services.length + config.discoveries.length).toBeGreaterThan(0);
    // What is named must be there, and what is not set must be missed.
    if (!/"env"/.test(json)) return;
    const { mistakes } = readConfig({ CHASQUI_CONFIG: json }, () => Promise.reject(new Error('offline')));
    expect(mistakes.join(' ')).toMatch(/names the variable \w+, which is not set/);
  });
});
