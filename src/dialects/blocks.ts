/**
 * An answer as a row of blocks, one after the other: texts, reasoning, tool calls. Clients that get an answer this
 * way take what is said of a block that is closed, or not yet open, for a broken stream. So one block is open at a
 * time, and what a provider says of another meanwhile, as when it calls several tools at once, waits its turn.
 */
import { type Event, GatewayError, type TokenLogprob } from '../core/index.ts';

/** The events that become blocks. */
export type ContentEvent = Extract<Event, { type: 'text' | 'reasoning' | 'tool' }>;

export interface AnswerBlock {
  readonly type: ContentEvent['type'];
  /** Of a tool call: which of them it is, its id and its name. */
  readonly call: number;
  readonly id: string;
  readonly name: string;
  /** What has come of it; of a tool call, its arguments. */
  text: string;
  readonly logprobs: TokenLogprob[];
}

/** Writes blocks as a dialect has them. `Out` is what one step writes. */
export interface BlockWriter {
  begin(block: AnswerBlock): string;
  /** @param text what has been added to the block */
  add(block: AnswerBlock, text: string, logprobs?: readonly TokenLogprob[]): string;
  end(block: AnswerBlock): string;
}

/** The block that begins with an event, still empty. */
export const blockOf = (event: ContentEvent): AnswerBlock =>
  event.type === 'tool'
    ? { type: event.type, call: event.index, id: event.id ?? '', name: event.name ?? '', text: '', logprobs: [] }
    : { type: event.type, call: -1, id: '', name: '', text: '', logprobs: [] };

/**
 * Whether a piece goes on with a block: text and reasoning with the last one of their kind, a tool call with its own.
 */
export const goesOn = (block: AnswerBlock | undefined, event: ContentEvent): block is AnswerBlock =>
  block?.type === event.type && (event.type !== 'tool' || block.call === event.index);

export const addedText = (event: ContentEvent): string => (event.type === 'tool' ? event.arguments : event.text);

/** Whether a tool call has all of its arguments. */
function isComplete(json: string): boolean {
  if (!json.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(json);
    return true;
  } catch {
    // More is to come.
    return false;
  }
}

/** The text of a batch that is nothing but text, as most are. */
export function plainText(batch: readonly Event[]): string | undefined {
  let text = '';
  for (const event of batch) {
    if (event.type !== 'text' || event.logprobs) return undefined;
    text += event.text;
  }
  return text === '' ? undefined : text;
}

type TextEvent = Extract<Event, { type: 'text' | 'reasoning' }>;

const isPlain = (event: Event): event is TextEvent =>
  (event.type === 'text' || event.type === 'reasoning') && !('logprobs' in event);

/** A batch in which pieces of one text, which came in one network read, are one piece. */
export function joined(batch: readonly Event[]): readonly Event[] {
  if (batch.length < 2) return batch;
  const out: Event[] = [];
  let run: TextEvent | undefined;
  let text = '';
  for (const event of batch) {
    if (run?.type === event.type && isPlain(event)) {
      text += event.text;
      continue;
    }
    if (run) out.push({ ...run, text });
    run = isPlain(event) ? event : undefined;
    if (run) ({ text } = run);
    else out.push(event);
  }
  if (run) out.push({ ...run, text });
  return out;
}

export interface BlockRow {
  /** The block that is open, if nothing else waits for it to be closed. */
  readonly current: AnswerBlock | undefined;
  add(event: ContentEvent): string;
  /** Closes what is open, and writes what waits. */
  finish(): string;
}

export function blockRow(writer: BlockWriter): BlockRow {
  let open: AnswerBlock | undefined;
  /** Blocks that have begun after the open one, and their text so far. */
  let waiting: AnswerBlock[] = [];
  const called = new Set<number>();

  function write(block: AnswerBlock, event: ContentEvent): string {
    const text = addedText(event);
    const logprobs = event.type === 'text' ? event.logprobs : undefined;
    block.text += text;
    if (logprobs) block.logprobs.push(...logprobs);
    return block === open && (text !== '' || logprobs) ? writer.add(block, text, logprobs) : '';
  }

  function begin(block: AnswerBlock): string {
    open = block;
    const head = writer.begin(block);
    return block.text === '' ? head : head + writer.add(block, block.text, block.logprobs);
  }

  function close(): string {
    if (!open) return '';
    const block = open;
    open = undefined;
    return writer.end(block);
  }

  /** Closes the open block and opens the next, as long as one waits and the open one has come to its end. */
  function advance(all: boolean): string {
    let out = '';
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (!all && open?.type === 'tool' && !isComplete(open.text)) break;
      waiting = waiting.slice(1);
      out += close();
      out += begin(next);
    }
    return out;
  }

  return {
    get current() {
      return waiting.length === 0 ? open : undefined;
    },
    add(event) {
      if (event.type !== 'tool' && event.text === '' && !('logprobs' in event)) return '';
      if (goesOn(open, event) && (event.type === 'tool' || waiting.length === 0)) {
        const out = write(open, event);
        return out + advance(false);
      }
      const known = event.type === 'tool' ? waiting.find((block) => goesOn(block, event)) : waiting.at(-1);
      if (goesOn(known, event)) return write(known, event);
      if (event.type === 'tool') {
        if (called.has(event.index)) {
          if (event.arguments.trim() === '') return '';
          throw new GatewayError('provider_error', 'The provider went on with a tool call that had come to its end.');
        }
        called.add(event.index);
      }
      const block = blockOf(event);
      write(block, event);
      waiting.push(block);
      return open ? advance(false) : advance(true);
    },
    finish() {
      const out = advance(true);
      return out + close();
    },
  };
}
