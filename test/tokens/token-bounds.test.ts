import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Message, Tool } from '../../src/core/index.ts';
import {
  countPrompt,
  promptAtMost,
  promptCounter,
  readyTokenizers,
  renderSegments,
  type Tokenizers,
  templateFamilies,
  tokenizerFamily,
  tokensAtMost,
  variantsOf,
} from '../../src/tokens/index.ts';
import { HOSTILE } from './hostile-texts.ts';
import { shipped } from './shipped.ts';
import { strings } from './strings.ts';

/** A model family for every tokenizer family. */
const FAMILIES = [
  ...['llama-2', 'code-llama', 'mistral', 'mixtral-8x22b', 'llama-3', 'gpt-oss', 'llama-4', 'mistral-nemo', 'qwen2.5'],
  ...['qwen3', 'qwen3.5', 'qwen3.7', 'deepseek-r1', 'deepseek-v4', 'deepseek-v4.1', 'gemma-3', 'nobody-knows'],
];
const NFC_FAMILIES = ['qwen2.5', 'qwen3', 'qwen3.5', 'qwen3.7'];

let tokenizers: Tokenizers;
beforeAll(async () => {
  tokenizers = await readyTokenizers([...FAMILIES, ...templateFamilies()], shipped);
});

const utf8 = new TextEncoder();
const bytesOf = (text: string): number => utf8.encode(text).length;

/** Every code point that is a character. */
function* characters(): Generator<string> {
  for (let code = 0; code < 0x110000; code++) if (code < 0xd800 || code > 0xdfff) yield String.fromCodePoint(code);
}
/** Characters that a normal form takes apart, and marks that it puts in order: where NFC can be longer than the text. */
const MOVING = [...characters()].filter((one) => one.normalize('NFD') !== one || /^\p{M}$/u.test(one));

const unit = fc.integer({ min: 0, max: 0xffff });
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  // With lone surrogates.
  fc.array(unit, { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
  fc.array(fc.constantFrom(...MOVING), { maxLength: 40 }).map((parts) => parts.join('')),
  fc.constantFrom(...strings(11, 400)),
  fc.constantFrom(...Object.values(HOSTILE).map((make) => make(400))),
  fc
    .array(
      fc.constantFrom('<s>', '</s>', '<|eot_id|>', '<｜User｜>', '[INST]', '<|im_end|>', ' ', '\u2581', 'é', 'word'),
    )
    .map((parts) => parts.join('')),
);

describe('the most tokens that a text can have', () => {
  it('is one for every tokenizer family', () => {
    expect(new Set(FAMILIES.map(tokenizerFamily)).size).toBe(FAMILIES.length);
  });

  it.each(FAMILIES)('is never less than the count, however the text is read: %s', (family) => {
    const tokenizer = tokenizers(family);
    const counter = promptCounter(tokenizers, Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokensAtMost(family, text)).toBeGreaterThanOrEqual(tokenizer.count(text));
        expect(tokensAtMost(family, text, { continued: true })).toBeGreaterThanOrEqual(
          tokenizer.count(text, { continued: true }),
        );
        expect(promptAtMost.text(family, text)).toBeGreaterThanOrEqual(counter.text(family, text).tokens);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['llama-2', 'llama-3', 'qwen3'])(
    'is never less for a text that is measured in several pieces: %s',
    (family) => {
      const tokenizer = tokenizers(family);
      for (const text of ['a'.repeat(20_000), `x${'😀'.repeat(9000)}`, '😀'.repeat(9000), '\ud800'.repeat(12_000)]) {
        expect(tokensAtMost(family, text)).toBeGreaterThanOrEqual(tokenizer.count(text));
      }
      // Neither is it more than it needs to be: pieces are cut between characters.
      const emoji = `x${'😀'.repeat(9000)}`;
      expect(tokensAtMost('llama-3', emoji)).toBe(bytesOf(emoji));
    },
  );

  it('is a few per character, also where the tokenizer normalizes', () => {
    expect(tokensAtMost('llama-3', '')).toBe(0);
    expect(tokensAtMost('llama-3', 'Grüße')).toBe(7);
    expect(tokensAtMost('llama-2', 'Grüße')).toBe(8);
    expect(tokensAtMost('qwen3', 'plain English')).toBe(13);
    expect(tokensAtMost('qwen3', '我们的命运')).toBe(15);
    expect(tokensAtMost('qwen3', '안녕하세요')).toBe(15);
  });

  it('would be too low in bytes alone', () => {
    // SentencePiece puts a space before the text.
    const unknown = '\u{10fffd}';
    expect(tokenizers('llama-2').count(unknown)).toBe(bytesOf(unknown) + 1);
    // A musical symbol that NFC takes apart, and a mark that keeps NFC from putting a letter together again.
    for (const text of ['\u{1d160}', 'ạ̈̄']) expect(bytesOf(text.normalize('NFC'))).toBeGreaterThan(bytesOf(text));
    expect(tokenizers('qwen3').count('\u{1d160}'.repeat(20))).toBeGreaterThan(bytesOf('\u{1d160}'.repeat(20)));
    // Byte-level BPE has characters of as many tokens as bytes.
    expect(tokenizers('llama-3').count(unknown)).toBe(bytesOf(unknown));
  });
});

describe('the closer bound', () => {
  const CLOSE = ['llama-3', 'llama-4', 'gpt-oss'];
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const wordy = fc
    .array(
      fc.oneof(
        fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((parts) => parts.join('')),
        fc.constantFrom(
          ...[' ', '  ', "'", "'s", "'re", "'Re", '’', 'ſ', '.', '\n', ' \n', '1', 'A', 'É', 'é', '\u0301', '語', '('],
        ),
        fc.constantFrom(...['bq', 'qzqzqz', 'xqj', 'the', ' of', 'tion', 'zzzz']),
        anyText,
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''));

  it.each(CLOSE)('is never less than the count either: %s', (family) => {
    const tokenizer = tokenizers(family);
    fc.assert(
      fc.property(wordy, (text) => {
        expect(tokensAtMost(family, text, {}, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(tokenizer.count(text));
        expect(promptAtMost.text(family, text, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(
          tokenizer.count(text, { markers: 'parse' }),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it.each(CLOSE)('holds for every word of three letters, and of four after a space: %s', (family) => {
    const tokenizer = tokenizers(family);
    for (const a of letters) {
      // Every pair, beside each of the others.
      for (const b of letters) {
        for (const c of letters) {
          for (const text of [a + b + c, ` ${a}${b}${c}`, `${c}${a}${b}${a}${b}`]) {
            if (tokensAtMost(family, text, {}, Number.POSITIVE_INFINITY) < tokenizer.count(text)) expect.fail(text);
          }
        }
      }
    }
  });

  it('is worked out for no more texts than it takes to be low enough', () => {
    const segments = Array.from({ length: 10 }, () => ({ text: 'decides exactly as the call does' }));
    const most = promptAtMost.segments('llama-3', segments);
    const closer = promptAtMost.segments('llama-3', segments, 20);
    expect(closer).toBeLessThanOrEqual(most - 20);
    expect(closer).toBeGreaterThan(promptAtMost.segments('llama-3', segments, Number.POSITIVE_INFINITY));
  });

  it('is about two thirds of the bytes of English, and the bytes elsewhere', () => {
    const text = 'we mean to be below it in every row of the table, and the sheet decides exactly as the call does';
    expect(tokensAtMost('llama-3', text, {}, Number.POSITIVE_INFINITY)).toBeLessThan(0.75 * text.length);
    expect(tokensAtMost('llama-3', 'Grüße', {}, Number.POSITIVE_INFINITY)).toBe(7);
    expect(tokensAtMost('qwen3', text, {}, Number.POSITIVE_INFINITY)).toBe(text.length);
  });
});

describe('what the bound of normalizing tokenizers rests on', () => {
  it('is true of every character', () => {
    for (const one of characters()) {
      const decomposed = one.normalize('NFD');
      // No character in an NFC text has more bytes than its decomposition.
      if (one.normalize('NFC') === one && bytesOf(one) > bytesOf(decomposed)) expect.fail(one);
      const isHangulSyllable = one >= '\uac00' && one <= '\ud7a3';
      const most = tokensAtMost('qwen3', one);
      if (most < (isHangulSyllable ? 3 : bytesOf(decomposed))) expect.fail(`U+${one.codePointAt(0)?.toString(16)}`);
      if (most < bytesOf(one)) expect.fail(one);
    }
  });

  it('is that the normal form has no more bytes, whatever stands side by side', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...MOVING), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        for (const family of NFC_FAMILIES) {
          expect(tokensAtMost(family, text)).toBeGreaterThanOrEqual(bytesOf(text.normalize('NFC')));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const tool: Tool = {
  name: 'get_weather',
  description: 'Looks out of the window — in any city.',
  parameters: { type: 'object', properties: { city: { type: 'string', enum: ['León', '東京'] } }, required: ['city'] },
};
const call = fc.record({
  id: fc.constant('call_1'),
  name: fc.constant('get_weather'),
  arguments: fc.oneof(fc.constantFrom('{"city":"León"}', '{', '{"a":[1,2,{"b":"\\u00e9"}]}'), anyText),
});
const message: fc.Arbitrary<Message> = fc.oneof(
  anyText.map((content): Message => ({ role: 'user', content })),
  anyText.map((content): Message => ({ role: 'system', content })),
  anyText.map((content): Message => ({ role: 'assistant', content })),
  fc.tuple(anyText, anyText).map(([content, reasoning]): Message => ({ role: 'assistant', content, reasoning })),
);
const toolTurns = fc.tuple(anyText, call, anyText).map(([content, one, result]): Message[] => [
  { role: 'assistant', content, toolCalls: [one] },
  { role: 'tool', toolCallId: one.id, content: result },
]);
const chat = fc
  .array(fc.oneof({ weight: 4, arbitrary: message.map((one) => [one]) }, { weight: 1, arbitrary: toolTurns }), {
    maxLength: 6,
  })
  .map((parts) => parts.flat());

describe('the most tokens that a prompt can have', () => {
  it.each(templateFamilies())(
    'is never less than the count of the rendered chat, with and without tools: %s',
    (family) => {
      const tokenizer = tokenizers(family);
      const variant = fc.constantFrom(...variantsOf(family));
      const bos = fc.constantFrom('text' as const, 'server' as const);
      let rendered = 0;
      fc.assert(
        fc.property(chat, variant, bos, fc.boolean(), (messages, form, who, withTools) => {
          const options = { variant: form, bos: who, tools: withTools ? [tool] : [], date: new Date('2026-11-24') };
          const prompt = renderSegments(family, messages, options);
          const most = promptAtMost.chat(family, messages, options);
          if (prompt.kind === 'none') {
            expect(most).toBeUndefined();
            return;
          }
          rendered++;
          const counted = countPrompt(tokenizer, prompt.segments);
          expect(promptAtMost.segments(family, prompt.segments)).toBeGreaterThanOrEqual(counted);
          expect(most).toBeGreaterThanOrEqual(counted);
          const saving = messages.length % 2 === 0 ? 5 : Number.POSITIVE_INFINITY;
          expect(promptAtMost.segments(family, prompt.segments, saving)).toBeGreaterThanOrEqual(counted);
          expect(promptAtMost.chat(family, messages, options, saving)).toBeGreaterThanOrEqual(counted);
          // A chat that is not rendered is bounded as if it were, or a little higher. (So are lone surrogates.)
          const asRendered = promptAtMost.segments(family, prompt.segments);
          expect(most).toBeGreaterThanOrEqual(asRendered);
          const isWellFormed = !/\\ud[89a-f]/.test(JSON.stringify(messages));
          if (withTools && isWellFormed) expect(most).toBe(asRendered);
        }),
        { numRuns: 200 },
      );
      expect(rendered).toBeGreaterThan(5);
    },
  );

  it.each(FAMILIES)('is never less than a rough estimate: %s', (family) => {
    const counter = promptCounter(tokenizers, Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(chat, fc.boolean(), (messages, withTools) => {
        const tools = withTools ? [tool] : [];
        expect(promptAtMost.roughly(family, messages, tools)).toBeGreaterThanOrEqual(
          counter.roughly(family, messages, tools).tokens,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('counts special tokens as one each and the rest in bytes', () => {
    // <|begin_of_text|>, three headers' and two ends' tokens, `user`, `assistant`, line breaks and the text.
    expect(promptAtMost.chat('llama-3', [{ role: 'user', content: 'Hi' }])).toBe(1 + 2 + 4 + 4 + 1 + 2 + 9 + 2);
    expect(promptAtMost.chat('llama-3', [])).toBeUndefined();
    expect(promptAtMost.chat('nobody-knows', [{ role: 'user', content: 'Hi' }])).toBeUndefined();
  });
});
