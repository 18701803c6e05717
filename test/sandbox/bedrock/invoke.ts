import { PLAIN, type Reply, readPrompt, think } from '../brain/index.ts';
import { recordPrompt } from '../control/journal.ts';
import { rawPrompt, type Tokenizer, tokenizerOf } from '../count/index.ts';
import { isJson, type Json, number, object, strings, text } from '../json.ts';
import type { Answer, Exchange, Frame } from '../wire/types.ts';
import { invalid, requestId } from './errors.ts';
import { event } from './eventstream.ts';
import type { Model } from './models.ts';

interface Field {
  readonly type: 'Number' | 'Integer' | 'String' | 'JSONArray';
  readonly low?: number;
  readonly high?: number;
}

interface Shape {
  readonly fields: Readonly<Record<string, Field>>;
  readonly limit: string;
  readonly defaultLimit: number;
  /** The whole answer's body. */
  whole(reply: Reply, promptTokens: number): Json;
  /** One chunk's body: `piece` is absent in the last. */
  chunk(piece: string | undefined, at: number, reply: Reply, promptTokens: number): Json;
}

const STOPS = { end: 'stop', stop: 'stop', length: 'length', tools: 'stop' } as const;

/** The bodies of the user guide's pages on Meta's and Mistral's parameters: nothing else is let in. */
const SHAPES: Readonly<Record<'llama' | 'mistral', Shape>> = {
  llama: {
    fields: {
      prompt: { type: 'String' },
      temperature: { type: 'Number', low: 0, high: 1 },
      top_p: { type: 'Number', low: 0, high: 1 },
      max_gen_len: { type: 'Integer', low: 1, high: 2048 },
      images: { type: 'JSONArray' },
    },
    limit: 'max_gen_len',
    defaultLimit: 512,
    whole: (reply, promptTokens) => ({
      generation: reply.pieces.join(''),
      prompt_token_count: promptTokens,
      generation_token_count: reply.completionTokens,
      stop_reason: STOPS[reply.finish],
    }),
    chunk: (piece, at, reply, promptTokens) => ({
      generation: piece ?? '',
      // On the first chunk alone.
      prompt_token_count: at === 0 ? promptTokens : null,
      generation_token_count: piece === undefined ? reply.completionTokens : at + 1,
      stop_reason: piece === undefined ? STOPS[reply.finish] : null,
    }),
  },
  mistral: {
    fields: {
      prompt: { type: 'String' },
      temperature: { type: 'Number', low: 0, high: 1 },
      top_p: { type: 'Number', low: 0, high: 1 },
      top_k: { type: 'Integer', low: 0, high: 200 },
      max_tokens: { type: 'Integer', low: 1, high: 8192 },
      stop: { type: 'JSONArray' },
    },
    limit: 'max_tokens',
    defaultLimit: 512,
    whole: (reply) => ({ outputs: [{ text: reply.pieces.join(''), stop_reason: STOPS[reply.finish] }] }),
    chunk: (piece, _at, reply) => ({
      outputs: [{ text: piece ?? '', stop_reason: piece === undefined ? STOPS[reply.finish] : null }],
    }),
  },
};

const malformed = (what: string): Answer =>
  invalid(`Malformed input request: ${what}, please reformat your input and try again.`);

const typeOf = (value: unknown): string => {
  if (value === null) return 'Null';
  if (Array.isArray(value)) return 'JSONArray';
  if (typeof value === 'number') return Number.isInteger(value) ? 'Integer' : 'Number';
  return { string: 'String', boolean: 'Boolean' }[typeof value as string] ?? 'JSONObject';
};

const fits = ({ type }: Field, value: unknown): boolean =>
  typeOf(value) === type || (type === 'Number' && typeOf(value) === 'Integer');

/** Bedrock checks the body against the model's JSON Schema and says what the schema's validator says. */
function check(body: unknown, { fields }: Shape): Answer | undefined {
  if (!isJson(body)) return malformed('expected JSON object');
  if (body.prompt === undefined) return malformed('#: required key [prompt] not found');
  for (const [name, value] of Object.entries(body)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) return malformed(`#: extraneous key [${name}] is not permitted`);
    if (!fits(field, value)) return malformed(`#/${name}: expected type: ${field.type}, found: ${typeOf(value)}`);
    if (field.low !== undefined && Number(value) < field.low) {
      return malformed(`#/${name}: ${String(value)} is not greater or equal to ${field.low}`);
    }
    if (field.high !== undefined && Number(value) > field.high) {
      return malformed(`#/${name}: ${String(value)} is not less or equal to ${field.high}`);
    }
  }
  return body.prompt === '' ? malformed('#/prompt: expected minLength: 1, actual: 0') : undefined;
}

const encoder = new TextEncoder();

function base64(json: Json): string {
  let binary = '';
  for (const byte of encoder.encode(JSON.stringify(json))) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const chunkEvent = (json: Json): Uint8Array => event('chunk', { bytes: base64(json) });

function* framesOf(shape: Shape, reply: Reply, promptTokens: number): Generator<Frame> {
  for (const [at, piece] of reply.pieces.entries()) {
    yield { data: chunkEvent(shape.chunk(piece, at, reply, promptTokens)), tokens: 1 };
  }
  const metrics = {
    inputTokenCount: promptTokens,
    outputTokenCount: reply.completionTokens,
    invocationLatency: 12 + reply.completionTokens,
    firstByteLatency: 8,
  };
  const last = shape.chunk(undefined, reply.pieces.length, reply, promptTokens);
  yield { data: chunkEvent({ ...last, 'amazon-bedrock-invocationMetrics': metrics }), terminal: true };
}

/** Recorded bills: Llama 2 and Mistral cost one token more than their text, Llama 3 what the text is. */
const addsBos = ({ family }: Tokenizer): boolean => family?.library === 'llama2' || family?.library === 'mistral';

export async function invoke(
  { json, entry }: Pick<Exchange, 'json' | 'entry'>,
  model: Model,
  streaming: boolean,
): Promise<Answer> {
  const shape = model.invoke && SHAPES[model.invoke];
  if (!shape) return invalid('The sandbox invokes Llama and Mistral models only. Use Converse for the others.');
  const refusal = check(json, shape);
  if (refusal) return refusal;
  const body = object(json);
  const given = text(body.prompt);
  const tokenizer = await tokenizerOf(model.id);
  const prompt = rawPrompt(tokenizer, given, addsBos(tokenizer));
  const promptTokens = prompt.tokens;
  recordPrompt(entry, prompt, promptTokens);
  if (promptTokens > model.context) {
    return invalid(
      `This model's maximum context length is ${model.context} tokens. Please reduce the length of the prompt`,
    );
  }
  const ask = {
    ...PLAIN,
    ...readPrompt(given),
    model: model.id,
    temperature: number(body.temperature),
    maxTokens: number(body[shape.limit]) ?? shape.defaultLimit,
    stop: strings(body.stop),
  };
  const reply = think(ask, tokenizer.split);
  const counts = {
    'x-amzn-requestid': requestId(),
    'x-amzn-bedrock-input-token-count': String(promptTokens),
    'x-amzn-bedrock-output-token-count': String(reply.completionTokens),
    'x-amzn-bedrock-invocation-latency': String(12 + reply.completionTokens),
  };
  if (!streaming) {
    const whole = shape.whole(reply, promptTokens);
    return { kind: 'json', status: 200, headers: counts, body: whole, tokens: reply.completionTokens };
  }
  const headers = {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-bedrock-content-type': 'application/json',
    'x-amzn-requestid': counts['x-amzn-requestid'],
  };
  return { kind: 'stream', headers, frames: framesOf(shape, reply, promptTokens) };
}
