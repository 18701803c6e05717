/**
 * Upper bounds of token counts, for decisions that do not need the exact count. They need no vocabulary, so nothing is
 * loaded, and cost a small part of counting. Each is at least what the function of the same name in `PromptCounter`
 * returns.
 *
 * Why they hold:
 * - Byte-level BPE starts from single bytes and only merges them. So a text has at most as many tokens as UTF-8 bytes.
 * - SentencePiece starts from characters and spells an unknown one in its bytes. So the same holds, plus one token for
 *   the dummy space that it puts before each text. (A U+2581 counts as a space: fewer bytes.)
 * - Qwen reads the text's NFC form. See `nfcBytesAtMost`.
 * - A special token counts as one and has a longer name, also where it is parsed out of a text. The dummy space of the
 *   text behind it is then covered by the rest of its name.
 */
import { type Message, type Tool, textOf } from '../core/index.ts';
import { FAMILIES, type TokenizerFamily, tokenizerFamily } from './families.ts';
import { joinedLettersAtMost } from './joined-letters.ts';
import { TOKENS_A_MESSAGE } from './prompt-counter.ts';
import { prepareChat, type RenderOptions, writePrompt } from './render.ts';
import { readsBos, type Template, templateOf, type Wrap } from './templates/index.ts';
import { cutterOf, pythonJson, type Segment, type Writer } from './templates/template.ts';
import type { TextOptions } from './tokenizer.ts';

const encoder = new TextEncoder();
/** Where texts are encoded to learn their length. Made at the first use. */
let scratch: Uint8Array | undefined;
const SCRATCH_BYTES = 1 << 14;
/** Longest piece that surely fits: a UTF-16 unit takes at most three bytes. */
const PIECE = Math.floor(SCRATCH_BYTES / 3);

/** Length of a text in UTF-8. A lone surrogate counts as U+FFFD, three bytes. */
function utf8Length(text: string): number {
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  if (text.length <= PIECE) return encoder.encodeInto(text, scratch).written;
  let bytes = 0;
  for (let from = 0; from < text.length; ) {
    let to = from + PIECE;
    // Not between the two halves of a character.
    if (isHighSurrogate(text.charCodeAt(to - 1))) to--;
    bytes += encoder.encodeInto(text.slice(from, to), scratch).written;
    from = to;
  }
  return bytes;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/**
 * Most bytes of the canonical decomposition (NFD) of a character, by ranges of UTF-16 units: `[end, bytes]`. Hangul
 * syllables count as composed. The test checks every code point.
 */
const DECOMPOSED: readonly (readonly [end: number, bytes: number])[] = [
  [0x80, 1],
  [0xc0, 2],
  [0x370, 5], // Latin; with two marks 1 + 2 + 2
  [0x400, 6], // Greek
  [0x800, 4], // Cyrillic to Arabic
  [0x3000, 9], // Indic scripts, Greek Extended
  [0x3400, 6], // Kana
  [0xd800, 3], // Han, Hangul, Yi
  [0xd838, 9], // high surrogates up to U+1DFFF, with musical symbols: 12 bytes together with the low surrogate
  [0xf900, 3], // other surrogates: 6 bytes for emoji and rare Han, which have 4
  [0xfb50, 9], // compatibility ideographs, Hebrew
  [0x10000, 3],
];

/** `DECOMPOSED` by UTF-16 unit / 8. Made at the first use. */
let unitBytes: Uint8Array | undefined;

function unitBytesTable(): Uint8Array {
  if (unitBytes !== undefined) return unitBytes;
  unitBytes = new Uint8Array(0x2000);
  let from = 0;
  for (const [end, bytes] of DECOMPOSED) {
    unitBytes.fill(bytes, from, end / 8);
    from = end / 8;
  }
  return unitBytes;
}

/**
 * At least the UTF-8 length of a text's NFC form. NFC can be longer than the text, up to three times.
 *
 * Let b be the UTF-8 length. Each character c that NFC can contain has b(c) ≤ b(NFD(c)). So b(NFC(text)) ≤
 * b(NFD(NFC(text))) = b(NFD(text)), the sum of b(NFD(c)) over the text's characters c. A Hangul syllable may be
 * counted as composed: its letters stay adjacent in NFD, because they are starters, and NFC always joins them again.
 */
function nfcBytesAtMost(text: string): number {
  const bytes = utf8Length(text);
  if (bytes === text.length) return bytes;
  const table = unitBytesTable();
  let most = 0;
  for (let at = 0; at < text.length; at++) most += table[text.charCodeAt(at) >> 3] as number;
  return most;
}

/** What the bounds need to know of a model's tokenizer. */
interface Measure {
  /** Tokens of a text without its dummy space. */
  readonly bytesAtMost: (text: string) => number;
  /** Tokens that the tokenizer may add before each text. */
  readonly dummySpace: 0 | 1;
}

const BYTES: Measure = { bytesAtMost: utf8Length, dummySpace: 0 };
const NFC_BYTES: Measure = { bytesAtMost: nfcBytesAtMost, dummySpace: 0 };
const SENTENCE_PIECE: Measure = { bytesAtMost: utf8Length, dummySpace: 1 };

/** Whose vocabularies have the pairs that `joinedLettersAtMost` rests on. */
const JOINS_LETTERS: ReadonlySet<TokenizerFamily> = new Set<TokenizerFamily>(['llama3', 'o200k', 'llama4']);

/** Measures texts more closely than in bytes, until so many tokens are saved. The rest is measured in bytes. */
function closerMeasure(saving: number): Measure {
  let left = saving;
  return {
    bytesAtMost(text) {
      const bytes = utf8Length(text);
      if (left <= 0) return bytes;
      const most = Math.min(bytes, joinedLettersAtMost(text));
      left -= bytes - most;
      return most;
    },
    dummySpace: 0,
  };
}

/** @param saving by how many tokens a bound in bytes is too high. Then texts are measured more closely where we can. */
function measureOf(modelFamily: string, saving = 0): Measure {
  const family = tokenizerFamily(modelFamily);
  if (saving > 0 && JOINS_LETTERS.has(family)) return closerMeasure(saving);
  const { pretokenizer, normalization } = FAMILIES[family];
  if (pretokenizer === 'none') return SENTENCE_PIECE;
  return normalization === 'NFC' ? NFC_BYTES : BYTES;
}

/**
 * The most tokens of a text, without begin- and end-of-sequence. For families that are only estimated this bounds the
 * estimate.
 *
 * @param saving see `measureOf`
 * @example
 * tokensAtMost('llama-3', 'Grüße'); // 7
 */
export function tokensAtMost(
  modelFamily: string,
  text: string,
  options: Pick<TextOptions, 'continued'> = {},
  saving = 0,
): number {
  if (text === '') return 0;
  const { bytesAtMost, dummySpace } = measureOf(modelFamily, saving);
  return bytesAtMost(text) + (options.continued ? 0 : dummySpace);
}

/** The most tokens of a rendered prompt. */
function segmentsAtMost(modelFamily: string, segments: readonly Segment[], saving = 0): number {
  const { bytesAtMost, dummySpace } = measureOf(modelFamily, saving);
  let most = 0;
  for (const segment of segments) {
    if ('special' in segment) most++;
    else most += bytesAtMost(segment.text) + (segment.continued ? 0 : dummySpace);
  }
  return most;
}

/** Sums up what a template writes instead of building the prompt. */
function boundWriter({ specials }: Template, { bytesAtMost, dummySpace }: Measure): Writer & { tokens(): number } {
  const cut = cutterOf(specials);
  let tokens = 0;
  /** Whether the text that is being written has been charged its dummy space. */
  let inText = false;
  const text = (piece: string): void => {
    if (piece === '') return;
    if (!inText) tokens += dummySpace;
    inText = true;
    tokens += bytesAtMost(piece);
  };
  return {
    mark(mark) {
      for (const part of cut(mark)) {
        if (part !== 'cut' && 'text' in part) text(part.text);
        else {
          inText = false;
          if (part !== 'cut') tokens++;
        }
      }
    },
    text,
    tokens: () => tokens,
  };
}

/** The most tokens that a template adds to a chat without tools: once, and around a message of each role. */
interface TemplateCost {
  readonly once: number;
  readonly system: number;
  readonly user: number;
  readonly assistant: number;
}

function costOf(template: Template, dummySpace: 0 | 1): TemplateCost {
  const cut = cutterOf(template.specials);
  const mark = (text = ''): number => {
    let tokens = 0;
    for (const part of cut(text)) {
      if (part !== 'cut' && 'text' in part) tokens += nfcBytesAtMost(part.text);
      // A text may begin after it, with a dummy space.
      else tokens += dummySpace + (part === 'cut' ? 0 : 1);
    }
    return tokens;
  };
  const wrap = ({ before, lead, after }: Wrap): number => mark(before) + mark(lead) + mark(after);

  const { begin, preamble, defaultSystem, answer, begun, assistantAgain, opening } = template;
  // Merged messages are joined by a blank line, two bytes.
  const joint = template.sameRole === 'merge' ? 2 : 0;
  const user = joint + wrap(template.user);
  const assistant = joint + Math.max(wrap(template.assistant), wrap(assistantAgain ?? template.assistant), mark(begun));
  // In a user's text, `before` and `after` around the system text are plain text.
  const intoUser = nfcBytesAtMost(template.system.before + template.system.after);
  const system =
    (template.systemIn === 'message' ? 0 : 2) +
    Math.max(wrap(template.system), wrap(opening ?? template.system), intoUser);
  const emptyUser = template.opens === 'user' ? user : 0;
  const ownSystem = defaultSystem === undefined ? 0 : system + nfcBytesAtMost(defaultSystem);
  const once = dummySpace + mark(begin) + mark(preamble) + emptyUser + ownSystem + mark(answer);
  return { once, system, user, assistant };
}

/** Costs by template, without and with a dummy space. */
const costs = [new WeakMap<Template, TemplateCost>(), new WeakMap<Template, TemplateCost>()] as const;

function knownCostOf(template: Template, dummySpace: 0 | 1): TemplateCost {
  const known = costs[dummySpace];
  const cost = known.get(template) ?? costOf(template, dummySpace);
  known.set(template, cost);
  return cost;
}

/** Whether a template writes only the message's content, between the pieces that `costOf` knows. */
const isPlain = (message: Message, template: Template): boolean =>
  message.role !== 'tool' &&
  (message.role !== 'assistant' || (!message.toolCalls?.length && !(message.reasoning && template.thought))) &&
  (typeof message.content === 'string' || message.content.every(({ type }) => type === 'text'));

/**
 * The most tokens of a chat as `renderSegments` would render it, without rendering it. Undefined if it cannot be
 * rendered.
 *
 * A chat of plain messages is only added up: its texts, and for each message the most that the template puts around
 * one of its role. Arranging a chat merges and removes messages and adds at most the two that are in `once`. Chats
 * with tools or thoughts are written to a writer that sums up instead.
 */
function chatAtMost(
  modelFamily: string,
  messages: readonly Message[],
  options: RenderOptions = {},
  saving = 0,
): number | undefined {
  const measure = measureOf(modelFamily, saving);
  const template = options.tools?.length ? undefined : templateOf(modelFamily, options);
  if (
    template === undefined ||
    template.layout ||
    messages.length === 0 ||
    !messages.every((message) => isPlain(message, template))
  ) {
    const chat = prepareChat(modelFamily, messages, options);
    if (chat.kind === 'none') return undefined;
    const writer = boundWriter(chat.template, measure);
    writePrompt(writer, chat);
    return writer.tokens();
  }
  const cost = knownCostOf(template, measure.dummySpace);
  let tokens = cost.once;
  for (const { role, content } of messages) {
    tokens += cost[role === 'tool' ? 'user' : role] + measure.bytesAtMost(textOf(content));
  }
  return tokens;
}

/** The most that `roughly` can estimate for a chat. */
function roughlyAtMost(modelFamily: string, messages: readonly Message[], tools: readonly Tool[]): number {
  const most = (text: string): number => tokensAtMost(modelFamily, text);
  let tokens = readsBos(modelFamily) ? 1 : 0;
  for (const message of messages) {
    tokens += TOKENS_A_MESSAGE + most(textOf(message.content));
    if (message.role !== 'assistant') continue;
    tokens += most(message.reasoning ?? '');
    for (const call of message.toolCalls ?? []) tokens += most(call.name) + most(call.arguments);
  }
  for (const tool of tools) tokens += most(pythonJson(tool));
  return tokens;
}

/**
 * The bounds of what `PromptCounter` counts, by the same names, and of a chat that has not been rendered (`chat`).
 * Like the counts, they leave out the begin-of-sequence that a server adds.
 *
 * @example
 * promptAtMost.chat('llama-3', [{ role: 'user', content: 'Hi' }]); // 25, and the exact count is 11
 */
export const promptAtMost = {
  segments: segmentsAtMost,
  text: (modelFamily: string, prompt: string, saving = 0): number => tokensAtMost(modelFamily, prompt, {}, saving),
  roughly: roughlyAtMost,
  chat: chatAtMost,
} as const;
