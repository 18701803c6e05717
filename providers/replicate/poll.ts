import { asGatewayError } from '../../src/core/index.ts';
import type { ReplicateApi } from './api.ts';
import type { Prediction } from './prediction.ts';
import { sleep, within } from './time.ts';

/** Waits between two looks, in ms; the last one repeats. Replicate allows 3000 reads a minute. */
const WAITS = [100, 200, 400, 700, 1000] as const;
const wait = (turn: number): number => WAITS[Math.min(turn, WAITS.length - 1)] ?? 1000;

/** One look may take this long. */
const LOOK_MS = 10_000;
/** Looks that may fail in a row before the prediction is given up. Reading is free and changes nothing. */
const MAX_FAILURES = 5;

/**
 * Looks at a prediction until it has ended: yields it each time it is found running, and returns it ended. Bounded by the
 * signal alone. Throws what the last look threw when several fail in a row, or what cannot pass.
 */
export async function* poll(
  api: ReplicateApi,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<Prediction, Prediction, undefined> {
  let failures = 0;
  for (let turn = 0; ; turn++) {
    let pause = wait(turn);
    try {
      const prediction = await within(LOOK_MS, signal, (limited) => api.get(id, limited));
      failures = 0;
      if (prediction.state.kind !== 'running') return prediction;
      yield prediction;
    } catch (error) {
      const failure = asGatewayError(error);
      if (signal.aborted || !failure.retryable || ++failures >= MAX_FAILURES) throw failure;
      pause = Math.max(pause, failure.details.retryAfterMs ?? 0);
    }
    await sleep(pause, signal);
  }
}

/** The figures come a moment after the stream's end; they are not worth more than this many looks and this long. */
const FIGURES_LOOKS = 3;
const FIGURES_MS = 2_000;

/** The ended prediction, for its figures, or nothing if it cannot be had soon. Throws only when the signal aborts. */
export async function figures(api: ReplicateApi, id: string, signal: AbortSignal): Promise<Prediction | undefined> {
  try {
    return await within(FIGURES_MS, signal, async (limited) => {
      for (let turn = 0; turn < FIGURES_LOOKS; turn++) {
        if (turn > 0) await sleep(wait(turn), limited);
        const prediction = await api.get(id, limited);
        if (prediction.state.kind !== 'running') return prediction;
      }
      return undefined;
    });
  } catch (error) {
    if (signal.aborted) throw error;
    // The answer itself is whole: it goes out without figures.
    return undefined;
  }
}
