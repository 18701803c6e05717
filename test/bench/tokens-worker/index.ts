import { type TokenizerFamily, tokenizerFor } from '../../../src/tokens/tokenizer.ts';

const FAMILIES: Readonly<Record<string, TokenizerFamily>> = { llama2: 'llama2', llama3: 'llama3', o200k: 'o200k' };

/** Counts the body `times` over. The clock stands still while a Worker computes, so the caller takes the time. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const family = FAMILIES[searchParams.get('family') ?? ''];
    const text = await request.text();
    if (family === undefined) return new Response('0');
    const tokenizer = await tokenizerFor(family);
    let tokens = 0;
    // Each time from another character on, so that no block is one seen before.
    for (let time = 0; time < Number(searchParams.get('times')); time++) tokens = tokenizer.count(text.slice(time));
    return new Response(String(tokens));
  },
};
