import type { Chat, Message } from '../count/index.ts';
import { isJson, type Json, list, object, parse, text } from '../json.ts';

/** vLLM joins the text parts of a message with one line break. */
const contentOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((part) => text(object(part).text))
        .filter((part) => part !== '')
        .join('\n');

/** Templates take a call's arguments as an object, which the wire has as JSON text. */
const callOf = (call: unknown) => {
  const { name, arguments: given } = object(object(call).function);
  return { function: { name: text(name), arguments: object(parse(text(given))) } };
};

function messageOf({ role, content, tool_calls: calls }: Json): Message {
  const called = list(calls).map(callOf);
  return { role: text(role), content: contentOf(content), ...(called.length > 0 ? { tool_calls: called } : {}) };
}

/** A chat request as its server gives it to the template: a last message of the assistant's is closed like any other. */
export const chatOf = (body: Json): Chat => ({
  messages: list(body.messages).filter(isJson).map(messageOf),
  tools: list(body.tools).filter(isJson),
  begun: false,
});
