import { estimate } from '../brain/index.ts';
import { isJson, list, number, strings, text } from '../json.ts';
import { embeddingOf } from '../wire/embeddings.ts';
import { type Answer, json } from '../wire/types.ts';
import { invalid, requestId } from './errors.ts';

const malformed = (what: string): Answer =>
  invalid(`Malformed input request: ${what}, please reformat your input and try again.`);

const counted = (tokens: number) => ({
  'x-amzn-requestid': requestId(),
  'x-amzn-bedrock-input-token-count': String(tokens),
  'x-amzn-bedrock-invocation-latency': '12',
});

const tooMany = (limit: number, tokens: number): Answer =>
  invalid(`400 Bad Request: Too many input tokens. Max input tokens: ${limit}, request input token count: ${tokens}`);

function onlyKeys(body: Readonly<Record<string, unknown>>, known: readonly string[]): Answer | undefined {
  const stray = Object.keys(body).find((key) => !known.includes(key));
  return stray === undefined ? undefined : malformed(`#: extraneous key [${stray}] is not permitted`);
}

/** User guide, "Amazon Titan Text Embeddings": one text, and vectors of three lengths. */
function titan(body: Readonly<Record<string, unknown>>): Answer {
  const refusal = onlyKeys(body, ['inputText', 'dimensions', 'normalize', 'embeddingTypes']);
  if (refusal) return refusal;
  const given = text(body.inputText);
  if (given === '') return malformed('#/inputText: expected minLength: 1, actual: 0');
  const dimensions = body.dimensions === undefined ? 1024 : (number(body.dimensions) ?? 0);
  if (![1024, 512, 256].includes(dimensions)) return malformed(`#/dimensions: ${dimensions} is not a valid enum value`);
  const tokens = estimate(given).length;
  if (tokens > 8192) return tooMany(8192, tokens);
  const embedding = embeddingOf(given, dimensions);
  const whole = { embedding, embeddingsByType: { float: embedding }, inputTextTokenCount: tokens };
  return json(200, whole, counted(tokens));
}

/** User guide, "Cohere Embed v3": up to 96 texts of 2,048 characters, whose purpose must be said. */
function cohere(body: Readonly<Record<string, unknown>>): Answer {
  const refusal = onlyKeys(body, ['texts', 'input_type', 'truncate', 'embedding_types', 'images']);
  if (refusal) return refusal;
  const texts = strings(body.texts);
  if (texts.length === 0 || texts.length < list(body.texts).length)
    return malformed('#: required key [texts] not found');
  if (texts.length > 96) return malformed(`#/texts: expected maximum item count: 96, found: ${texts.length}`);
  if (texts.some((one) => one.length > 2048)) return malformed('#/texts/0: expected maxLength: 2048');
  if (!['search_document', 'search_query', 'classification', 'clustering'].includes(text(body.input_type))) {
    return malformed('#: required key [input_type] not found');
  }
  const tokens = texts.reduce((sum, one) => sum + estimate(one).length, 0);
  const embeddings = texts.map((one) => embeddingOf(one, 1024));
  return json(200, { id: requestId(), texts, embeddings, response_type: 'embeddings_floats' }, counted(tokens));
}

/** InvokeModel of a model that makes embeddings; undefined for any other. */
export function embed(id: string, body: unknown): Answer | undefined {
  const vendor = id.startsWith('amazon.titan-embed') ? titan : id.startsWith('cohere.embed') ? cohere : undefined;
  if (!vendor) return undefined;
  return isJson(body) ? vendor(body) : malformed('expected JSON object');
}
