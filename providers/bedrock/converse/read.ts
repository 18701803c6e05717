import type { ContentBlock, ToolResultContentBlock, Message as WireMessage } from '@aws-sdk/client-bedrock-runtime';
import type { ChatParts, ChatRead, Message, Tool } from '../../../src/core/index.ts';
import { conversation } from './request.ts';

const textIn = (blocks: readonly (ContentBlock | ToolResultContentBlock)[]): string =>
  blocks.map(({ text }) => text ?? '').join('');

/** One turn as messages: results each as their own, before what else the user says. */
function messagesOf({ role, content = [] }: WireMessage): Message[] {
  const text = textIn(content);
  if (role === 'assistant') {
    const toolCalls = content.flatMap(({ toolUse }) =>
      toolUse
        ? [{ id: toolUse.toolUseId ?? '', name: toolUse.name ?? '', arguments: JSON.stringify(toolUse.input) }]
        : [],
    );
    return [{ role, content: text, ...(toolCalls.length > 0 ? { toolCalls } : {}) }];
  }
  const results = content.flatMap(({ toolResult }): Message[] =>
    toolResult
      ? [{ role: 'tool', content: textIn(toolResult.content ?? []), toolCallId: toolResult.toolUseId ?? '' }]
      : [],
  );
  return text === '' ? results : [...results, { role: 'user', content: text }];
}

/**
 * What the model reads of a chat on Converse, which is what Bedrock counts: the very request, read back. Texts alone; an
 * image has none.
 */
export function converseReads(chat: ChatParts): ChatRead {
  const { messages, system, toolConfig } = conversation(chat);
  const tools = (toolConfig?.tools ?? []).flatMap(({ toolSpec }): Tool[] => {
    if (!toolSpec) return [];
    const { name = '', description, inputSchema } = toolSpec;
    const schema = inputSchema?.json as Tool['parameters'];
    return [
      {
        name,
        ...(description === undefined ? {} : { description }),
        ...(schema === undefined ? {} : { parameters: schema }),
      },
    ];
  });
  const said = messages.flatMap(messagesOf);
  return { messages: system ? [{ role: 'system', content: system }, ...said] : said, tools };
}
