import { Session } from 'node:inspector';

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

const session = new Session();
let counting = false;

/** The inspector answers at once: nothing here waits. */
function ask<T>(method: string, params?: object): T {
  let answer: T | undefined;
  session.post(method, params, (error, result) => {
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    answer = result as T;
  });
  return answer as T;
}

/**
 * How often the blocks of code in `src/` were entered while this ran: loops and calls, counted by the engine. Unlike
 * milliseconds that is the same on every machine, so a test may compare two of them. Work of built-in functions is not
 * in it. Node only; what runs after the first use runs slower.
 */
export function workOf(run: () => void): number {
  if (!counting) {
    session.connect();
    ask('Profiler.enable');
    ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    counting = true;
  }
  // Taking the counts sets them back.
  ask('Profiler.takePreciseCoverage');
  run();
  const { result } = ask<Coverage>('Profiler.takePreciseCoverage');
  let work = 0;
  for (const { url, functions } of result) {
    if (!url.includes('/src/')) continue;
    for (const { ranges } of functions) for (const { count } of ranges) work += count;
  }
  if (work === 0) throw new Error('Nothing of src/ ran.');
  return work;
}
