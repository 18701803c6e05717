import { estimate } from '../brain/index.ts';
import { chatPrompt, rawPrompt, tokenizerOf } from '../count/index.ts';
import { type Json, list, text } from '../json.ts';
import { tokenId } from '../wire/likelihood.ts';
import { chatAsk } from '../wire/openai-ask.ts';
import { chatOf } from '../wire/openai-messages.ts';
import { type Answer, json } from '../wire/types.ts';
import { refuse } from './errors.ts';

/**
 * `/tokenize`: vLLM's takes a prompt, or messages with their tools, which are counted as they are billed. Ray Serve's takes
 * prompts alone. https://docs.vllm.ai/en/latest/serving/online_serving/
 */
export async function tokenize(body: Json, contextLength: number, ray: boolean): Promise<Answer> {
  if (Array.isArray(body.messages)) {
    if (ray) return refuse(400, "[{'type': 'missing', 'loc': ('body', 'prompt'), 'msg': 'Field required'}]");
    const { turns } = chatAsk(body);
    const chat = { ...chatOf(body), begun: body.continue_final_message === true };
    const { ids, tokens: count } = chatPrompt(await tokenizerOf(text(body.model)), chat, turns);
    const made = ids ?? Array.from({ length: count }, (_, at) => tokenId(String(at)));
    return json(200, { count, max_model_len: contextLength, tokens: made, token_strs: null });
  }
  if (typeof body.prompt !== 'string')
    return refuse(400, "[{'type': 'missing', 'loc': ('body', 'prompt'), 'msg': 'Field required'}]");
  const { prompt } = body;
  const tokenizer = await tokenizerOf(text(body.model));
  const { ids, tokens: count } = rawPrompt(tokenizer, prompt, body.add_special_tokens !== false);
  // Where there is no library, made-up ids.
  const pieces = estimate(prompt).map((piece) => piece.text);
  const tokens = ids ?? [...(count > pieces.length ? ['<s>'] : []), ...pieces].map(tokenId);
  return json(200, { count, max_model_len: contextLength, tokens, token_strs: null });
}

export async function detokenize(body: Json): Promise<Answer> {
  const ids = list(body.tokens).filter((id) => typeof id === 'number');
  const prompt = (await tokenizerOf(text(body.model))).decode(ids);
  return prompt === undefined
    ? refuse(400, 'The sandbox cannot decode these tokens for this model.')
    : json(200, { prompt });
}
