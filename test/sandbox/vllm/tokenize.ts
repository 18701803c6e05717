import { estimate } from '../brain/index.ts';
import { rawPrompt, tokenizerOf } from '../count/index.ts';
import { type Json, list, text } from '../json.ts';
import { tokenId } from '../wire/likelihood.ts';
import { type Answer, json } from '../wire/types.ts';
import { refuse } from './errors.ts';

/** `/tokenize`, in its form for completions, which is the only one that Ray Serve routes. */
export async function tokenize(body: Json, contextLength: number): Promise<Answer> {
  const prompt = text(body.prompt);
  const tokenizer = await tokenizerOf(text(body.model));
  const { ids, tokens: count } = rawPrompt(tokenizer, prompt, body.add_special_tokens !== false);
  // Where there is no library, made-up ids.
  const tokens = ids ?? estimate(prompt).map((piece) => tokenId(piece.text));
  return json(200, { count: ids ? count : tokens.length, max_model_len: contextLength, tokens, token_strs: null });
}

export async function detokenize(body: Json): Promise<Answer> {
  const ids = list(body.tokens).filter((id) => typeof id === 'number');
  const prompt = (await tokenizerOf(text(body.model))).decode(ids);
  return prompt === undefined
    ? refuse(400, 'The sandbox cannot decode these tokens for this model.')
    : json(200, { prompt });
}
