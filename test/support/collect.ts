import type { Event, FinishReason, TokenLogprob, Usage } from '../../src/core/index.ts';

export interface CollectedChoice {
  text: string;
  reasoning: string;
  toolCalls: { id: string; name: string; arguments: string }[];
  logprobs: TokenLogprob[];
  finish: FinishReason | undefined;
  native: string | undefined;
  stopString: string | undefined;
}

export interface Collected {
  /** By choice; a choice that never spoke is missing. */
  readonly choices: Map<number, CollectedChoice>;
  usage: Usage | undefined;
  batches: number;
  /** What the stream was broken by, if it was. */
  error: unknown;
}

/**
 * Reads a generation to its end or its error, and holds it to the rules of the vocabulary on the way (see
 * `src/core/event.ts`): it throws where an event comes after its choice's finish, a finish or the usage comes twice,
 * a tool call does not begin with id and name, or a batch is empty.
 */
export async function collect(events: AsyncIterable<Event[]>): Promise<Collected> {
  const collected: Collected = { choices: new Map(), usage: undefined, batches: 0, error: undefined };
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Event[]>;
    try {
      next = await iterator.next();
    } catch (error) {
      collected.error = error;
      return collected;
    }
    if (next.done) return collected;
    if (next.value.length === 0) throw new Error('an empty batch');
    collected.batches++;
    for (const event of next.value) add(event, collected);
  }
}

function add(event: Event, collected: Collected): void {
  if (event.type === 'usage') {
    if (collected.usage) throw new Error('usage came twice');
    collected.usage = event.usage;
    return;
  }
  let choice = collected.choices.get(event.choice);
  if (!choice) {
    choice = {
      text: '',
      reasoning: '',
      toolCalls: [],
      logprobs: [],
      finish: undefined,
      native: undefined,
      stopString: undefined,
    };
    collected.choices.set(event.choice, choice);
  }
  if (choice.finish) throw new Error(`${event.type} after the finish of choice ${event.choice}`);
  switch (event.type) {
    case 'text':
      choice.text += event.text;
      choice.logprobs.push(...(event.logprobs ?? []));
      break;
    case 'reasoning':
      choice.reasoning += event.text;
      break;
    case 'tool':
      addTool(event, choice);
      break;
    case 'finish':
      choice.finish = event.reason;
      choice.native = event.native;
      choice.stopString = event.stopString;
  }
}

function addTool(event: Extract<Event, { type: 'tool' }>, choice: CollectedChoice): void {
  const known = choice.toolCalls[event.index];
  if (known) {
    if (event.name !== undefined) throw new Error(`tool call ${event.index} was named twice`);
    known.arguments += event.arguments;
    return;
  }
  if (event.index !== choice.toolCalls.length) throw new Error(`tool call ${event.index} came out of order`);
  if (!event.id || !event.name) throw new Error(`tool call ${event.index} began without its id and name`);
  choice.toolCalls.push({ id: event.id, name: event.name, arguments: event.arguments });
}
