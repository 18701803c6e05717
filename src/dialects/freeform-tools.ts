/**
 * Tools that take free text (`custom` tools, in OpenAI's dialects). No open model's template or server knows them, so
 * on every wire such a tool is a function with the text as its one argument. A dialect declares them by
 * `freeformTool`, writes earlier calls with `freeformArguments`, and reads the model's calls with `freeformInput` or,
 * as they stream, `freeformReader`.
 */
import { isObject, type Tool } from '../core/index.ts';

/** The grammar that a text should follow. No server enforces it: the model is told. */
export interface Grammar {
  readonly syntax: string;
  readonly definition: string;
}

const INPUT = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
} as const;

/** @example freeformTool('apply_patch', 'Edits files.', { syntax: 'lark', definition: 'start: …' }) */
export function freeformTool(name: string, description?: string, grammar?: Grammar): Tool {
  const told = [
    description,
    grammar && `The input must follow this ${grammar.syntax} grammar:\n${grammar.definition}`,
  ].filter((text) => text !== undefined && text !== '');
  const tool: Tool = { name, parameters: INPUT, freeform: true };
  return told.length > 0 ? { ...tool, description: told.join('\n\n') } : tool;
}

/** The arguments of a call whose input is this text. */
export const freeformArguments = (input: string): string => JSON.stringify({ input });

/** The input of a call: the argument, or all that the model wrote where that is not the JSON it was asked for. */
export function freeformInput(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'string') return value;
    if (isObject(value) && typeof value.input === 'string') return value.input;
    return json;
  } catch {
    // Models also write the text itself, or JSON with line breaks in it.
  }
  const reader = freeformReader();
  return BEGINS.test(json) ? reader.push(json) : json;
}

/** Reads the input of a call as its arguments stream. */
export interface FreeformReader {
  /** What a fragment of the arguments adds to the input. */
  push(fragment: string): string;
  /** What is left once the arguments are complete. */
  end(): string;
}

const BEGINS = /^\s*\{\s*"input"\s*:\s*"/;
/** Characters that the arguments may begin with before they count as something else. */
const MAX_BEGINNING = 64;
const SPECIAL = /["\\]/g;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

export function freeformReader(): FreeformReader {
  /** All of it, until the input has begun; then only what cannot be decoded yet. */
  let held = '';
  let state: 'before' | 'within' | 'after' | 'other' = 'before';

  /** Decodes a JSON string as far as it has come. Escapes that JSON does not have stand for themselves. */
  function decode(): string {
    let text = '';
    let at = 0;
    while (at < held.length) {
      SPECIAL.lastIndex = at;
      const special = SPECIAL.exec(held)?.index ?? held.length;
      text += held.slice(at, special);
      at = special;
      if (held[at] === '"') {
        state = 'after';
        break;
      }
      if (at === held.length) break;
      const kind = held[at + 1];
      const code = held.slice(at + 2, at + 6);
      if (kind === undefined || (kind === 'u' && code.length < 4)) break;
      const isCode = kind === 'u' && /^[0-9a-fA-F]{4}$/.test(code);
      text += isCode ? String.fromCharCode(Number.parseInt(code, 16)) : (ESCAPED[kind] ?? kind);
      at += isCode ? 6 : 2;
    }
    held = held.slice(at);
    return text;
  }

  return {
    push(fragment) {
      if (state === 'after') return '';
      held += fragment;
      if (state === 'before') {
        const begins = BEGINS.exec(held);
        if (begins) {
          held = held.slice(begins[0].length);
          state = 'within';
        } else if (held.length > MAX_BEGINNING) {
          // Arguments in another form are read when they are complete.
          state = 'other';
        }
      }
      return state === 'within' ? decode() : '';
    },
    end() {
      // An input that was cut off within an escape has nothing more to show.
      return state === 'before' || state === 'other' ? freeformInput(held) : '';
    },
  };
}
