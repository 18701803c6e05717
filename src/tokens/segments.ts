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

export function createWriter(specials: readonly string[], writeDummySpace = false): Writer {
  const segments: Segment[] = [];
  const known = new Set(specials);
  const marks = new RegExp(`(${[CUT, ...specials].map(escaped).join('|')})`);
  // A chat says the same few things around every message.
  const cut = new Map<string, readonly string[]>();
  let text = '';

  const partsOf = (piece: string): readonly string[] => {
    const before = cut.get(piece);
    if (before) return before;
    const parts = piece.split(marks);
    cut.set(piece, parts);
    return parts;
  };

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
