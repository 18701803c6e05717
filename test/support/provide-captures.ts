import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { Capture } from './captures.ts';

const ROOT = new URL('../captures', import.meta.url).pathname;

/** Reads every recorded case, in Node, so that tests inside workerd (which has no disk) can have them by `inject`. */
export function readCaptures(): Capture[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.meta.json'))
    .sort()
    .map((name) => {
      const meta = JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
      const body = readFileSync(join(ROOT, name, '..', meta.response.bodyFile));
      return { ...meta, bodyBase64: body.toString('base64') };
    });
}

export default function setup(project: TestProject): void {
  project.provide('captures', readCaptures());
  project.provide('accountRuns', Number(process.env.ACCOUNT_RUNS ?? 150));
}

declare module 'vitest' {
  interface ProvidedContext {
    captures: Capture[];
    /** How many random histories an account is tried on. */
    accountRuns: number;
  }
}
