/**
 * What a caller asks of models that write nothing: embeddings, and the order of documents by how well they match a
 * query. A dialect parses into one of these calls, as it does for `Call`.
 */
import type { Prompt, Rights, Routing } from './call.ts';
import type { Family } from './descriptor.ts';

interface RetrievalCallBase {
  /** `gen-…`: the id of the answer and of its receipt. */
  readonly id: string;
  /** One model: vectors of different models cannot be compared. */
  readonly models: readonly [string];
  readonly routing: Routing;
  /** Absent: everything. */
  readonly rights?: Rights;
  readonly session?: string;
  /** Milliseconds for the whole call, all attempts included. */
  readonly timeoutMs?: number;
  /** Fields of the request that no provider is sent, by path. */
  readonly unknownParameters: readonly string[];
  /** Unknown top-level fields, unchanged. Only a self-hosted server is sent them. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** How a caller wants vectors written: as numbers, or as base64 of little-endian 32-bit floats. */
export type VectorEncoding = 'float' | 'base64';

export interface EmbeddingCall extends RetrievalCallBase {
  readonly kind: 'embedding';
  /** At least one. Token ids are of the model's own tokenizer. */
  readonly inputs: readonly Prompt[];
  /** Length of the vectors, where the model has several. */
  readonly dimensions?: number;
  readonly encoding: VectorEncoding;
  /** Cohere's word for what the texts are: `search_document`, `search_query`. */
  readonly inputType?: string;
  readonly user?: string;
}

export interface RerankCall extends RetrievalCallBase {
  readonly kind: 'rerank';
  readonly query: string;
  /** At least one. */
  readonly documents: readonly string[];
  /** How many of the best to return. Absent: all. */
  readonly topN?: number;
  readonly returnDocuments: boolean;
}

export type RetrievalCall = EmbeddingCall | RerankCall;

interface RetrievalJobBase {
  /** The provider's own id of the model. */
  readonly model: string;
  readonly service?: string;
  readonly family: Family;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Some of a call's inputs, as many as the wire takes in one request. */
export interface EmbeddingJob extends RetrievalJobBase {
  readonly kind: 'embedding';
  readonly inputs: readonly string[];
  readonly dimensions?: number;
  /** What the caller wants: a wire that has both answers in this one, which saves a conversion. */
  readonly encoding: VectorEncoding;
  readonly inputType?: string;
  readonly user?: string;
}

export interface RerankJob extends RetrievalJobBase {
  readonly kind: 'rerank';
  readonly query: string;
  readonly documents: readonly string[];
  readonly topN?: number;
}

/**
 * A vector as its wire wrote it, which is passed on without being read: the numbers as JSON, without brackets, or
 * base64 of little-endian 32-bit floats.
 */
export type Vector = { readonly numbers: string } | { readonly base64: string };

interface RetrievalAnswer {
  /** Tokens the provider bills, where it says so. */
  readonly promptTokens?: number;
  /** The provider's id for this request, for its support. */
  readonly upstreamId?: string;
}

export interface Embeddings extends RetrievalAnswer {
  /** One for each input of the job, in their order. */
  readonly vectors: readonly Vector[];
}

/** How well one document matches. Higher is better; models differ in their scale. */
export interface RankedDocument {
  /** Its place in the job's `documents`. */
  readonly index: number;
  readonly score: number;
}

export interface Ranking extends RetrievalAnswer {
  /** The best first. */
  readonly results: readonly RankedDocument[];
}
