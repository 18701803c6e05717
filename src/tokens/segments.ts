import { CUT } from './templates/index.ts';

/**
 * A prompt as a tokenizer must take it. A `text` is encoded as plain text, whatever it looks like; a `special` is the one
 * token of that name. So nothing in a content can become a token of the template. Families on SentencePiece encode each
 * text by itself, with the dummy space in front, unless it is `continued`: goes on where another ended.
 * `written` is how it stands in the one string that other servers take, where that differs.
 */
export type Segment =
  | { readonly text: string; readonly continued?: true; readonly written?: string }
  | { readonly special: string; readonly written?: string };

/** The segments as one string, which a server parses by itself. */
export function writtenOut(segments: readonly Segment[]): string {
  let prompt = '';
  for (const segment of segments) prompt += segment.written ?? ('text' in segment ? segment.text : segment.special);
  return prompt;
}

export interface Writer {
  /** The template's own text: its special tokens become tokens. */
  mark(text: string): void;
  /** Somebody's text: it stays text. */
  text(text: string): void;
  readonly segments: () => Segment[];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Cuts a template's own text at its special tokens. */
interface Cutter {
  readonly known: ReadonlySet<string>;
  partsOf(piece: string): readonly string[];
}

/** Pieces that one cutter remembers: a template says the same few things around every message of every chat. */
const REMEMBERED = 256;

function cutterOf(specials: readonly string[]): Cutter {
  const marks = new RegExp(`(${[CUT, ...specials].map(escaped).join('|')})`);
  const cut = new Map<string, readonly string[]>();
  return {
    known: new Set(specials),
    partsOf(piece) {
      const before = cut.get(piece);
      if (before) return before;
      const parts = piece.split(marks);
      // A piece with a date in it is another one tomorrow.
      if (cut.size >= REMEMBERED) cut.clear();
      cut.set(piece, parts);
      return parts;
    },
  };
}

const cutters = new WeakMap<readonly string[], Cutter>();

/** @param specials the same list for every chat of a template */
export function createWriter(specials: readonly string[], writeDummySpace = false): Writer {
  const segments: Segment[] = [];
  const { known, partsOf } = cutters.get(specials) ?? cutterOf(specials);
  if (!cutters.has(specials)) cutters.set(specials, { known, partsOf });
  let text = '';

  const flush = (): void => {
    if (text === '') return;
    const afterSpecial = segments.length > 0 && writeDummySpace;
    segments.push(afterSpecial ? { text, written: ` ${text}` } : { text });
    text = '';
  };

  return {
    mark(piece) {
      for (const part of partsOf(piece)) {
        if (part === CUT) flush();
        else if (known.has(part)) {
          flush();
          segments.push({ special: part });
        } else text += part;
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
