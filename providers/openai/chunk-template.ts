/**
 * A fast path for streams. Most chunks of a stream differ in their text alone, so the text is cut out of a chunk that
 * is like an earlier one. That costs a quarter of parsing it (0.3 instead of 1.2 µs in workerd). Every other chunk is
 * parsed.
 */
import type { Event } from '../../src/core/index.ts';
import { parseJson } from './response-fields.ts';

export interface ChunkTemplate {
  /** The choice that the template's chunks belong to. */
  readonly choice: number;
  /** The text of a chunk, if the chunk is like the template. */
  textIn(data: string): string | undefined;
  /** Makes a template of a chunk that was parsed, if its only event is a text. */
  learn(data: string, only: Event | undefined): void;
}

/** Chunks of servers that put a time or a counter into each of them are never alike. They are not compared for ever. */
const MAX_MISSES = 8;

/** Characters that a JSON string cannot contain as they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const NEEDS_PARSER = /["\\\u0000-\u001f]/;

/** The value of a JSON string without its quotes. Undefined if it is not one string. */
function stringValue(literal: string): string | undefined {
  if (!NEEDS_PARSER.test(literal)) return literal;
  const value = parseJson(`"${literal}"`)?.value;
  return typeof value === 'string' ? value : undefined;
}

/**
 * What is around a text in a chunk. It may stand there more than once: Together sends it as `text` and as `content`.
 */
function splitAt(data: string, text: string): string[] {
  const parts: string[] = [];
  const quoted = `"${text}"`;
  let from = 0;
  for (let at = data.indexOf(quoted); at !== -1; at = data.indexOf(quoted, at + quoted.length)) {
    // The same characters may also be the name of a field.
    if (!/: ?$/.test(data.slice(Math.max(0, at - 2), at))) continue;
    parts.push(data.slice(from, at + 1));
    from = at + quoted.length - 1;
  }
  parts.push(data.slice(from));
  return parts;
}

/** Put in place of the text, it must come out as the text. */
const PROBE = 'another text';

/** @param readOne the events of a chunk, as the general way reads it, if the chunk has nothing but events */
export function chunkTemplate(readOne: (chunk: unknown) => readonly Event[]): ChunkTemplate {
  /** What is before, between and after the places of the text. */
  let parts: readonly string[] = [];
  let fixedLength = 0;
  let choice = 0;
  let misses = 0;

  return {
    get choice() {
      return choice;
    },
    textIn(data) {
      const [first] = parts;
      const places = parts.length - 1;
      const size = (data.length - fixedLength) / places;
      // An empty text is no event.
      if (first === undefined || size < 1 || !Number.isInteger(size)) return undefined;
      let at = first.length;
      // In workerd, comparing two slices takes a fifth of the time of `startsWith`.
      if (data.slice(0, at) !== first) return undefined;
      const literal = data.slice(at, at + size);
      for (let place = 1; place <= places; place++) {
        if (place > 1 && data.slice(at, at + size) !== literal) return undefined;
        at += size;
        const part = parts[place] ?? '';
        if (data.slice(at, at + part.length) !== part) return undefined;
        at += part.length;
      }
      const text = stringValue(literal);
      if (text !== undefined) misses = 0;
      return text;
    },

    learn(data, only) {
      if (misses === MAX_MISSES || only?.type !== 'text' || only.logprobs) return;
      misses++;
      if (only.text === '' || NEEDS_PARSER.test(only.text)) return;
      const around = splitAt(data, only.text);
      const probed = around.length > 1 ? parseJson(around.join(PROBE)) : undefined;
      const [event, ...more] = probed ? readOne(probed.value) : [];
      if (event?.type !== 'text' || event.text !== PROBE || event.choice !== only.choice || more.length > 0) return;
      parts = around;
      fixedLength = around.reduce((length, part) => length + part.length, 0);
      choice = only.choice;
    },
  };
}
