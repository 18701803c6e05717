import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const file = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;

describe('the description of the API', () => {
  it('has all that it refers to', () => {
    const text = readFileSync(file('src/assets/ui/openapi.json'), 'utf8');
    const document: unknown = JSON.parse(text);
    const places = new Set([...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, place = '']) => place));
    expect(places.size).toBeGreaterThan(100);
    for (const place of places) {
      const found = place.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], document);
      expect(found, place).toBeDefined();
    }
  });

  it('is what the validators and the routes say: else run `npm run openapi`', () => {
    const made = execFileSync(process.execPath, [file('test/openapi/write.ts'), '--print'], {
      encoding: 'utf8',
      maxBuffer: 16_000_000,
    });
    // A diff of the whole would be unreadable, so lines are compared.
    expect(readFileSync(file('src/assets/ui/openapi.json'), 'utf8').split('\n')).toEqual(made.split('\n'));
  });
});
