import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { models } from '../../src/catalog/index.ts';
import { hashOf, NONE, Vocabulary } from '../../src/tokens/engine/vocabulary.ts';
import { FAMILIES, tokenizerFamily } from '../../src/tokens/families.ts';
import { type TokenizerFamily, tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { bundledVocabulary, vocabularies } from '../../src/tokens/vocab/index.ts';
import { shipped } from './shipped.ts';
import { decodedFrom } from './strings.ts';

const EXACT = (Object.keys(FAMILIES) as TokenizerFamily[]).filter(
  (family) => FAMILIES[family].errorBound === undefined,
);

const text = fc.string({ unit: 'binary', maxLength: 300 });

describe('a vocabulary that could not be loaded', () => {
  let tokenizerFor: typeof import('../../src/tokens/tokenizer.ts').tokenizerFor;
  beforeAll(async () => {
    // Other files of this process have loaded theirs.
    vi.resetModules();
    ({ tokenizerFor } = await import('../../src/tokens/tokenizer.ts'));
  });

  it('is asked for again by the next call', async () => {
    await expect(tokenizerFor('llama3', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect((await tokenizerFor('llama3')).count('x')).toBe(1);
  });

  const answering = (body: BodyInit, status = 200) =>
    vocabularies({ fetch: async () => new Response(body, { status }) });

  it.each([
    ['there are no assets', bundledVocabulary],
    ['the file is missing', answering('', 404)],
    ['a page stands in its place', answering('<!doctype html>')],
    ['the binding fails', vocabularies({ fetch: () => Promise.reject(new Error('gone')) })],
  ])('is estimated by another, and labelled so: %s', async (_, load) => {
    const qwen = await tokenizerFor('qwen', load);
    expect(qwen).toMatchObject({ family: 'qwen', exactness: 'estimate', special: {} });
    expect(qwen.errorBound).toBeGreaterThan(0);
    expect(qwen.count('Our destiny')).toBe((await tokenizerFor('llama3')).count('Our destiny'));
  });

  it('is estimated by the one inside the Worker if the next best is missing, too', async () => {
    const llama4 = await tokenizerFor('llama4', bundledVocabulary);
    expect(llama4).toMatchObject({ family: 'llama4', exactness: 'estimate', errorBound: 0.4 });
    expect(llama4.count('Our destiny')).toBe((await tokenizerFor('llama3')).count('Our destiny'));
  });

  it('is exact as soon as it can be read, and stays so', async () => {
    expect((await tokenizerFor('qwen', shipped)).exactness).toBe('exact');
    expect((await tokenizerFor('qwen', bundledVocabulary)).exactness).toBe('exact');
  });
});

describe.each(EXACT)('%s', (family) => {
  it('gives every well-formed text back', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    fc.assert(
      fc.property(text, (original) => {
        expect(tokenizer.decode(tokenizer.encode(original))).toBe(decodedFrom(family, original));
      }),
    );
  });

  it('counts as many tokens as it encodes', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    fc.assert(fc.property(text, (any) => tokenizer.count(any) === tokenizer.encode(any).length));
  });

  it('counts a lone surrogate as the U+FFFD that is sent', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    expect(tokenizer.encode('a\ud800b')).toEqual(tokenizer.encode('a\ufffdb'));
  });

  it('stops counting above a limit, and is exact below it', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    const long = 'Our destiny is written in the stars. '.repeat(2000);
    const tokens = tokenizer.count(long);
    expect(tokenizer.count(long, { limit: tokens })).toBe(tokens);
    const stopped = tokenizer.count(long, { limit: 100 });
    expect(stopped).toBeGreaterThan(100);
    expect(stopped).toBeLessThan(tokens / 10);
  });

  it('counts a long text that comes again, or starts alike, as at first', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    const system = Array.from({ length: 3000 }, (_, n) => `rule ${n} says no`).join(' and ');
    const first = tokenizer.count(system);
    expect(first).toBe(tokenizer.encode(system).length);
    expect(tokenizer.count(system)).toBe(first);
    for (const question of [' Why?', 's', '\n\n', ' 1']) {
      expect(tokenizer.count(system + question)).toBe(tokenizer.encode(system + question).length);
    }
  });

  it('names the piece and the byte each token starts at', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    const { ids, pieces, offsets } = tokenizer.pieces('Grüße an die Sterne');
    expect(ids).toHaveLength(pieces.length);
    const bytes = new TextEncoder().encode('Grüße an die Sterne');
    for (const [n, from] of offsets.entries()) {
      const piece = new TextDecoder().decode(bytes.subarray(from, offsets[n + 1]));
      expect(n === 0 ? pieces[n]?.trimStart() : pieces[n]).toBe(piece);
    }
  });
});

describe('a U+2581 in a text for SentencePiece', () => {
  it('is a space to it, and keeps its three bytes in the offsets', async () => {
    const llama2 = await tokenizerFor('llama2', shipped);
    expect(llama2.pieces('a\u2581b')).toMatchObject({ pieces: [' a', ' b'], offsets: [0, 1] });
    expect(llama2.pieces('a\u2581b c').offsets).toEqual([0, 1, 5]);
  });
});

describe('special tokens written in a text', () => {
  it('are plain text unless they are to be parsed', async () => {
    const llama3 = await tokenizerFor('llama3', shipped);
    expect(llama3.count('<|eot_id|>')).toBe(7);
    expect(llama3.encode('<|eot_id|>', { markers: 'parse' })).toEqual([128_009]);
    expect(llama3.encode('<|eot_id|', { markers: 'parse' })).toEqual(llama3.encode('<|eot_id|'));
    const llama2 = await tokenizerFor('llama2', shipped);
    expect(llama2.count('<s>')).toBe(3);
    expect(llama2.encode('<s>', { markers: 'parse' })).toEqual([1]);
    const harmony = await tokenizerFor('o200k', shipped);
    expect(harmony.encode('<|start|>a<|end|>', { markers: 'parse' })).toEqual([200_006, 64, 200_007]);
  });

  it('come back as they were written', async () => {
    const llama3 = await tokenizerFor('llama3', shipped);
    const prompt = '<|begin_of_text|>a <|eot_id|><|<|nothing|>';
    expect(llama3.decode(llama3.encode(prompt, { markers: 'parse' }))).toBe(prompt);
  });

  it('may open in more than one way', async () => {
    const mistral = await tokenizerFor('mistral-v3', shipped);
    expect(mistral.encode('<s>[INST]', { markers: 'parse' })).toEqual([1, 3]);
    const written = '<s>[INST] a[[INST][/INST]</s>[<s';
    const parsed = mistral.pieces(written, { markers: 'parse' });
    expect(parsed.ids.filter((id) => id < 768)).toEqual([1, 3, 3, 4, 2]);
    const offsets = ['<s>', '[INST]', '[INST][', '[/INST]', '</s>'].map((mark) => written.indexOf(mark));
    expect(parsed.offsets.filter((_, n) => (parsed.ids[n] ?? 768) < 768)).toEqual(offsets);
    const deepseek = await tokenizerFor('deepseek', shipped);
    expect(deepseek.encode('<｜User｜><think></think><|EOT|>', { markers: 'parse' })).toEqual([
      128_803, 128_798, 128_799, 128_805,
    ]);
    expect(deepseek.pieces('<｜User｜>a', { markers: 'parse' }).offsets).toEqual([0, 12]);
  });

  it('are found before the text takes its normal form', async () => {
    const qwen = await tokenizerFor('qwen', shipped);
    expect(qwen.encode('<|im_end|>\u0338', { markers: 'parse' })[0]).toBe(151_645);
    expect(qwen.decode(qwen.encode('<|im_end|>\u0338'))).toBe('<|im_end|\u226f');
  });

  it('have the ids of the makers’ files', async () => {
    const ids = async (family: TokenizerFamily, ...names: string[]) => {
      const { special } = await tokenizerFor(family, shipped);
      return names.map((name) => special[name]);
    };
    expect(await ids('llama4', '<|begin_of_text|>', '<|eot|>', '<|python_end|>', '<|patch|>')).toEqual([
      200_000, 200_008, 200_017, 200_092,
    ]);
    expect(await ids('llama4', '<|reasoning_thinking_end|>', '<|reserved_special_token_903|>')).toEqual([
      201_143, 202_047,
    ]);
    expect(await ids('tekken', '<s>', '[INST]', '[TOOL_CONTENT]')).toEqual([1, 3, 19]);
    expect(await ids('qwen', '<|im_end|>', '<|file_sep|>', '</think>')).toEqual([151_645, 151_664, 151_668]);
    expect(await ids('qwen3.5', '<|im_start|>', '<think>', '</think>')).toEqual([248_045, 248_068, 248_069]);
    expect(await ids('qwen2.5', '<|im_end|>', '</think>')).toEqual([151_645, undefined]);
    expect(await ids('deepseek', '<｜end▁of▁sentence｜>', '<｜tool▁sep｜>')).toEqual([1, 128_814]);
    expect(await ids('deepseek-v4', '<think>', '<｜Assistant｜>')).toEqual([128_821, 128_804]);
  });

  it('are never looked up among the names that every object has', async () => {
    const llama2 = await tokenizerFor('llama2', shipped);
    expect(llama2.count('<constructor>', { markers: 'parse' })).toBe(llama2.count('<constructor>'));
  });
});

describe('a text that goes on where another ended', () => {
  it('gets no space in front from SentencePiece', async () => {
    const llama2 = await tokenizerFor('llama2', shipped);
    expect(llama2.encode('grabbed', { continued: true })).not.toEqual(llama2.encode('grabbed'));
    expect(llama2.decode(llama2.encode(' x', { continued: true }), { continued: true })).toBe(' x');
  });
});

describe('exactness', () => {
  it('is an estimate with a bound where nobody has the vocabulary', async () => {
    expect(await tokenizerFor('other', shipped)).toMatchObject({ exactness: 'estimate', errorBound: 0.5 });
    expect(await tokenizerFor('llama2', shipped)).not.toHaveProperty('errorBound');
    // What counts for them is known, and it is not theirs.
    for (const family of ['qwen-next', 'deepseek-next', 'gemma'] as const) {
      expect(await tokenizerFor(family, shipped), family).toMatchObject({ exactness: 'estimate', special: {} });
    }
  });
});

describe('the models of the catalogue', () => {
  it('are counted by their own vocabulary, by a relative’s, or by nobody’s that is known: no family by oversight', () => {
    const families = [...new Set(models().map(({ family }) => family))];
    const by = (estimated: (family: TokenizerFamily) => boolean) =>
      families.filter((family) => estimated(tokenizerFamily(family))).sort();
    expect(by((family) => family === 'other')).toEqual([
      ...['beam', 'bonsai', 'cohere-embed', 'glm-4.5', 'glm-4.6', 'glm-4.7', 'glm-5', 'granite-3', 'inkling'],
      ...['kimi-k2', 'kimi-k3', 'lfm2', 'llama-guard', 'minimax-m2', 'minimax-m3', 'muse', 'nemotron-3'],
      ...['nemotron-3.5', 'nemotron-nano-2', 'pixtral-large', 'ripple', 'rnj', 'titan-embed', 'trinity', 'xlm-roberta'],
    ]);
    expect(by((family) => family !== 'other' && FAMILIES[family].errorBound !== undefined)).toEqual([
      ...['deepseek-v4.1', 'gemma-3', 'gemma-3n', 'gemma-4', 'qwen3.7', 'qwen3.8'],
    ]);
  });
});

describe('a vocabulary', () => {
  it('finds what it holds and nothing else, whatever collides', () => {
    const words = ['a', 'b', 'ab', 'abc'];
    const bytes = new TextEncoder().encode(words.join(''));
    const file = new Uint8Array([words.length, 0, 0, 0, bytes.length, 0, 0, 0, 1, 1, 2, 3, ...bytes]);
    const vocabulary = new Vocabulary(file.buffer);
    const hash = (spelt: Uint8Array): number =>
      spelt.length === 0 ? 0 : hashOf(spelt, new DataView(spelt.buffer, spelt.byteOffset), 0, spelt.length);
    const find = (text: string): number => {
      const spelt = new TextEncoder().encode(text);
      return vocabulary.find(spelt, 0, spelt.length, hash(spelt));
    };
    expect(words.map(find)).toEqual([0, 1, 2, 3]);
    expect(['', 'c', 'ba', 'abca'].map(find)).toEqual([NONE, NONE, NONE, NONE]);
    // The right hash is not enough: the bytes must agree.
    expect(vocabulary.find(new TextEncoder().encode('xyz'), 0, 3, hash(new TextEncoder().encode('abc')))).toBe(NONE);
  });
});

describe.each(['llama2', 'mistral'] as const)('every piece of %s', (family) => {
  it('merges into itself, so that a word found in the vocabulary counts one', async () => {
    const tokenizer = await tokenizerFor(family, shipped);
    for (let id = 259; id < 32_000; id++) {
      const piece = tokenizer.decode([id], { continued: true });
      expect(tokenizer.encode(piece, { continued: true }), piece).toEqual([id]);
    }
  });
});
