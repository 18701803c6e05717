/** A rendered prompt as segments, and the writer that makes them from a template's pieces. */
import { CUT } from './templates/index.ts';

/**
 * A part of a prompt as a tokenizer must take it. A `text` is encoded as plain text, whatever it contains. A
 * `special` is the one token of that name. So nothing in a content can become a token of the template. SentencePiece
 * families encode each text by itself, with a dummy space in front, unless it is `continued`. `written` is how the
 * segment stands in the single string that other servers take, if that differs.
 */
export type Segment =
  | { readonly text: string; readonly continued?: true; readonly written?: string }
  | { readonly special: string; readonly written?: string };

/** The segments as one string, for a server that parses special tokens itself. */
export function writtenOut(segments: readonly Segment[]): string {
  let prompt = '';
  for (const segment of segments) prompt += segment.written ?? ('text' in segment ? segment.text : segment.special);
  return prompt;
}

/** Takes a prompt piece by piece. */
export interface Writer {
  /** Adds the template's own text. Special tokens in it become tokens. */
  mark(text: string): void;
  /** Adds text of the caller or the model. It stays text. */
  text(text: string): void;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A template's own text, cut: plain text, a special token, or an end of the text before it (`CUT`). */
export type MarkPart = { readonly text: string } | { readonly special: string } | 'cut';

/** Cuts a template's own text at its special tokens. */
export type MarkCutter = (mark: string) => readonly MarkPart[];

/** Marks that one cutter remembers. A template writes the same few around every message of every chat. */
const REMEMBERED = 256;

function newCutter(specials: readonly string[]): MarkCutter {
  const names = new Set(specials);
  const pattern = new RegExp(`(${[CUT, ...specials].map(escaped).join('|')})`);
  const partOf = (text: string): MarkPart => (text === CUT ? 'cut' : names.has(text) ? { special: text } : { text });
  const known = new Map<string, readonly MarkPart[]>();
  return (mark) => {
    const before = known.get(mark);
    if (before) return before;
    const parts = mark.split(pattern).filter((text) => text !== '');
    const cut = parts.map(partOf);
    // There are new marks with every date, so the number is limited.
    if (known.size >= REMEMBERED) known.clear();
    known.set(mark, cut);
    return cut;
  };
}

const cutters = new WeakMap<readonly string[], MarkCutter>();

/** @param specials must be the same array for every chat of a template: the cutter is cached by it */
export function cutterOf(specials: readonly string[]): MarkCutter {
  let cutter = cutters.get(specials);
  if (cutter === undefined) {
    cutter = newCutter(specials);
    cutters.set(specials, cutter);
  }
  return cutter;
}

/** A writer whose result are segments. */
export function createWriter(
  specials: readonly string[],
  writeDummySpace = false,
): Writer & { segments(): readonly Segment[] } {
  const segments: Segment[] = [];
  const cut = cutterOf(specials);
  let text = '';

  const flush = (): void => {
    if (text === '') return;
    const afterSpecial = segments.length > 0 && writeDummySpace;
    segments.push(afterSpecial ? { text, written: ` ${text}` } : { text });
    text = '';
  };

  return {
    mark(mark) {
      if (mark === '') return;
      for (const part of cut(mark)) {
        if (part === 'cut') flush();
        else if ('text' in part) text += part.text;
        else {
          flush();
          segments.push(part);
        }
      }
    },
    text(piece) {
      text += piece.toWellFormed();
    },
    segments() {
      flush();
      return segments;
    },
  };
}
