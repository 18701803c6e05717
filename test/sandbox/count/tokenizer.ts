import { estimate, type Piece, type Split } from '../brain/index.ts';
import { type Family, familyOf } from './families.ts';
import { LIBRARIES } from './libraries.ts';
import type { Library } from './types.ts';

/** How one model's server cuts texts into tokens. */
export interface Tokenizer {
  readonly family: Family | undefined;
  /**
   * Ids of a prompt, in which special tokens are read as such, as servers read a rendered chat. Undefined where there is no
   * library for the model, or none that copes with the text.
   */
  encode(prompt: string): readonly number[] | undefined;
  /** Undefined where there is no library for the model. */
  decode(ids: readonly number[]): string | undefined;
  /** A text that the model writes. */
  readonly split: Split;
}

/** Beyond this, counting would take longer than anybody waits for an emulator. */
const MAX_CHARACTERS = 100_000;

const ESTIMATED: Tokenizer = {
  family: undefined,
  encode: () => undefined,
  decode: () => undefined,
  split: estimate,
};

/** Whether the library is done with a text in a second or so. */
const bearable = (text: string, { slowOn }: Library): boolean => text.length <= MAX_CHARACTERS && !slowOn?.test(text);

function encoder(library: Library, { specials }: Family): (text: string) => readonly number[] {
  const ids = new Map(Object.entries(specials));
  if (ids.size === 0) return library.encode;
  const marks = [...ids.keys()].map((mark) => mark.replaceAll('|', '\\|')).join('|');
  const cuts = new RegExp(`(${marks})`);
  // Each text between two marks is one of its own, with SentencePiece's space before it.
  return (text) =>
    text.split(cuts).flatMap((part) => {
      const special = ids.get(part);
      if (special !== undefined) return [special];
      return part === '' ? [] : library.encode(part);
    });
}

function decoder(library: Library, { specials }: Family): (ids: readonly number[]) => string {
  const marks = new Map(Object.entries(specials).map(([mark, id]) => [id, mark]));
  return (ids) => {
    let text = '';
    let from = 0;
    const flush = (to: number) => {
      const part = library.decode(ids.slice(from, to));
      text += library.leadingSpace && part.startsWith(' ') ? part.slice(1) : part;
      from = to + 1;
    };
    for (const [at, id] of ids.entries()) {
      const mark = marks.get(id);
      if (mark === undefined) continue;
      flush(at);
      text += mark;
    }
    flush(ids.length);
    return text;
  };
}

/**
 * The tokens' texts. Those that end inside a character are one piece with what completes it, as engines stream them. A text
 * that begins with a space has SentencePiece's space in it already: Together billed 512 tokens for one.
 */
function piecesOf(text: string, library: Library): Piece[] {
  const spaced = library.leadingSpace && text.startsWith(' ');
  const ids = library.encode(spaced ? text.slice(1) : text);
  const pieces: Piece[] = [];
  let from = 0;
  for (let to = 1; to <= ids.length; to++) {
    const decoded = library.decode(ids.slice(from, to));
    const said = library.leadingSpace && !spaced && pieces.length === 0 ? decoded.replace(/^ /, '') : decoded;
    if (to < ids.length && (said === '' || said.endsWith('\ufffd'))) continue;
    pieces.push({ text: said, tokens: to - from });
    from = to;
  }
  return pieces;
}

/** Undefined where the library throws, as llama3-tokenizer-js does on words of a hundred thousand tokens. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function over(library: Library, family: Family): Tokenizer {
  const encode = encoder(library, family);
  const decode = decoder(library, family);
  return {
    family,
    encode: (prompt) => (bearable(prompt, library) ? attempt(() => encode(prompt)) : undefined),
    decode: (ids) => attempt(() => decode(ids)),
    split: (text) => {
      const pieces = bearable(text, library) ? attempt(() => piecesOf(text, library)) : undefined;
      // Lone surrogates and byte order marks do not survive the way through ids.
      const whole = pieces?.map((piece) => piece.text).join('') === text;
      return pieces && whole ? pieces : estimate(text);
    },
  };
}

/** Libraries whose tables are built already. */
const built = new Map<Family['library'], Promise<Library>>();

function libraryOf(name: Family['library']): Promise<Library> {
  const known = built.get(name) ?? LIBRARIES[name]();
  built.set(name, known);
  return known;
}

export async function tokenizerOf(model: string): Promise<Tokenizer> {
  const family = familyOf(model);
  return family ? over(await libraryOf(family.library), family) : ESTIMATED;
}
