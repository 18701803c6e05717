import { hash } from '../random.ts';

/**
 * Embeddings that are the same for the same text everywhere, and near for texts about the same things: a bag of words,
 * hashed into the vector's places and scaled to length 1.
 */

const COMMON = new Set(
  'a an and are as at be by for from has have how i in is it its of on or that the this to was what when where which who why will with you'.split(
    ' ',
  ),
);

/** Singular and plural, and the commonest endings, are one word. */
const stemOf = (word: string): string => (word.length > 4 ? word.replace(/(?:ing|ed|es|s)$/, '') : word);

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/** Digits of a number in an answer. */
const PRECISION = 1e7;

export function embeddingOf(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of wordsOf(text)) {
    const weight = COMMON.has(word) ? 0.05 : 1;
    const seed = hash(stemOf(word));
    for (const turn of [0, 1, 2]) {
      const at = (hash(`${turn}:${stemOf(word)}`) ^ seed) >>> 0;
      vector[at % dimensions] = (vector[at % dimensions] ?? 0) + (at & 0x10000 ? weight : -weight);
    }
  }
  const length = Math.hypot(...vector);
  if (length === 0) return vector.map((_, at) => (at === 0 ? 1 : 0));
  return vector.map((value) => Math.round((value / length) * PRECISION) / PRECISION);
}

/** How well a document matches a query, between 0 and 1. */
export function relevanceOf(query: string, document: string): number {
  const a = embeddingOf(query, 512);
  const b = embeddingOf(document, 512);
  const cosine = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  return Math.round(Math.max(0, cosine) * PRECISION) / PRECISION;
}

/** The documents of a query, the best first, as vLLM and Together answer them. */
export const ranked = (query: string, documents: readonly string[], topN = documents.length) =>
  documents
    .map((text, index) => ({ index, document: { text }, relevance_score: relevanceOf(query, text) }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    .slice(0, topN);

/** Little-endian 32-bit floats, as OpenAI's API writes them in base64. */
export function base64Of(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [at, value] of vector.entries()) view.setFloat32(at * 4, value, true);
  let bytes = '';
  for (const byte of new Uint8Array(view.buffer)) bytes += String.fromCharCode(byte);
  return btoa(bytes);
}
