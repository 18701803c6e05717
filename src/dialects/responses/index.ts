/** OpenAI's Responses API, without its storage. */
import type { Dialect } from '../dialect.ts';
import { errorAnswer } from '../openai/answer.ts';
import { responseAnswer } from './answer.ts';
import { parseResponses, type ResponsesRequest } from './request.ts';
import { responseStream } from './stream.ts';

/** `POST /v1/responses` */
export const responsesDialect: Dialect<ResponsesRequest> = {
  parse: parseResponses,
  answer: responseAnswer,
  stream: responseStream,
  error: errorAnswer,
  // Codex shortens a conversation that has become too long only if a stream says so. To any other client a stream
  // that has begun is a call that has succeeded.
  failsInStream: ({ fromCodex }, { code }) => fromCodex && code === 'context_length_exceeded',
};
export { type CodexModel, codexModel } from './models.ts';
export { parseResponses } from './request.ts';
