import type { Ask, Tool, Turn } from '../brain/index.ts';
import { PLAIN, readPrompt } from '../brain/index.ts';
import { isJson, type Json, list, number, object, parse, strings, text } from '../json.ts';

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

/** A schema as vLLM's own fields have it: an object, or its JSON text. */
const schemaIn = (value: unknown): Json | undefined => {
  const schema = typeof value === 'string' ? parse(value) : value;
  return isJson(schema) ? schema : undefined;
};

function formatOf(body: Json): Ask['format'] {
  // vLLM's, in its newer and its older form: https://docs.vllm.ai/en/latest/features/structured_outputs.html
  const own = schemaIn(object(body.structured_outputs).json) ?? schemaIn(body.guided_json);
  if (own) return own;
  const { type, json_schema: described, schema } = object(body.response_format);
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
export const reasons = (model: string): boolean => /gpt-oss|deepseek.?(?:r1|v4)|kimi-k[3-9]|thinking/i.test(model);

export const chatAsk = (body: Json): Ask => ({
  ...PLAIN,
  ...samplingOf(body),
  model: text(body.model),
  turns: turnsOf(list(body.messages)),
  maxTokens: number(body.max_completion_tokens) ?? number(body.max_tokens),
  tools: toolsOf(body.tools),
  toolChoice: choiceOf(body.tool_choice),
  parallelTools: body.parallel_tool_calls !== false,
  format: formatOf(body),
  reasons: reasons(text(body.model)) && object(body.chat_template_kwargs).enable_thinking !== false,
});

export const completionAsk = (body: Json, prompt: string): Ask => ({
  ...PLAIN,
  ...samplingOf(body),
  ...readPrompt(prompt),
  model: text(body.model),
  // OpenAI's default for this route, which both servers took over.
  maxTokens: number(body.max_tokens) ?? 16,
});

/** Models that see images. */
const SEES =
  /vision|[-_]vl\b|vl-|llama-?4|llava|pixtral|gemma-?3|mistral-(?:small|large|medium)-3|ministral-3|kimi-k(?:2\.5|3)|glm-\d(?:\.\d)?v|qwen3\.[5-9]/i;

/** Whether a request shows an image to a model that sees none. */
export const isBlindTo = (body: Json): boolean =>
  !SEES.test(text(body.model)) &&
  list(body.messages).some((message) =>
    list(object(message).content).some((part) => text(object(part).type).startsWith('image')),
  );

/** How many choices are asked for. */
export const countOf = (body: Json): number => Math.min(128, Math.max(1, number(body.n) ?? 1));
