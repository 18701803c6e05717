import { describe, expect, it } from 'vitest';
import { tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { shipped } from './shipped.ts';
import vectors from './vectors.json' with { type: 'json' };

interface Expected {
  readonly count: number;
  readonly ids?: string;
}
interface TextVector {
  readonly name: string;
  readonly text?: string;
  readonly repeat?: readonly (string | number)[];
  readonly llama2: Expected;
  readonly llama3: Expected;
}

const texts: readonly TextVector[] = vectors.texts;
const textOf = ({ text, repeat }: TextVector): string => text ?? String(repeat?.[0]).repeat(Number(repeat?.[1]));

describe.each(['llama2', 'llama3'] as const)('%s on the texts that two independent tokenizers agree on', (family) => {
  it.each(texts)('$name', async (vector) => {
    const tokenizer = await tokenizerFor(family, shipped);
    const text = textOf(vector);
    const ids = tokenizer.encode(text);
    expect(tokenizer.count(text)).toBe(vector[family].count);
    expect(ids).toHaveLength(vector[family].count);
    if (vector[family].ids !== undefined) expect(ids.join(' ')).toBe(vector[family].ids);
  });
});

describe('rendered chats, their special tokens parsed', () => {
  it.each(vectors.chats.map((chat) => [chat.name, chat] as const))('%s', async (_, { family, text, ids }) => {
    const tokenizer = await tokenizerFor(family === 'llama2' ? 'llama2' : 'llama3', shipped);
    expect(tokenizer.encode(text, { markers: 'parse' }).join(' ')).toBe(ids);
    expect(tokenizer.count(text, { markers: 'parse' })).toBe(ids.split(' ').length);
  });
});

describe('what providers billed for a raw prompt', () => {
  it.each(vectors.billed)('$where: $text', async ({ family, text, plain_count }) => {
    const tokenizer = await tokenizerFor(family === 'llama2' || family === 'mistral' ? family : 'llama3', shipped);
    expect(tokenizer.count(text)).toBe(plain_count);
  });
});
