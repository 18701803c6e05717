/** Calls of an account's object that are made again when it restarts or is overloaded. */

/**
 * `ask`: somebody waits for the answer. `tell`: nobody does, and the runtime gives a request 30 s after its answer
 * (https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil).
 */
const POLICIES = {
  ask: { tries: 3, firstMs: 50, eachMs: 5_000 },
  tell: { tries: 7, firstMs: 200, eachMs: 10_000 },
} as const;

/**
 * Every call of an account may be repeated, so that a lost reply does no harm. Throws the last failure.
 * Source: https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
export async function retried<T>(work: () => Promise<T>, policy: keyof typeof POLICIES): Promise<T> {
  const { tries, firstMs, eachMs } = POLICIES[policy];
  for (let made = 1; ; made++) {
    try {
      return await within(work(), eachMs);
    } catch (thrown) {
      if (made >= tries) throw thrown;
      const wait = firstMs * 2 ** (made - 1);
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
    }
  }
}

/** The outcome of some work, or a failure where it takes too long. */
function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`It took more than ${ms} ms.`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The outcome of some work that never fails; undefined where it takes too long. */
export const soon = <T>(work: Promise<T>, ms: number): Promise<T | undefined> =>
  within(work, ms).catch(() => undefined);
