/**
 * What a sample votes for. Its answer is found in its text and brought into one form, so that `1,000`, `$1000` and
 * `1000.0` are the same vote. Pure.
 */
import { type Event, type FinishReason, isObject, pattern, type ToolCall, type VoteRule } from '../core/index.ts';

/** One sample, put together from its events. */
export interface Sample {
  readonly text: string;
  readonly toolCalls: readonly Pick<ToolCall, 'name' | 'arguments'>[];
  readonly finish: FinishReason;
}

/** The samples in the events of an answer, by their choice. */
export function samplesIn(events: readonly Event[], choices: number): readonly Sample[] {
  const out = Array.from({ length: choices }, () => ({
    text: '',
    toolCalls: [] as { name: string; arguments: string }[],
    finish: 'stop' as FinishReason,
  }));
  for (const event of events) {
    const sample = event.type === 'usage' ? undefined : out[event.choice];
    if (!sample) continue;
    if (event.type === 'text') sample.text += event.text;
    else if (event.type === 'finish') sample.finish = event.reason;
    else if (event.type === 'tool') {
      const call = sample.toolCalls[event.index] ?? { name: '', arguments: '' };
      sample.toolCalls[event.index] = call;
      call.name ||= event.name ?? '';
      call.arguments += event.arguments;
    }
  }
  return out;
}

/** JSON with the keys of objects in order, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(',')}}`;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // Texts of models often are not JSON. Whoever asks looks for it elsewhere.
    return undefined;
  }
}

/** All calls of an answer in one order, because models call the same tools now in this order, now in that. */
function callsAsText(calls: Sample['toolCalls']): string {
  const texts = calls.filter(Boolean).map(({ name, arguments: args }) => {
    const read = args.trim() === '' ? { value: {} } : parsed(args);
    return `${name}(${read ? canonicalJson(read.value) : args.trim()})`;
  });
  return [...new Set(texts)].sort().join(' ');
}

/** The text without what the model thought. Where a template begins the thinking, the text has only its end. */
function withoutThinking(text: string): string {
  const end = text.lastIndexOf('</think>');
  const rest = end < 0 ? text : text.slice(end + '</think>'.length);
  const open = rest.indexOf('<think>');
  return open < 0 ? rest : rest.slice(0, open);
}

const CURRENCY = '$€£¥₹';
const FIGURE = String.raw`(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+`;
const EXPONENT = String.raw`(?:[eE][-+]?\d{1,3})?`;
/** A number in a text. A hyphen between words or digits is no sign. */
const NUMBERS = new RegExp(String.raw`(?:(?<![\p{L}\d_.)])[-+−]\s?)?[${CURRENCY}]?\s?(?:${FIGURE})${EXPONENT}`, 'gu');
const A_FIGURE = new RegExp(`(?:${FIGURE})${EXPONENT}`);
const ONLY_NUMBER = new RegExp(
  String.raw`^[-+−]?\s?[${CURRENCY}]?\s?[-−]?(?:${FIGURE})${EXPONENT}\s?(?:[%${CURRENCY}°]|percent|dollars?|euros?|usd|eur)?$`,
  'iu',
);

/** One spelling for each number: `1,000`, `1000.0` and `+1e3` are `1000`. Digits are kept however many there are. */
function canonicalNumber(text: string): string {
  const [found = '0'] = A_FIGURE.exec(text) ?? [];
  const negative = /[-−]/.test(text.slice(0, text.indexOf(found)));
  const plain = found.replaceAll(',', '');
  const exact = /e/i.test(plain) ? String(Number(plain)) : plain;
  const [whole = '', fraction = ''] = exact.split('.');
  const left = whole.replace(/^0+(?=\d)/, '') || '0';
  const right = fraction.replace(/0+$/, '');
  const figure = right === '' ? left : `${left}.${right}`;
  return negative && figure !== '0' ? `-${figure}` : figure;
}

function lastNumber(text: string): string | undefined {
  const last = text.match(NUMBERS)?.at(-1);
  return last === undefined ? undefined : canonicalNumber(last);
}

/** Markdown, TeX and quotes around an answer, which mean nothing. */
function unwrapped(raw: string): string {
  return raw
    .normalize('NFKC')
    .replace(/\\(?:text|mathrm|mathbf)\s?\{([^{}]*)\}/g, '$1')
    .replace(/\\[,;! ]/g, ' ')
    .replace(/\\([$%])/g, '$1')
    .replace(/[*`]+|^_+|_+$/g, '')
    .replace(/^\s*["'“”‘’]+|["'“”‘’]+\s*$/g, '')
    .trim()
    .replace(/^\$([^$]+)\$$/, '$1')
    .replace(/[.,;:!]+$/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Longer answers are compared as they are. */
const MAX_ANSWER = 2000;

/** An answer in the form in which it is compared; empty if nothing is left of it. */
function canonical(raw: string): string {
  if (raw.length > MAX_ANSWER) return raw.trim();
  const text = unwrapped(raw);
  if (ONLY_NUMBER.test(text)) return canonicalNumber(text);
  return /^\(?([A-Ea-e])\)?$/.exec(text)?.[1]?.toUpperCase() ?? text.toLowerCase();
}

/** What the last `\boxed{…}` holds. Braces inside belong to it. */
function boxed(text: string): string | undefined {
  const start = text.lastIndexOf('\\boxed{');
  if (start < 0) return undefined;
  const from = start + '\\boxed{'.length;
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(from, at);
  }
  return undefined;
}

/** Characters of an answer between backticks. Whatever is longer, or has several lines, is code. */
const MAX_FENCED = 200;

/** What stands between the last three backticks, if it is an answer and not code. */
function fenced(text: string): string | undefined {
  const pieces = text.split('```');
  for (let at = pieces.length - (pieces.length % 2 === 0 ? 3 : 2); at > 0; at -= 2) {
    const inside = (pieces[at] ?? '').replace(/^[a-z]+\n/i, '').trim();
    if (inside !== '' && inside.length <= MAX_FENCED && !inside.includes('\n')) return inside;
  }
  return undefined;
}

const ANSWER_IS = /\b(?:final |correct |right )?answer(?: is| would be|:| =)\s{0,3}:?/gi;
const MAX_STATED = 200;

/** What follows the last "the answer is", to the end of the sentence. */
function stated(text: string): string | undefined {
  let from = -1;
  for (const { index, 0: found } of text.matchAll(ANSWER_IS)) from = index + found.length;
  if (from < 0) return undefined;
  const said = unwrapped(
    text
      .slice(from, from + MAX_STATED)
      .trimStart()
      .split(/\n|[.!?](?:\s|$)/)[0] ?? '',
  );
  if (said === '') return undefined;
  const letter = /^(?:option |choice )?(?:\(([A-E])\)|([A-E])(?=[).:,]|$))/.exec(said);
  if (letter) return letter[1] ?? letter[2];
  // "50 apples" is the same as "50".
  const numbers = said.match(NUMBERS) ?? [];
  return numbers.length === 1 ? numbers[0] : said;
}

/** A letter that stands alone in the last line, or begins an answer of one line: `(B)`, `B.`, `**B**`, `B) Paris`. */
function letterIn(text: string): string | undefined {
  const lines = text.trim().split('\n');
  const alone = /^[\s*_("[]*([A-E])[\s*_)\].:"]*$/.exec(lines.at(-1) ?? '')?.[1];
  if (alone !== undefined || lines.length > 1) return alone;
  return /^[*_(]*([A-E])[)*_]*[).:]/.exec(text.trim())?.[1];
}

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** The option that is stated, or else the one that is named last. Letters must be capitals, as "a" is a word. */
function chosen(text: string, options: readonly string[]): string | undefined {
  const isLetter = options.every((option) => /^[A-Z]$/.test(option));
  const last = (from: string): string | undefined => {
    let best: { option: string; at: number; length: number } | undefined;
    for (const option of options) {
      const whole = new RegExp(`(?<![\\p{L}\\d])${escapeRegex(option)}(?![\\p{L}\\d])`, isLetter ? 'gu' : 'giu');
      for (const { index } of from.matchAll(whole)) {
        // Of "yes" and "oh yes" at the same place the longer one is meant.
        const end = index + option.length;
        const further = best && (end > best.at || (end === best.at && option.length > best.length));
        if (!best || further) best = { option, at: end, length: option.length };
      }
    }
    return best?.option;
  };
  for (const part of [boxed(text), fenced(text), stated(text)]) {
    const found = part === undefined ? undefined : last(part);
    if (found !== undefined) return found;
  }
  return last(text);
}

/** The value at a JSON Pointer (RFC 6901). */
function valueAt(root: unknown, pointer: string): { readonly value: unknown } | undefined {
  let value = root;
  for (const token of pointer === '' ? [] : pointer.slice(1).split('/')) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value)) {
      if (!/^(?:0|[1-9]\d*)$/.test(key) || Number(key) >= value.length) return undefined;
      value = value[Number(key)];
    } else if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return { value };
}

/** The JSON in a text: all of it, or what stands in a fence or in braces. */
function jsonIn(text: string): { readonly value: unknown } | undefined {
  const pieces = text.split('```');
  const inFence = pieces.length > 2 ? (pieces.at(-2) ?? '').replace(/^json\b/i, '') : undefined;
  const inBraces = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  return parsed(text) ?? (inFence === undefined ? undefined : parsed(inFence)) ?? parsed(inBraces);
}

const canonicalValue = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? canonical(String(value)) : canonicalJson(value);

function byRule(text: string, rule: VoteRule): string | undefined {
  switch (rule.kind) {
    case 'regex': {
      const found = pattern(rule.pattern).last(text);
      return found === undefined ? undefined : canonical(found);
    }
    case 'json_pointer': {
      const json = jsonIn(text);
      const found = json && valueAt(json.value, rule.pointer);
      return found && canonicalValue(found.value);
    }
    case 'last_number':
      return lastNumber(text);
    case 'choice':
      return chosen(text, rule.options);
  }
}

/** What is looked for where the caller has no rule, the first that is found. */
const LADDER: readonly ((text: string) => string | undefined)[] = [boxed, fenced, stated, letterIn];

/**
 * The answer of a sample, in the form in which answers are compared. Undefined is an abstention. The tools it calls are
 * its answer, if it calls any. Otherwise the caller's rule finds it, and nothing else if that finds nothing. Without
 * a rule it is the JSON that was asked for, or what the ladder finds, or the last number.
 *
 * @param json the call asks for JSON
 */
export function ballotOf(sample: Sample, rule: VoteRule | undefined, json: boolean): string | undefined {
  if (sample.finish === 'content_filter') return undefined;
  const called = callsAsText(sample.toolCalls);
  if (called !== '') return called;
  const text = withoutThinking(sample.text).trim();
  if (rule) return byRule(text, rule) || undefined;
  const whole = json ? parsed(text) : undefined;
  if (whole) return canonicalJson(whole.value);
  for (const look of LADDER) {
    const found = look(text);
    const answer = found === undefined ? '' : canonical(found);
    if (answer !== '') return answer;
  }
  // The last number of a text that was cut off is one on the way to the answer.
  if (sample.finish === 'length') return ONLY_NUMBER.test(text) ? canonicalNumber(text) : undefined;
  return lastNumber(text);
}
