/** OpenAI's API: chat completions and the legacy completions, each a dialect. */
import type { Dialect } from '../dialect.ts';
import { chatAnswer, completionAnswer, errorAnswer } from './answer.ts';
import { type ChatRequest, type CompletionRequest, parseChat, parseCompletion } from './request.ts';
import { chatStream, completionStream } from './stream.ts';

const noEcho = (): string => '';

/** `POST /v1/chat/completions` */
export const chatDialect: Dialect<ChatRequest> = {
  parse: parseChat,
  answer: (request, envelope, events) => chatAnswer(envelope, events, request.call.n, request),
  stream: (request, envelope) => chatStream(envelope, request),
  error: errorAnswer,
};

/** `POST /v1/completions` */
export const completionDialect: Dialect<CompletionRequest> = {
  parse: parseCompletion,
  answer: ({ call }, envelope, events) =>
    completionAnswer(envelope, events, call.prompts.length * call.n, envelope.echo ?? noEcho),
  stream: ({ includeUsage }, envelope) => completionStream(envelope, { includeUsage, echoes: envelope.echo ?? noEcho }),
  error: errorAnswer,
};

export {
  type CallContext,
  type Dialect,
  type Envelope,
  type ErrorForm,
  MAX_SESSION,
  type ParsedRequest,
  type StreamEncoder,
  toAlternatives,
  toCost,
  type WireCost,
  type WireVoteResult,
} from '../dialect.ts';
export { budgetJson, changedBudget, changedSettings, readNewKey, settingsJson } from '../key-body.ts';
export { readRouting } from '../routing.ts';
export { invalid } from '../validation.ts';
export { chatAnswer, completionAnswer, type ErrorBody, errorAnswer, errorBody } from './answer.ts';
export { parseCall, parseChat, parseCompletion } from './request.ts';
export {
  embeddingsAnswer,
  parseEmbeddings,
  parseRerank,
  type RetrievalEnvelope,
  rerankAnswer,
  retrievalKind,
} from './retrieval.ts';
export { chatStream, completionStream } from './stream.ts';
export { parseCountText, parseDetokenize, parseTokenize, type TokenizeRequest } from './token-requests.ts';
