import { estimate } from '../brain/index.ts';
import { bodyUnder } from '../control/faults.ts';
import { recordPrompt } from '../control/journal.ts';
import { tokenizerOf, turnTrouble } from '../count/index.ts';
import { bearerOf } from '../env.ts';
import { isJson, type Json, list, number, object, strings, text } from '../json.ts';
import { hex } from '../random.ts';
import { embeddingOf, ranked } from '../wire/embeddings.ts';
import { historyTrouble } from '../wire/histories.ts';
import { isBlindTo } from '../wire/openai-ask.ts';
import { chatOf } from '../wire/openai-messages.ts';
import { DONE, GARBAGE, SSE_HEADERS, sse } from '../wire/sse.ts';
import { type Answer, type Exchange, json, type Wire } from '../wire/types.ts';
import { framesOf, generate, wholeOf } from './answer.ts';
import { check } from './check.ts';
import { bodyOf, refuse, retiredModel, tooLong, unknownModel } from './errors.ts';
import models from './models.json';

interface Model {
  readonly type: string;
  readonly name: string;
  readonly context: number | null;
  readonly input: number | null;
  readonly output: number | null;
}

const LIVE = new Map<string, Model>(Object.entries(models.live));
const RETIRED = new Set(models.retired);

const DEFAULT_CONTEXT = 131_072;

const card = ([id, { type, name, context, input, output }]: readonly [string, Model]) => ({
  id,
  object: 'model',
  created: 0,
  type,
  running: false,
  display_name: name,
  organization: id.split('/')[0],
  link: '',
  context_length: context ?? DEFAULT_CONTEXT,
  config: { chat_template: null, stop: [], bos_token: null, eos_token: null },
  pricing: { hourly: 0, input: input ?? 0, output: output ?? 0, base: 0, finetune: 0 },
});

const KINDS = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
  '/v1/embeddings': 'embeddings',
  '/v1/rerank': 'rerank',
} as const;

/** together-ai 0.52, `EmbeddingCreateParams`, `RerankCreateParams`: embeddings have no usage. */
function retrieve(kind: 'embeddings' | 'rerank', body: Json, type: string, context: number | null): Answer {
  const model = text(body.model);
  const wanted = kind === 'embeddings' ? 'embedding' : 'rerank';
  if (type !== wanted)
    return refuse(400, { message: `${model} is not an ${wanted} model.`, code: 'model_not_available' });
  if (kind === 'rerank') {
    const documents = list(body.documents).map((one) => (typeof one === 'string' ? one : text(object(one).text)));
    if (text(body.query) === '' || documents.length === 0)
      return refuse(400, { message: 'query and documents are required.' });
    const results = ranked(text(body.query), documents, number(body.top_n));
    const tokens = estimate([text(body.query), ...documents].join(' ')).length;
    const usage = { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
    return json(200, { id: `o${hex(12)}`, object: 'rerank', model, results, usage }, headers());
  }
  const texts = typeof body.input === 'string' ? [body.input] : strings(body.input);
  const asked = typeof body.input === 'string' ? 1 : list(body.input).length;
  if (texts.length === 0 || texts.length < asked) {
    return refuse(422, {
      message: 'Input validation error: `input` must be a string or an array of strings',
      param: 'input',
    });
  }
  const long = texts.find((one) => estimate(one).length > (context ?? DEFAULT_CONTEXT));
  if (long !== undefined) return tooLong(context ?? DEFAULT_CONTEXT, estimate(long).length, 0);
  const data = texts.map((one, index) => ({ object: 'embedding', embedding: embeddingOf(one, 1024), index }));
  return json(200, { object: 'list', data, model, request_id: `o${hex(12)}` }, headers());
}

/** Limits are per second; the recorded answers carry them on success too. */
const headers = () => ({
  'x-request-id': `o${hex(12)}`,
  'x-ratelimit-limit': '10',
  'x-ratelimit-remaining': '9',
  'x-ratelimit-reset': '1',
  'x-tokenlimit-limit': '3000',
  'x-tokenlimit-remaining': '2910',
});

async function answer({ request, path, json: body, credentials, entry, faults }: Exchange): Promise<Answer> {
  if (bearerOf(request) !== credentials.TOGETHER_API_KEY) return refuse(401);
  // A bare array, not a list object.
  if (request.method === 'GET' && path === '/v1/models') return json(200, [...LIVE].map(card));
  const kind = Object.hasOwn(KINDS, path) ? KINDS[path as keyof typeof KINDS] : undefined;
  if (!kind || request.method !== 'POST') return refuse(404);
  if (!isJson(body)) return refuse(400, { message: 'Invalid JSON in the request body.' });
  const model = text(body.model);
  if (!model) return refuse(400, { message: "Missing required parameter: 'model'.", param: 'model' });
  const served = LIVE.get(model);
  if (!served) return RETIRED.has(model) ? retiredModel(model) : unknownModel(model);
  if (kind === 'embeddings' || kind === 'rerank') return retrieve(kind, body, served.type, served.context);
  if (served.type !== 'language' && served.type !== 'chat')
    return refuse(400, { message: `${model} is not a chat model.` });
  const refusal = check(kind, body);
  if (refusal) return refusal;
  const { family } = await tokenizerOf(model);
  // Together's words for a parameter that a model does not take; that they are the same in a chat is assumed.
  if (kind === 'chat' && isBlindTo(body)) {
    return refuse(400, {
      message: "Unsupported use of 'image_url' parameter. This parameter is not supported for the selected model.",
    });
  }
  const trouble = kind === 'chat' ? (turnTrouble(family, chatOf(body)) ?? historyTrouble(body)) : undefined;
  if (trouble !== undefined) return refuse(400, { message: trouble });
  const limit = served.context ?? DEFAULT_CONTEXT;
  const generated = await generate(kind, bodyUnder(faults, body), limit);
  const promptTokens = generated.prompt.tokens;
  recordPrompt(entry, generated.prompt, promptTokens);
  const wanted = number(body.max_tokens) ?? 1;
  if (promptTokens + wanted > limit && body.context_length_exceeded_behavior !== 'truncate') {
    return tooLong(limit, promptTokens, wanted);
  }
  if (body.stream === true)
    return { kind: 'stream', headers: { ...SSE_HEADERS, ...headers() }, frames: framesOf(generated) };
  const tokens = generated.replies.reduce((sum, reply) => sum + reply.completionTokens, 0);
  return { kind: 'json', status: 200, headers: headers(), body: wholeOf(generated), tokens };
}

/**
 * Together's wire with its quirks: `eos`, the text twice in every chunk, usage in the last chunk, the finish reason of
 * tool calls twice, integers for `logprobs`. Sources: recorded traffic, github.com/togethercomputer/openapi.
 */
export const together: Wire = {
  provider: 'together',
  modelOf: ({ json: body }) => text(object(body).model) || undefined,
  generates: ({ path }) => /\/(?:completions|embeddings|rerank)$/.test(path),
  answer,
  refusal: (status) => refuse(status),
  interruption: ({ status = 500, message, name }) => [
    sse(bodyOf(status, { ...(message && { message }), ...(name && { type: name }) })),
    DONE,
  ],
  garbage: () => GARBAGE,
};
