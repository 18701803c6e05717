/** Anthropic's Messages API. */
import type { Dialect } from '../dialect.ts';
import { messageAnswer } from './answer.ts';
import { messagesError } from './errors.ts';
import { type MessagesRequest, parseMessages } from './request.ts';
import { messageStream } from './stream.ts';

/** `POST /v1/messages` */
export const messagesDialect: Dialect<MessagesRequest> = {
  parse: parseMessages,
  answer: messageAnswer,
  stream: messageStream,
  error: messagesError,
  countsFirst: true,
};

export type { Envelope } from '../dialect.ts';
export { messagesError } from './errors.ts';
export { type AboutModel, modelInfo, modelList, pageOf } from './models.ts';
export { type MessagesRequest, parseCount, parseMessages } from './request.ts';
