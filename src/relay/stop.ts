import type { Event } from '../core/index.ts';

/** How much of the end of `text` could be the beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (stop.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}

export interface StopCutter {
  /** Text that may be shown, and whether a stop string has ended it. */
  push(text: string): { readonly text: string; readonly stopped: boolean };
  /** What was held back, at the end of the output. */
  flush(): string;
}

/**
 * Cuts one choice's text at the first stop string, however the text is split. Holds back at most the length of the
 * longest stop string less one. The earliest occurrence wins, whichever string it is.
 */
export function stopCutter(stops: readonly string[]): StopCutter {
  let held = '';
  return {
    push(piece) {
      const text = held + piece;
      let cut = -1;
      for (const stop of stops) {
        const at = text.indexOf(stop);
        if (at >= 0 && (cut < 0 || at < cut)) cut = at;
      }
      if (cut >= 0) {
        held = '';
        return { text: text.slice(0, cut), stopped: true };
      }
      let keep = 0;
      for (const stop of stops) keep = Math.max(keep, overlap(text, stop));
      held = text.slice(text.length - keep);
      return { text: text.slice(0, text.length - keep), stopped: false };
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/**
 * Applies stop strings where the wire has none of its own. Ends the stream once every choice has ended, which the caller
 * turns into an abort of the upstream, so that nothing more is generated and billed.
 */
export async function* applyStop(
  events: AsyncIterable<Event[]>,
  stops: readonly string[],
  choices: number,
): AsyncGenerator<Event[], void, undefined> {
  const cutters = new Map<number, StopCutter>();
  const ended = new Set<number>();
  /** What was held back of the choices that nothing more comes of, as a batch if there is any. */
  const heldBack = (): Event[][] => {
    const rest = [...cutters].flatMap(([choice, cutter]): Event[] => {
      const text = ended.has(choice) ? '' : cutter.flush();
      return text ? [{ type: 'text', choice, text }] : [];
    });
    return rest.length > 0 ? [rest] : [];
  };
  try {
    for await (const batch of events) {
      const out: Event[] = [];
      for (const event of batch) {
        if (event.type === 'usage') {
          out.push(event);
          continue;
        }
        if (ended.has(event.choice)) continue;
        let cutter = cutters.get(event.choice);
        if (!cutter) {
          cutter = stopCutter(stops);
          cutters.set(event.choice, cutter);
        }
        if (event.type === 'text') {
          const { text, stopped } = cutter.push(event.text);
          if (text) out.push({ ...event, text });
          if (stopped) {
            ended.add(event.choice);
            out.push({ type: 'finish', choice: event.choice, reason: 'stop', cut: true });
          }
        } else {
          if (event.type === 'finish') {
            const rest = cutter.flush();
            if (rest) out.push({ type: 'text', choice: event.choice, text: rest });
            ended.add(event.choice);
          }
          out.push(event);
        }
      }
      yield out;
      // A usage that came with the last finish has been passed on; one that would come later is not worth the tokens.
      if (ended.size === choices && batch.every((event) => event.type !== 'finish')) return;
    }
  } catch (error) {
    // It came whole before the stream broke, and no stop string ends in it any more.
    yield* heldBack();
    throw error;
  }
  yield* heldBack();
}
