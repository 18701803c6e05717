import { bodyUnder } from '../control/faults.ts';
import { type Entry, recordPrompt } from '../control/journal.ts';
import { tokenizerOf, turnTrouble } from '../count/index.ts';
import { bearerOf } from '../env.ts';
import { isJson, type Json, list, number, object, strings, text } from '../json.ts';
import { base64Of, embeddingOf, ranked } from '../wire/embeddings.ts';
import { historyTrouble } from '../wire/histories.ts';
import { isBlindTo } from '../wire/openai-ask.ts';
import { chatOf } from '../wire/openai-messages.ts';
import { DONE, GARBAGE, SSE_HEADERS, sse } from '../wire/sse.ts';
import { type Answer, type Exchange, json, type Wire } from '../wire/types.ts';
import { chatAnswer, chatFrames, converse } from './chat.ts';
import { check } from './check.ts';
import { complete, completionAnswer, completionFrames } from './completions.ts';
import { errorOf, outage, refuse } from './errors.ts';
import { detokenize, tokenize } from './tokenize.ts';

/** Any deployment's name is right if it names open weights. */
const SERVED =
  /llama|mi[sx]tral|codestral|devstral|magistral|qwen|gpt-oss|deepseek|gemma|glm|kimi|minimax|nemotron|phi-|smollm|granite|embed|bge-|e5-|minilm|nomic|rerank/i;

const LISTED = ['meta-llama/Llama-2-70b-chat-hf', 'meta-llama/Meta-Llama-3-8B-Instruct', 'openai/gpt-oss-120b'];

const contextOf = (model: string): number =>
  /codellama/i.test(model) ? 16_384 : /llama-?2/i.test(model) ? 4096 : /llama-?3-/i.test(model) ? 8192 : 131_072;

/** Ray Serve puts its own beside what OpenAI has; vLLM says how long a context it was started with. */
const card = (id: string, ray: boolean) => ({
  id,
  object: 'model',
  created: 1_760_000_000,
  ...(ray
    ? {
        owned_by: 'organization-owner',
        permission: [],
        metadata: { model_id: id, input_modality: 'text', max_request_context_length: contextOf(id) },
      }
    : { owned_by: 'vllm', root: id, parent: null, max_model_len: contextOf(id), permission: [] }),
});

const unknown = (model: string): Answer => refuse(404, `The model \`${model}\` does not exist.`, 'model');

function tooLong(model: string, prompt: number, wanted: number, where: 'messages' | 'prompt'): Answer | undefined {
  const limit = contextOf(model);
  if (prompt + wanted <= limit) return undefined;
  return refuse(
    400,
    `This model's maximum context length is ${limit} tokens. However, you requested ${prompt + wanted} tokens (${prompt} in the ${where}, ${wanted} in the completion). Please reduce the length of the ${where} or completion.`,
  );
}

async function chat(body: Json, entry: Entry): Promise<Answer> {
  const refusal = check('chat', body);
  if (refusal) return refusal;
  if (isBlindTo(body)) return refuse(400, `${text(body.model)} is not a multimodal model`);
  const { family } = await tokenizerOf(text(body.model));
  const trouble = turnTrouble(family, chatOf(body)) ?? historyTrouble(body);
  if (trouble !== undefined) return refuse(400, trouble);
  const answer = await converse(body, contextOf(text(body.model)));
  recordPrompt(entry, answer.prompt, answer.prompt.tokens);
  const wanted = answer.asks[0]?.maxTokens ?? 1;
  const long = tooLong(answer.model, answer.prompt.tokens, wanted, 'messages');
  if (long) return long;
  if (body.stream === true) return { kind: 'stream', headers: SSE_HEADERS, frames: chatFrames(answer), batch: 3 };
  const tokens = answer.replies.reduce((sum, reply) => sum + reply.completionTokens, 0);
  return { ...jsonAnswer(chatAnswer(answer)), tokens };
}

async function completions(body: Json, entry: Entry): Promise<Answer> {
  const refusal = check('completions', body);
  if (refusal) return refusal;
  const answer = await complete(body);
  recordPrompt(entry, answer.prompts[0], answer.promptTokens);
  const long = tooLong(answer.model, answer.promptTokens, number(body.max_tokens) ?? 16, 'prompt');
  if (long) return long;
  if (body.stream === true) return { kind: 'stream', headers: SSE_HEADERS, frames: completionFrames(answer), batch: 3 };
  const tokens = answer.choices.reduce((sum, { reply }) => sum + reply.completionTokens, 0);
  return { ...jsonAnswer(completionAnswer(answer)), tokens };
}

const jsonAnswer = (body: unknown) => ({ kind: 'json', status: 200, body }) as const;

/** Embedding models, and those that rerank, by their names: a server runs one of them for one task. */
const EMBEDS = /embed|bge-|e5-|minilm|nomic/i;
const RERANKS = /rerank/i;

/** Length of the vectors that a model of the sandbox makes unless asked for another. */
const DIMENSIONS = 768;

const noApi = (): Answer => refuse(400, 'The model does not support this API');

async function embeddings(body: Json): Promise<Answer> {
  const model = text(body.model);
  if (!EMBEDS.test(model) || RERANKS.test(model)) return noApi();
  const given = typeof body.input === 'string' ? [body.input] : list(body.input);
  const tokenizer = await tokenizerOf(model);
  const read = (one: unknown): string | undefined =>
    typeof one === 'string' ? one : Array.isArray(one) ? tokenizer.decode(one.filter(Number.isInteger)) : undefined;
  const texts = (typeof given[0] === 'number' ? [given] : given).map(read);
  if (texts.length === 0 || texts.some((one) => one === undefined)) return refuse(400, 'input: invalid');
  const wanted = body.dimensions === undefined ? DIMENSIONS : (number(body.dimensions) ?? 0);
  if (wanted !== DIMENSIONS && !/matryoshka|qwen3/i.test(model)) {
    return refuse(
      400,
      `Model "${model}" does not support matryoshka representation, changing output dimensions will lead to poor results.`,
    );
  }
  const tokens = texts.reduce(
    (sum, one) => sum + (tokenizer.encode(one ?? '') ?? tokenizer.split(one ?? '')).length,
    0,
  );
  const data = texts.map((one, index) => {
    const embedding = embeddingOf(one ?? '', wanted);
    return {
      index,
      object: 'embedding',
      embedding: body.encoding_format === 'base64' ? base64Of(embedding) : embedding,
    };
  });
  const usage = { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0, prompt_tokens_details: null };
  return jsonAnswer({ id: 'embd-1', object: 'list', created: 1_760_000_000, model, data, usage });
}

async function rerank(body: Json): Promise<Answer> {
  const model = text(body.model);
  if (!RERANKS.test(model)) return noApi();
  const documents = strings(body.documents);
  if (text(body.query) === '' || documents.length === 0) return refuse(400, 'query and documents are required');
  const { split } = await tokenizerOf(model);
  const tokens = documents.reduce((sum, one) => sum + split(`${text(body.query)}\n${one}`).length, 0);
  const results = ranked(text(body.query), documents, number(body.top_n));
  return jsonAnswer({ id: 'rerank-1', model, usage: { total_tokens: tokens }, results });
}

const POSTS: Readonly<Record<string, (body: Json, entry: Entry, ray: boolean) => Promise<Answer>>> = {
  '/v1/chat/completions': chat,
  '/v1/completions': completions,
  '/v1/embeddings': embeddings,
  '/v1/rerank': rerank,
  '/tokenize': (body, _, ray) => tokenize(body, contextOf(text(body.model)), ray),
  '/detokenize': detokenize,
};

async function answer(exchange: Exchange, ray: boolean): Promise<Answer> {
  const { request, path, json: body, credentials, entry, faults } = exchange;
  if (ray && bearerOf(request) !== credentials.ANYSCALE_TOKEN) return json(401, { error: 'Unauthorized' });
  if (request.method === 'GET' && path === '/v1/models') {
    return json(200, { object: 'list', data: LISTED.map((id) => card(id, ray)) });
  }
  const one = request.method === 'GET' ? /^\/v1\/models\/(.+)$/.exec(path)?.[1] : undefined;
  if (one !== undefined) {
    // Ray Serve takes "--" for the "/" of an id.
    const id = decodeURIComponent(one).replaceAll('--', '/');
    return SERVED.test(id) ? json(200, card(id, ray)) : unknown(id);
  }
  const route = POSTS[path];
  if (!route || request.method !== 'POST') return json(404, { detail: 'Not Found' });
  if (!isJson(body)) return refuse(400, "[{'type': 'json_invalid', 'loc': ('body', 0), 'msg': 'JSON decode error'}]");
  const model = text(body.model);
  return SERVED.test(model) ? route(bodyUnder(faults, body), entry, ray) : unknown(model);
}

/**
 * vLLM behind Ray Serve, which is what an Anyscale service runs: nulls for all that is not there, several events in one
 * write, usage only where asked for, errors with a number for a code. `openai-compatible` is the same with no lock.
 * Sources: ray-project/ray llm/_internal/serve/core/ingress, vllm-project/vllm entrypoints/openai.
 */
export const vllm = (provider: 'anyscale' | 'openai-compatible'): Wire => ({
  provider,
  modelOf: ({ json: body }) => text(object(body).model) || undefined,
  generates: ({ path }) => /\/(?:completions|embeddings|rerank)$/.test(path),
  answer: (exchange) => answer(exchange, provider === 'anyscale'),
  refusal: (status) => refuse(status, outage(status, 'The model replica is not available')),
  interruption: ({ status = 500, message = 'The engine died', name }) => [
    sse(errorOf(status, outage(status, message), null, name)),
    DONE,
  ],
  garbage: () => GARBAGE,
});
