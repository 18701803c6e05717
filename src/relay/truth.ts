import { type Event, GatewayError } from '../core/index.ts';

/** An event that a reader would notice: text that is not empty, a tool call, an end. */
export const saysSomething = (event: Event): boolean =>
  event.type !== 'usage' &&
  !(event.type === 'text' && event.text === '') &&
  !(event.type === 'reasoning' && event.text === '');

/**
 * Holds an answer to what every answer must keep to, whatever provider it comes from: one finish for each choice, nothing
 * of a choice after it, and none missing at the end.
 */
export interface Truth {
  /** The batch without what does not belong; the same array where everything does. */
  filter(batch: Event[]): Event[];
  /** Every choice has said something, so that the answer can be committed to. */
  begun(): boolean;
  /** Throws `stream_interrupted` if a choice has not finished. */
  assertComplete(): void;
}

export function truth(provider: string, choices: number): Truth {
  const begun = new Set<number>();
  const finished = new Set<number>();
  const belongs = (event: Event): boolean => {
    if (event.type === 'usage') return true;
    if (event.choice >= choices || finished.has(event.choice)) return false;
    if (begun.size < choices && saysSomething(event)) begun.add(event.choice);
    if (event.type === 'finish') finished.add(event.choice);
    return true;
  };
  return {
    filter(batch) {
      let kept: Event[] | undefined;
      for (const [at, event] of batch.entries()) {
        if (belongs(event)) kept?.push(event);
        else kept ??= batch.slice(0, at);
      }
      return kept ?? batch;
    },
    begun: () => begun.size === choices,
    assertComplete() {
      if (finished.size === choices) return;
      throw new GatewayError('stream_interrupted', `${provider} ended its answer without finishing it.`, { provider });
    },
  };
}
