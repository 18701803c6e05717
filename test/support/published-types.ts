import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a published type is to hold: its name in `test/python/published_types.py`, and the value. */
export type Typed = readonly [type: string, value: unknown];

export interface PublishedTypes {
  /** For each value what is wrong with it by its type, or null. */
  faults(values: readonly Typed[]): Promise<readonly (string | null)[]>;
  /** Throws with everything that is wrong with any of the values. */
  hold(values: readonly Typed[]): Promise<void>;
  stop(): void;
}

/**
 * Starts a process that knows the Python types of OpenAI, Anthropic and Open Responses.
 *
 * @param python the one that has the packages of test/python/requirements.txt
 */
export async function publishedTypes(python: string): Promise<PublishedTypes> {
  const script = new URL('../python/published_types.py', import.meta.url).pathname;
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the process with the published types has ended: ${stderr}`);
    return value;
  };
  await line();
  const faults: PublishedTypes['faults'] = async (values) => {
    child.stdin.write(`${JSON.stringify(values.map(([type, value]) => [type, JSON.stringify(value)]))}\n`);
    return JSON.parse(await line());
  };
  return {
    faults,
    async hold(values) {
      const wrong = (await faults(values)).flatMap((fault, at) =>
        fault === null ? [] : `not ${values[at]?.[0]}: ${fault}\n${JSON.stringify(values[at]?.[1])}`,
      );
      if (wrong.length > 0) throw new Error(wrong.join('\n\n'));
    },
    stop: () => child.kill(),
  };
}
