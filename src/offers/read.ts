import { type ChatCall, type ChatParts, type ChatRead, type Message, type Provider, textOf } from '../core/index.ts';
import type { Facts } from './facts.ts';

const isPlain = (message: Message): boolean =>
  message.role !== 'tool' && !(message.role === 'assistant' && message.toolCalls?.length);

const isSame = (one: Message, other: Message | undefined): boolean =>
  other !== undefined &&
  one.role === other.role &&
  isPlain(one) &&
  isPlain(other) &&
  textOf(one.content) === textOf(other.content);

/** Whether nothing changed on the way, as far as can be told at a glance: most chats have no tools. */
const isUnchanged = (read: ChatRead, given: ChatRead): boolean =>
  read.tools.length === 0 &&
  given.tools.length === 0 &&
  read.messages.length === given.messages.length &&
  read.messages.every((message, at) => isSame(message, given.messages[at]));

/**
 * What the model gets to read of a chat that its provider renders. The very chat where that is all of it, so that offers
 * can share what is made of it.
 */
export function readBy(
  reads: Provider['reads'],
  { toolChoice, responseFormat }: ChatCall,
  { family, systemRole, structured }: Facts,
  api: ChatParts['api'],
  given: ChatRead,
): ChatRead {
  if (!reads) return given;
  const { messages, tools } = given;
  const read = reads({
    api,
    family,
    systemRole,
    structured,
    messages,
    tools,
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  });
  return (read.messages === messages && read.tools === tools) || isUnchanged(read, given) ? given : read;
}
