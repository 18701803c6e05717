/**
 * Embeddings and reranking over OpenAI's wire, as Together, vLLM and llama.cpp have them: one request, and its
 * answer.
 */
import {
  type EmbeddingJob,
  type Embeddings,
  isObject,
  type RankedDocument,
  type Ranking,
  type RerankJob,
  type Vector,
} from '../../src/core/index.ts';
import { cutEmbeddings } from '../http/index.ts';
import { type Endpoint, post, readJsonText } from './endpoint.ts';
import { errorIn, foreignAnswer, requestId, type Upstream } from './errors.ts';
import { count, filled, parseJson } from './response-fields.ts';

/** What of a job a server's request has. */
export interface RetrievalWire {
  /** It takes `dimensions`, `encoding_format`, `user` and fields of its own. Otherwise model and texts alone. */
  readonly takesAll: boolean;
}

/** The vectors of an answer's `data`, in the order of their `index`. Undefined where it is none. */
function vectorsIn(data: unknown, cut: readonly Vector[], expected: number): Vector[] | undefined {
  if (!Array.isArray(data) || data.length !== expected) return undefined;
  const vectors: Vector[] = new Array(expected);
  let filledIn = 0;
  for (const [at, row] of data.entries()) {
    const { embedding, index = at } = isObject(row) ? row : {};
    if (typeof index !== 'number' || index in vectors || !(index >= 0 && index < expected)) return undefined;
    const vector = typeof embedding === 'number' ? cut[embedding] : undefined;
    if (!vector) return undefined;
    vectors[index] = vector;
    filledIn++;
  }
  return filledIn === expected ? vectors : undefined;
}

/** Tokens billed: of a request without output the total is the prompt's. */
function tokensIn(usage: unknown): number | undefined {
  if (!isObject(usage)) return undefined;
  const tokens = count(usage.prompt_tokens) ?? count(usage.total_tokens);
  // A server that does not count sends zeros.
  return tokens === 0 ? undefined : tokens;
}

const idOf = (response: Response): { readonly upstreamId?: string } => {
  const upstreamId = requestId(response.headers);
  return upstreamId === undefined ? {} : { upstreamId };
};

export async function embedAt(
  at: Endpoint,
  job: EmbeddingJob,
  upstream: Upstream,
  { takesAll }: RetrievalWire,
  signal: AbortSignal,
): Promise<Embeddings> {
  const { model, inputs, dimensions, encoding, user, inputType, extra } = job;
  const body = {
    ...(takesAll ? extra : {}),
    model,
    input: inputs,
    ...(takesAll && dimensions !== undefined ? { dimensions } : {}),
    ...(takesAll && encoding === 'base64' ? { encoding_format: encoding } : {}),
    ...(takesAll && user !== undefined ? { user } : {}),
    ...(takesAll && inputType !== undefined ? { input_type: inputType } : {}),
  };
  const response = await post(at, '/embeddings', body, upstream, signal);
  const { json, vectors: cut } = cutEmbeddings(await readJsonText(response, signal, upstream));
  const parsed = parseJson(json)?.value;
  const error = errorIn(parsed, upstream);
  if (error) throw error;
  const answer = isObject(parsed) ? parsed : {};
  const vectors = vectorsIn(answer.data, cut, inputs.length);
  if (!vectors)
    throw foreignAnswer(`${upstream.name} answered with something that is no list of embeddings.`, parsed, upstream);
  const promptTokens = tokensIn(answer.usage);
  return { vectors, ...(promptTokens === undefined ? {} : { promptTokens }), ...idOf(response) };
}

/** The documents of a ranking, the best first. Undefined where it is none. */
function resultsIn(results: unknown, documents: number): RankedDocument[] | undefined {
  if (!Array.isArray(results)) return undefined;
  const ranked: RankedDocument[] = [];
  const seen = new Set<number>();
  for (const row of results) {
    const { index, relevance_score: score } = isObject(row) ? row : {};
    const known = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < documents;
    if (!known || seen.has(index) || typeof score !== 'number') return undefined;
    seen.add(index);
    ranked.push({ index, score });
  }
  return ranked.sort((a, b) => b.score - a.score);
}

export async function rerankAt(
  at: Endpoint,
  { model, query, documents, topN, extra }: RerankJob,
  upstream: Upstream,
  { takesAll }: RetrievalWire,
  signal: AbortSignal,
): Promise<Ranking> {
  const body = {
    ...(takesAll ? extra : {}),
    model,
    query,
    documents,
    ...(topN === undefined ? {} : { top_n: topN }),
  };
  const response = await post(at, '/rerank', body, upstream, signal);
  const parsed = parseJson(await readJsonText(response, signal, upstream))?.value;
  const error = errorIn(parsed, upstream);
  if (error) throw error;
  const answer = isObject(parsed) ? parsed : {};
  const results = resultsIn(answer.results, documents.length);
  const wanted = Math.min(topN ?? documents.length, documents.length);
  if (!results || results.length < wanted) {
    throw foreignAnswer(`${upstream.name} answered with something that is no ranking.`, parsed, upstream);
  }
  const promptTokens = tokensIn(answer.usage);
  const upstreamId = idOf(response).upstreamId ?? filled(answer.id);
  return {
    results,
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(upstreamId === undefined ? {} : { upstreamId }),
  };
}
