import type { Ask, Tool, Turn } from '../brain/index.ts';
import { PLAIN, readPrompt } from '../brain/index.ts';
import { isJson, type Json, list, number, object, strings, text } from '../json.ts';

const ROLES: Readonly<Record<string, Turn['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};

const contentOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((part) => text(object(part).text))
        .join('');

function turnsOf(messages: readonly unknown[]): Turn[] {
  const names = new Map<string, string>();
  return messages.filter(isJson).map((message) => {
    for (const call of list(message.tool_calls)) {
      names.set(text(object(call).id), text(object(object(call).function).name));
    }
    const role = ROLES[text(message.role)] ?? 'user';
    const tool = names.get(text(message.tool_call_id));
    return { role, text: contentOf(message.content), ...(role === 'tool' && tool ? { tool } : {}) };
  });
}

const toolsOf = (tools: unknown): Tool[] =>
  list(tools).map((tool) => {
    const described = object(object(tool).function);
    return { name: text(described.name), parameters: object(described.parameters) };
  });

function choiceOf(choice: unknown): Ask['toolChoice'] {
  if (choice === 'none' || choice === 'required') return choice;
  const name = text(object(object(choice).function).name);
  return name ? { name } : 'auto';
}

function formatOf(format: unknown): Ask['format'] {
  const { type, json_schema: described, schema } = object(format);
  if (type === 'json_schema') return object(object(described).schema);
  // `schema` beside `json_object` is Together's older form.
  return type === 'json_object' ? (isJson(schema) ? schema : 'object') : undefined;
}

const samplingOf = (body: Json): Pick<Ask, 'temperature' | 'seed' | 'stop'> => ({
  temperature: number(body.temperature),
  seed: number(body.seed),
  stop: typeof body.stop === 'string' ? [body.stop] : strings(body.stop),
});

/** Models that think aloud first. */
export const reasons = (model: string): boolean => /gpt-oss|deepseek.?r1|thinking/i.test(model);

export const chatAsk = (body: Json): Ask => ({
  ...PLAIN,
  ...samplingOf(body),
  model: text(body.model),
  turns: turnsOf(list(body.messages)),
  maxTokens: number(body.max_completion_tokens) ?? number(body.max_tokens),
  tools: toolsOf(body.tools),
  toolChoice: choiceOf(body.tool_choice),
  parallelTools: body.parallel_tool_calls !== false,
  format: formatOf(body.response_format),
  reasons: reasons(text(body.model)),
});

export const completionAsk = (body: Json, prompt: string): Ask => ({
  ...PLAIN,
  ...samplingOf(body),
  ...readPrompt(prompt),
  model: text(body.model),
  // OpenAI's default for this route, which both servers took over.
  maxTokens: number(body.max_tokens) ?? 16,
});

/** How many choices are asked for. */
export const countOf = (body: Json): number => Math.min(128, Math.max(1, number(body.n) ?? 1));
