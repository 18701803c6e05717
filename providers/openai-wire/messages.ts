import { type ChatParts, type Content, type Message, textOf } from '../../src/core/index.ts';
import type { WireDialect } from './dialect.ts';
import type { ReasoningField } from './upstream.ts';

/** Between system prompts that become one, and between them and what the user said. */
const PARAGRAPH = '\n\n';

/**
 * Text goes as one string even if it came in parts: servers join parts in different ways (vLLM puts newlines
 * between them), and chat templates of older models take strings only.
 */
function wireContent(content: Content): unknown {
  if (typeof content === 'string') return content;
  if (content.every((part) => part.type === 'text')) return textOf(content);
  return content.map((part) =>
    part.type === 'text'
      ? { type: 'text', text: part.text }
      : {
          type: 'image_url',
          image_url: { url: part.url, ...(part.detail === undefined ? {} : { detail: part.detail }) },
        },
  );
}

/** An assistant's message, with what was thought before it: an empty thought is sent too, where a model refuses none. */
function wireMessage(message: Message, thoughtFields: readonly ReasoningField[]): unknown {
  const content = wireContent(message.content);
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content };
  const name = message.name === undefined ? {} : { name: message.name };
  const thought = message.role === 'assistant' ? message.reasoning : undefined;
  const thoughts = thought === undefined ? {} : Object.fromEntries(thoughtFields.map((field) => [field, thought]));
  if (message.role !== 'assistant' || !message.toolCalls?.length) {
    return { role: message.role, ...name, content, ...thoughts };
  }
  return {
    role: 'assistant',
    ...name,
    content: content === '' ? null : content,
    ...thoughts,
    tool_calls: message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    })),
  };
}

/** Puts what the system said in front of what the user first said, for models whose template has no system role. */
function foldSystem(messages: readonly Message[]): readonly Message[] {
  const system = messages.filter((message) => message.role === 'system').map((message) => textOf(message.content));
  if (system.length === 0) return messages;
  const rest = messages.filter((message) => message.role !== 'system');
  const first = rest.findIndex((message) => message.role === 'user');
  const user = rest[first];
  if (!user) return [{ role: 'user', content: system.join(PARAGRAPH) }, ...rest];
  const content: Content =
    typeof user.content === 'string'
      ? [...system, user.content].join(PARAGRAPH)
      : [{ type: 'text', text: system.join(PARAGRAPH) + PARAGRAPH }, ...user.content];
  return rest.with(first, { ...user, content });
}

/** The messages of a chat as they are sent. */
export const sentMessages = ({ systemRole, messages }: ChatParts): readonly Message[] =>
  systemRole ? messages : foldSystem(messages);

/** `messages` of a chat request. */
export const wireMessages = (chat: ChatParts, { thoughtFields }: WireDialect): unknown[] =>
  sentMessages(chat).map((message) => wireMessage(message, thoughtFields));
