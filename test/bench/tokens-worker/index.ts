import { FAMILIES, type TokenizerFamily } from '../../../src/tokens/families.ts';
import { tokenizerFor } from '../../../src/tokens/tokenizer.ts';
import { vocabularies } from '../../../src/tokens/vocab/index.ts';

const isFamily = (name: string): name is TokenizerFamily => Object.hasOwn(FAMILIES, name);

/** Counts the body `times` over. The clock stands still while a Worker computes, so the caller takes the time. */
export default {
  async fetch(request: Request, { ASSETS }: { readonly ASSETS: Fetcher }): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const family = searchParams.get('family') ?? '';
    const text = await request.text();
    if (!isFamily(family)) return new Response('0');
    const { count, exactness } = await tokenizerFor(family, vocabularies(ASSETS));
    let tokens = 0;
    // Each time from another character on, so that no block is one seen before.
    for (let time = 0; time < Number(searchParams.get('times')); time++) tokens = count(text.slice(time));
    return new Response(String(tokens), { headers: { 'x-exactness': exactness } });
  },
};
