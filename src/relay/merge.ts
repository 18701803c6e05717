import { addUsage, type Event, type Generation, type Usage } from '../core/index.ts';

/** An event of one upstream request, under the choice number it has in the whole call. */
function renumber(event: Event, base: number): Event {
  return base === 0 || event.type === 'usage' ? event : { ...event, choice: event.choice + base };
}

/**
 * Several upstream requests as one: a fan-out of samples or prompts. Choice `c` of request `r` becomes
 * `r * choicesPerJob + c`; their usages become one, at the end. Ends when all have ended; the first failure fails all.
 */
export async function* mergeGenerations(
  generations: readonly Generation[],
  choicesPerJob: number,
): AsyncGenerator<Event[], void, undefined> {
  const iterators = generations.map((generation) => generation.events[Symbol.asyncIterator]());
  type Turn = { readonly index: number; readonly result: IteratorResult<Event[]> };
  const pending = new Map<number, Promise<Turn>>();
  const ask = (index: number) => {
    const next = iterators[index]?.next();
    if (next)
      pending.set(
        index,
        next.then((result) => ({ index, result })),
      );
  };
  let usage: Usage | undefined;
  try {
    for (let index = 0; index < iterators.length; index++) ask(index);
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      pending.delete(index);
      if (result.done) continue;
      ask(index);
      const batch: Event[] = [];
      for (const event of result.value) {
        if (event.type === 'usage') usage = usage ? addUsage(usage, event.usage) : event.usage;
        else batch.push(renumber(event, index * choicesPerJob));
      }
      yield batch;
    }
    if (usage) yield [{ type: 'usage', usage }];
  } finally {
    for (const [index, turn] of pending) {
      // The others are abandoned: their late failure is nobody's concern any more.
      turn.catch(() => undefined);
      iterators[index]?.return?.()?.catch(() => undefined);
    }
  }
}
