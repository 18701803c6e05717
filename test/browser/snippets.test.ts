import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import type { Stack } from '../support/gateway.ts';
import { describeWithBrowser, KEY, openPage, startGuarded } from './harness.ts';

/** What breaks code that quotes carelessly, and what shows code in another order than it has. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is meant as it is.
const TEXT = 'Reply with exactly: it\'s "fine" $HOME `id` \\n ${x} {y} %s 命运 🦙 \u202eabc\nsecond line';
const HIDDEN = /[\u202a-\u202e\u2066-\u2069]/;

/** This repository's root, where JavaScript finds the package `openai`. */
const ROOT = new URL('../../', import.meta.url).pathname;

/** Runs a program. What it wrote to its output comes back; if it fails, its errors are thrown. */
const run = (command: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(command, [...args], { env: { ...process.env, CHASQUI_KEY: KEY } }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}: ${stderr}`));
      else resolve(stdout);
    });
  });

describeWithPython('code copied from Try', 'requirements', (python) => {
  describeWithBrowser('runs as it is', (browser) => {
    let stack: Stack;
    let folder: string;
    beforeAll(async () => {
      stack = await startGuarded();
      folder = mkdtempSync(join(ROOT, '.snippets-'));
    });
    beforeEach(() => stack.reset());
    afterAll(async () => {
      rmSync(folder, { recursive: true });
      await stack.stop();
    });

    const CHAT = {
      chat: JSON.stringify([TEXT]),
      system: "Don't explain.",
      max_tokens: '60',
      sort: 'price',
      stop: '"""',
    };
    const calls = { chat: CHAT, prompt: { raw: '1', prompt: TEXT, max_tokens: '20', temperature: '0.5' } };
    const save = (name: string, code: string): string => {
      const file = join(folder, name);
      writeFileSync(file, code);
      return file;
    };

    it.each(Object.entries(calls))('with curl, Python and JavaScript: a %s', async (_, call) => {
      const query = `?${new URLSearchParams({ panel: 'try', model: 'together/llama-3.3-70b-instruct', ...call })}`;
      const { page, context, expectClean, close } = await openPage(await browser(), {
        url: stack.url,
        key: KEY,
        query,
      });
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const copied = async (language: string): Promise<string> => {
        await page.getByRole('button', { name: language, exact: true }).click();
        await page.getByRole('button', { name: 'Copy', exact: true }).click();
        await page.getByText('Copied').waitFor();
        const code: string = await page.evaluate('navigator.clipboard.readText()');
        expect(code).not.toMatch(HIDDEN);
        return code;
      };
      const ran: [string, string][] = [
        ['curl', await run('bash', [save('call.sh', await copied('curl'))])],
        ['Python', await run(python, [save('call.py', await copied('Python'))])],
        ['JavaScript', await run(process.execPath, [save('call.mjs', await copied('JavaScript'))])],
      ];
      await expectClean();
      await close();
      for (const [language, output] of ran) expect(output, language).toMatch(/cost_exact":"0\.\d+|\n\$0\.\d+/);
      expect(ran[0]?.[1]).toContain('data: [DONE]');

      // All three sent the same, and what was written in the field.
      const bodies = (await stack.journal()).flatMap(({ body, method }) => (method === 'POST' ? [body] : []));
      expect(bodies.length).toBe(3);
      expect(bodies[1]).toEqual(bodies[0]);
      expect(bodies[2]).toEqual(bodies[0]);
      expect(JSON.stringify(bodies[0])).toContain(JSON.stringify(TEXT).slice(1, -1));
    });
  });
});
