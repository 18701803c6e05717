import type { Chat, Message } from '../count/index.ts';
import { isJson, type Json, list, object, text } from '../json.ts';

export const textsOf = (blocks: unknown): string =>
  list(blocks)
    .map((block) => text(object(block).text))
    .join('');

export const resultText = (content: unknown): string =>
  list(content)
    .map((part) => ('json' in object(part) ? JSON.stringify(object(part).json) : text(object(part).text)))
    .join('');

const held = (content: unknown, kind: 'toolUse' | 'toolResult'): Json[] =>
  list(content).flatMap((block) => {
    const value = object(block)[kind];
    return isJson(value) ? [value] : [];
  });

function messagesOf(message: unknown): Message[] {
  const { role, content } = object(message);
  const said = textsOf(content);
  const calls = held(content, 'toolUse').map(({ toolUseId, name, input }) => ({
    id: text(toolUseId),
    function: { name: text(name), arguments: object(input) },
    written: JSON.stringify(input),
  }));
  const results = held(content, 'toolResult').map((result) => ({
    role: 'tool',
    content: resultText(result.content),
    tool_call_id: text(result.toolUseId),
  }));
  if (calls.length > 0) return [{ role: 'assistant', content: said, tool_calls: calls }];
  return [...results, ...(said === '' && results.length > 0 ? [] : [{ role: text(role), content: said }])];
}

const toolOf = (tool: unknown): Json => {
  const { name, description, inputSchema, strict } = object(object(tool).toolSpec);
  // A template writes what is there, were it undefined.
  const described = description === undefined ? {} : { description };
  const enforced = strict === undefined ? {} : { strict };
  return { type: 'function', function: { name, ...described, parameters: object(inputSchema).json, ...enforced } };
};

/** A Converse request in the words of chat templates. A last message of the assistant's is the beginning of the answer. */
export function chatOf(body: Json): Chat {
  const system = textsOf(body.system);
  const messages = list(body.messages).flatMap(messagesOf);
  const last = messages.at(-1);
  return {
    messages: system ? [{ role: 'system', content: system }, ...messages] : messages,
    tools: list(object(body.toolConfig).tools).map(toolOf),
    begun: last?.role === 'assistant' && last.tool_calls === undefined,
  };
}
