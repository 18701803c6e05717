import { isJson, type Json, object, parse } from '../json.ts';
import { fill } from './schema.ts';
import type { Ask } from './types.ts';

/** Ways in which one asks for JSON in words. */
const ASKS =
  /\b(?:answer|reply|respond|return|output|produce|give|generate|write|only)\b[^.\n]{0,80}\b(?:JSON)\b|\bJSON (?:object|only)\b|\bas JSON\b/i;
const LISTED =
  /\b(?:keys|fields|properties|members)\b:? ((?:["'`“]?\w{1,40}["'`”]?(?: \([^)]{1,60}\))?(?:, and |, then |, | and )?){1,12})/i;
const NAMED =
  /["'`“](\w{1,40})["'`”] (?:key|field|property|member)\b|\b(?:key|field|property|member) (?:called |named )?["'`“](\w{1,40})["'`”]/gi;

/** The keys that a text names for an object. */
function keysIn(text: string): string[] {
  const listed = LISTED.exec(text)?.[1];
  const words = listed?.replace(/\([^)]*\)/g, '').split(/, and |, then |, | and | /) ?? [];
  const named = [...text.matchAll(NAMED)].map((match) => match[1] ?? match[2] ?? '');
  const keys = [...words.map((word) => word.replace(/["'`“”]/g, '')), ...named].filter(Boolean);
  return [...new Set(keys)];
}

/** DSPy's form of an answer: each field under a heading of its own. */
const HEADING = /\[\[ ## (\w{1,40}) ## \]\]/g;
const ASKS_HEADINGS = /\bRespond with the corresponding output fields\b.{0,4000}/is;

function headingsIn(text: string): string[] {
  const asked = ASKS_HEADINGS.exec(text)?.[0] ?? '';
  return [...new Set([...asked.matchAll(HEADING)].map(([, name = '']) => name))];
}
const MAX_TRIES = 8;

/** The first JSON object that stands in a text. */
function objectIn(text: string): Json | undefined {
  let from = text.indexOf('{');
  for (let tries = 0; from >= 0 && tries < MAX_TRIES; tries++) {
    const end = closing(text, from);
    const found = end === undefined ? undefined : parse(text.slice(from, end));
    if (isJson(found)) return found;
    from = text.indexOf('{', from + 1);
  }
  return undefined;
}

/** Behind the brace that closes the one at `from`. */
function closing(text: string, from: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const c = text[at];
    if (quoted) {
      if (c === '\\') at++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return at + 1;
  }
  return undefined;
}

const NUMERIC = /^(?:age|count|number|total|sum|year|amount|price|quantity|score|id)$/i;

const isSchema = (json: Json): boolean =>
  isJson(json.properties) || typeof json.$ref === 'string' || Array.isArray(json.anyOf) || json.type === 'object';

/** What an answer must be. */
export type Format =
  | { readonly kind: 'any' }
  | { readonly kind: 'schema'; readonly schema: Json }
  | { readonly kind: 'headings'; readonly names: readonly string[] }
  | { readonly kind: 'example'; readonly json: Json };

/** A plain guess of what a key holds. */
const schemaOf = (keys: readonly string[]): Json => ({
  type: 'object',
  required: keys,
  properties: Object.fromEntries(keys.map((key) => [key, { type: NUMERIC.test(key) ? 'number' : 'string' }])),
});

/** The format that the request sets, or that the prompts ask for in words. */
export function formatOf({ format, turns }: Ask, question: string): Format | undefined {
  if (format !== undefined && format !== 'object') return { kind: 'schema', schema: format };
  const names = headingsIn(question);
  if (format === undefined && names.length > 0) return { kind: 'headings', names };
  const system = turns.filter(({ role }) => role === 'system').map(({ text }) => text);
  for (const text of [question, ...system]) {
    if (format === undefined && !ASKS.test(text)) continue;
    const found = objectIn(text);
    if (found) return isSchema(found) ? { kind: 'schema', schema: found } : { kind: 'example', json: found };
    const keys = keysIn(text);
    if (keys.length > 0) return { kind: 'schema', schema: schemaOf(keys) };
    if (format === undefined) return { kind: 'any' };
  }
  return format && { kind: 'any' };
}

/** Characters of what was said that fit into a field of a schema. */
const FIELD = 40;

/** JSON of a format. It holds what was said, unless that would not fit into `maxTokens`: JSON that is cut is none. */
export function formatted(
  format: Format,
  question: string,
  said: string,
  maxTokens = Number.POSITIVE_INFINITY,
): string {
  switch (format.kind) {
    case 'example':
      return JSON.stringify(format.json);
    case 'schema':
      return JSON.stringify(fill(format.schema, question, said.length > FIELD ? 'example' : said).value);
    case 'headings': {
      const { value } = fill(schemaOf(format.names), question, said.length > FIELD ? 'example' : said);
      const end = format.names.at(-1);
      return Object.entries(object(value))
        .map(([name, text]) => `[[ ## ${name} ## ]]${name === end ? '' : `\n${text}\n\n`}`)
        .join('');
    }
    case 'any':
      // A token is some four characters.
      return JSON.stringify({ answer: said.length > 2 * maxTokens ? said.slice(0, maxTokens) : said });
  }
}
