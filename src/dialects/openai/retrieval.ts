/** `POST /v1/embeddings` in OpenAI's shape, and `POST /v1/rerank` in the shape that vLLM and Together share. */
import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import {
  type EmbeddingCall,
  isObject,
  type JsonObject,
  type Prompt,
  promptTokens,
  type RankedDocument,
  type RerankCall,
  type Usage,
  type Vector,
  type VectorEncoding,
} from '../../core/index.ts';
import { bodySchema } from '../body-schema.ts';
import type { CallContext, WireCost } from '../dialect.ts';
import { routing, toRouting } from '../routing.ts';
import { integer, invalid, modelMissing, name, optional } from '../validation.ts';
import { floatsIn } from './floats.ts';
import { sortUnknownFields } from './unknown-fields.ts';

/** As OpenAI's: https://platform.openai.com/docs/api-reference/embeddings/create */
const MOST_INPUTS = 2048;
const MOST_DIMENSIONS = 65_536;
const MAX_SESSION = 256;

const shared = {
  model: optional(name),
  provider: optional(routing),
  session_id: optional(v.pipe(v.string(), v.maxLength(MAX_SESSION, `must be at most ${MAX_SESSION} characters`))),
  user: optional(v.string()),
};

const sharedSchema = v.object(shared);

const FORMS = 'must be a string, a list of strings, a list of token ids or a list of such lists';
const text = v.pipe(v.string(FORMS), v.minLength(1, 'must not be empty'));
const tokenIds = v.pipe(v.array(integer(0, 2 ** 31)), v.minLength(1, 'must have at least one token'));
const severalOf = <T extends v.GenericSchema>(one: T) =>
  v.pipe(
    v.array(one),
    v.minLength(1, 'must have at least one text'),
    v.maxLength(MOST_INPUTS, `must have at most ${MOST_INPUTS} texts`),
  );
const texts = severalOf(text);
const tokenLists = severalOf(tokenIds);

/** The first member tells which form a list has, so that an error names the member that does not fit. */
function inputForm(input: unknown) {
  if (!Array.isArray(input)) return text;
  const [first]: unknown[] = input;
  return typeof first === 'number' ? tokenIds : Array.isArray(first) ? tokenLists : texts;
}

export const embeddingsBody = bodySchema(
  v.object({
    ...shared,
    input: v.lazy(inputForm),
    dimensions: optional(integer(1, MOST_DIMENSIONS)),
    encoding_format: optional(v.picklist(['float', 'base64'], 'must be "float" or "base64"')),
    input_type: optional(name),
  }),
);

export const rerankBody = bodySchema(
  v.object({
    ...shared,
    query: text,
    documents: severalOf(v.union([text, v.object({ text })], 'must be a string, or an object with its text')),
    top_n: optional(integer(1)),
    return_documents: optional(v.boolean()),
  }),
);

/** One model, because results of two cannot be compared. */
function assertNoModels(given: JsonObject): void {
  if (given.models == null) return;
  throw invalid(
    'models',
    'results of different models cannot be compared, so that none stands in for another. Name one in model.',
  );
}

type SharedBody = Pick<v.InferOutput<typeof sharedSchema>, keyof typeof shared>;

function sharedOf(
  body: SharedBody,
  given: JsonObject,
  read: { readonly unknown: readonly string[]; readonly unknownInside: readonly string[] },
  kind: 'embedding' | 'rerank',
  context: CallContext,
) {
  if (!body.model) throw modelMissing();
  const unknown = read.unknown.filter((key) => key !== 'models');
  const { dropped, extra } = sortUnknownFields(given, unknown, kind);
  const routes = toRouting(body.provider ?? {});
  // The header asks for strict treatment, whatever the body says.
  if (context.strict) routes.requireParameters = true;
  const session = body.session_id || context.session;
  const models: readonly [string] = [body.model];
  return {
    id: context.id,
    models,
    routing: routes,
    unknownParameters: [...dropped, ...read.unknownInside],
    ...(extra ? { extra } : {}),
    ...(session ? { session } : {}),
    ...(context.timeoutMs === undefined ? {} : { timeoutMs: context.timeoutMs }),
  };
}

const inputsOf = (input: string | readonly (string | number | readonly number[])[]): readonly Prompt[] => {
  if (typeof input === 'string') return [input];
  const ids = input.filter((one) => typeof one === 'number');
  return ids.length > 0 ? [ids] : input.filter((one) => typeof one !== 'number');
};

/** A body of `POST /v1/embeddings`. Throws `invalid_request` naming the field. */
export function parseEmbeddings(raw: unknown, context: CallContext): EmbeddingCall {
  const { body, given, ...read } = embeddingsBody.read(raw);
  assertNoModels(given);
  return {
    kind: 'embedding',
    ...sharedOf(body, given, read, 'embedding', context),
    inputs: inputsOf(body.input),
    encoding: body.encoding_format ?? 'float',
    ...(body.dimensions == null ? {} : { dimensions: body.dimensions }),
    ...(body.input_type == null ? {} : { inputType: body.input_type }),
    ...(body.user == null ? {} : { user: body.user }),
  };
}

/** A body of `POST /v1/rerank`. Throws `invalid_request` naming the field. */
export function parseRerank(raw: unknown, context: CallContext): RerankCall {
  const { body, given, ...read } = rerankBody.read(raw);
  assertNoModels(given);
  return {
    kind: 'rerank',
    ...sharedOf(body, given, read, 'rerank', context),
    query: body.query,
    documents: body.documents.map((one) => (typeof one === 'string' ? one : one.text)),
    ...(body.top_n == null ? {} : { topN: body.top_n }),
    returnDocuments: body.return_documents ?? false,
  };
}

/** Whether a body asks for embeddings or a ranking; undefined for a body of another kind. */
export function retrievalKind(raw: unknown): 'embedding' | 'rerank' | undefined {
  if (!isObject(raw) || 'messages' in raw || 'prompt' in raw) return undefined;
  if ('documents' in raw) return 'rerank';
  return 'input' in raw ? 'embedding' : undefined;
}

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

const base64Of = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

function floatsInBase64(base64: string): Float32Array {
  // A copy, because a view of 32-bit floats must begin at a multiple of four.
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / FLOAT_BYTES));
}

/** A vector in the encoding that the caller asked for. Where the wire has the same, it is passed on as it is. */
function vectorJson(vector: Vector, encoding: VectorEncoding): string {
  if ('numbers' in vector) return encoding === 'float' ? vector.numbers : base64Of(floatsIn(vector.numbers));
  return encoding === 'base64' ? vector.base64 : floatsInBase64(vector.base64).join(',');
}

/** What every answer says about itself. */
export interface RetrievalEnvelope {
  readonly id: string;
  readonly model: string;
  readonly provider: string;
  readonly usage: Usage;
  readonly cost: WireCost;
  readonly debug?: Readonly<Record<string, unknown>>;
}

const usageOf = ({ usage, cost }: RetrievalEnvelope) => ({
  prompt_tokens: promptTokens(usage),
  total_tokens: promptTokens(usage),
  ...cost,
});

/** An answer's JSON. Vectors come as JSON already, and are not parsed to be written again. */
export function embeddingsAnswer(
  envelope: RetrievalEnvelope,
  vectors: readonly Vector[],
  encoding: VectorEncoding,
): string {
  const { id, model, provider, debug } = envelope;
  const rest = JSON.stringify({ model, usage: usageOf(envelope), id, provider, ...(debug ? { chasqui: debug } : {}) });
  const [open, close] = encoding === 'float' ? ['[', ']'] : ['"', '"'];
  const pieces = ['{"object":"list","data":['];
  for (const [index, vector] of vectors.entries()) {
    pieces.push(`${index === 0 ? '' : ','}{"object":"embedding","index":${index},"embedding":${open}`);
    pieces.push(vectorJson(vector, encoding), `${close}}`);
  }
  pieces.push(`],${rest.slice(1)}`);
  return pieces.join('');
}

export function rerankAnswer(
  envelope: RetrievalEnvelope,
  results: readonly RankedDocument[],
  { documents, returnDocuments, topN }: RerankCall,
): Record<string, unknown> {
  const { id, model, provider, debug } = envelope;
  return {
    id,
    object: 'rerank',
    model,
    provider,
    results: results.slice(0, topN).map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(returnDocuments ? { document: { text: documents[index] } } : {}),
    })),
    usage: usageOf(envelope),
    ...(debug ? { chasqui: debug } : {}),
  };
}
