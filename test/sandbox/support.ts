import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Served, serveWorkers } from '../support/workerd.ts';
import type { Fault } from './control/faults.ts';
import type { Entry } from './control/journal.ts';

export const KEYS = {
  together: 'sandbox-together-key',
  anyscale: 'sandbox-anyscale-token',
  replicate: 'r8_sandbox',
  bedrock: 'sandbox-bedrock-key',
  aws: { accessKeyId: 'AKIASANDBOXSANDBOX00', secretAccessKey: 'sandbox-secret-access-key' },
};

export interface Sandbox {
  /** Without a slash at the end. */
  readonly url: string;
  /** Adds a fault rule. */
  dial(rule: {
    readonly fault: Fault | readonly Fault[];
    readonly provider?: string;
    readonly model?: string;
    readonly path?: string;
    readonly times?: number;
  }): Promise<void>;
  journal(): Promise<Entry[]>;
}

/** Runs the sandbox for the tests of one file; the dial and the journal are cleared after each. */
export function sandbox(bindings: Readonly<Record<string, string>> = {}): Sandbox {
  let served: Served | undefined;
  const url = (): string => {
    const at = served?.urls.sandbox;
    if (!at) throw new Error('The sandbox is up in tests and hooks only.');
    return at;
  };
  beforeAll(async () => {
    served = await serveWorkers([{ name: 'sandbox', config: 'test/sandbox/wrangler.toml', bindings }]);
  });
  afterEach(async () => {
    await fetch(`${url()}/sandbox/faults`, { method: 'DELETE' });
    await fetch(`${url()}/sandbox/requests`, { method: 'DELETE' });
  });
  afterAll(() => served?.stop());
  return {
    get url() {
      return url();
    },
    async dial(rule) {
      const { status } = await fetch(`${url()}/sandbox/faults`, { method: 'POST', body: JSON.stringify(rule) });
      if (status !== 201) throw new Error(`The dial refused ${JSON.stringify(rule)}.`);
    },
    async journal() {
      const answer: { data: Entry[] } = await (await fetch(`${url()}/sandbox/requests`)).json();
      return answer.data;
    },
  };
}

/** A JSON body; what it holds is for the test to say. */
export const read = async <T>(answer: Promise<Response>): Promise<T> => (await answer).json() as Promise<T>;

/** What a call was refused with: the error itself, so that a test can match its parts. */
export const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => {
      throw new Error('It was not refused.');
    },
    (error: unknown) => error,
  );

/** Looks again until it holds; for what the other side does in its own time. The limit only ends what hangs. */
export async function eventually<T>(look: () => Promise<T | undefined>, within = 60_000): Promise<T> {
  const until = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`It did not come true within ${within} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
