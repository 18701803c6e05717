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
};
export { type CodexModel, codexModel } from './models.ts';
