import type { Event } from '../../src/core/index.ts';
import { parseJson } from './json.ts';
import { isObject } from './shape.ts';

/**
 * Chunks of a stream that differ in their text alone, as most do: the text is cut out of one that is like the last that was
 * parsed, which costs less than parsing it. Any other is for the parser.
 */
export interface Likeness {
  /** What a chunk says, if it is like the one that was learned. */
  read(data: string): { readonly choice: number; readonly text: string } | undefined;
  /** A chunk that was parsed, and the events that it came to. */
  learn(data: string, events: readonly Event[]): void;
}

const FIELD = '"content":';
/** Servers whose chunks have a time or a count in them, which are never alike, are not compared for ever. */
const MAX_MISSES = 8;

/** Characters that no JSON string holds as they are, and the escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const NOT_PLAIN = /["\\\u0000-\u001f]/;

/** What stands between the quotes of a string in JSON, as the text that it means; undefined if that is no string. */
function textOf(literal: string): string | undefined {
  if (!NOT_PLAIN.test(literal)) return literal;
  const value = parseJson(`"${literal}"`)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** Put where the text was, it must come out as the text of the only choice. */
const PROBE = 'another';

/** The text of a chunk that brings a text to its only choice, and neither an end nor a bill. */
function contentOf(data: string): unknown {
  const chunk = parseJson(data)?.value;
  if (!isObject(chunk) || !Array.isArray(chunk.choices) || chunk.choices.length !== 1 || isObject(chunk.usage)) return;
  const [choice]: unknown[] = chunk.choices;
  if (!isObject(choice) || !isObject(choice.delta)) return;
  const ends = [chunk.finish_reason, choice.finish_reason].some((reason) => reason != null && reason !== '');
  return ends ? undefined : choice.delta.content;
}

export function likeness(): Likeness {
  let before = '';
  let after = '';
  let choice = 0;
  let misses = 0;
  return {
    read(data) {
      const length = before.length + after.length;
      // An empty text is no event, and a shorter chunk is one of another kind.
      if (before === '' || data.length <= length) return undefined;
      // In workerd two parts of a text are compared faster than `startsWith` looks for one.
      if (data.slice(0, before.length) !== before || data.slice(-after.length) !== after) return undefined;
      const text = textOf(data.slice(before.length, data.length - after.length));
      if (text === undefined) return undefined;
      misses = 0;
      return { choice, text };
    },
    learn(data, events) {
      const [only] = events;
      if (misses === MAX_MISSES || events.length !== 1 || only?.type !== 'text' || only.logprobs) return;
      misses++;
      const field = data.indexOf(FIELD);
      if (field < 0 || field !== data.lastIndexOf(FIELD)) return;
      const from = data.indexOf('"', field + FIELD.length) + 1;
      const to = data.indexOf('"', from);
      if (from === 0 || data.slice(from, to) !== only.text) return;
      const around = { before: data.slice(0, from), after: data.slice(to) };
      if (contentOf(`${around.before}${PROBE}${around.after}`) !== PROBE) return;
      ({ before, after } = around);
      choice = only.choice;
    },
  };
}
