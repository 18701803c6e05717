import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { deployArguments, devArguments, readConfigFile } from '../../src/cli/config-file.mjs';

const folder = mkdtempSync(join(tmpdir(), 'chasqui-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  delete process.env.CHASQUI_CONFIG_FILE;
});

function file(text: string): string {
  const path = join(folder, 'chasqui.json');
  writeFileSync(path, text);
  process.env.CHASQUI_CONFIG_FILE = path;
  return path;
}

describe('chasqui.json', () => {
  it('is not needed', () => {
    expect(readConfigFile()).toBeUndefined();
  });

  it('is one line of JSON, however it was written', () => {
    file('{\n  "services": [\n    {"id": "mine"}\n  ]\n}\n');
    expect(readConfigFile()).toBe('{"services":[{"id":"mine"}]}');
  });

  it.each([
    ['no JSON', '{"services": [{"token": "secret-token",,]}', /is not valid JSON/],
    ['no object', '["secret-token"]', /must hold a JSON object/],
  ])('that is %s says so, and nothing of what is in it', (_what, text, message) => {
    file(text);
    expect(readConfigFile).toThrow(message);
    expect(readConfigFile).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret-token') }));
  });

  it('that is named and not there says so', () => {
    process.env.CHASQUI_CONFIG_FILE = join(folder, 'nowhere.json');
    expect(readConfigFile).toThrow(/nowhere\.json, which does not exist/);
  });

  it('reaches `wrangler dev` whole, whatever stands in it, by a file that nobody else can read', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const args = devArguments(JSON.stringify(value), ['--env-file', 'x'], 'local');
        expect(args.map((arg) => arg === '--env-file')).toEqual([true, false]);
        const path = args[1] ?? '';
        const text = parseEnv(readFileSync(path, 'utf8')).CHASQUI_CONFIG ?? '';
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[$']/);
        expect(statSync(path).mode & 0o077).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('is deployed as a secret', () => {
    const [flag, path = ''] = deployArguments('{"routes":{}}');
    expect(flag).toBe('--secrets-file');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ CHASQUI_CONFIG: '{"routes":{}}' });
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('that is too long for a secret says what else can be done', () => {
    expect(() => deployArguments(JSON.stringify({ a: 'x'.repeat(5200) }))).toThrow(/5120.*PUT \/v1\/prices/);
  });
});
