import { type Ask, PLAIN, type Reply, type Tool, type Turn, think } from '../brain/index.ts';
import { recordPrompt } from '../control/journal.ts';
import { chatPrompt, tokenizerOf } from '../count/index.ts';
import { isJson, type Json, list, number, object, strings, text } from '../json.ts';
import { reasons } from '../wire/openai-ask.ts';
import type { Answer, Exchange, Frame } from '../wire/types.ts';
import { chatOf, resultText, textsOf } from './chat.ts';
import { invalid, requestId, toolUseId } from './errors.ts';
import { event } from './eventstream.ts';
import type { Model } from './models.ts';
import { check } from './rules.ts';
import { formatOf } from './structured.ts';

function turnsOf(body: Json): Turn[] {
  const names = new Map<string, string>();
  const system = textsOf(body.system);
  const turns = list(body.messages).flatMap((message): Turn[] => {
    const { role, content } = object(message);
    for (const block of list(content)) {
      const use = object(object(block).toolUse);
      names.set(text(use.toolUseId), text(use.name));
    }
    const results = list(content).flatMap((block): Turn[] => {
      const result = object(block).toolResult;
      if (!isJson(result)) return [];
      const tool = names.get(text(result.toolUseId));
      return [{ role: 'tool', text: resultText(result.content), ...(tool ? { tool } : {}) }];
    });
    const said = textsOf(content);
    return [...(said ? [{ role: role === 'assistant' ? 'assistant' : 'user', text: said } as const] : []), ...results];
  });
  return system ? [{ role: 'system', text: system }, ...turns] : turns;
}

const toolsOf = (config: Json): Tool[] =>
  list(config.tools).map((tool) => {
    const spec = object(object(tool).toolSpec);
    return { name: text(spec.name), parameters: object(object(spec.inputSchema).json) };
  });

function toolChoiceOf(choice: Json): Ask['toolChoice'] {
  if (isJson(choice.tool)) return { name: text(choice.tool.name) };
  return isJson(choice.any) ? 'required' : 'auto';
}

function askOf(body: Json, model: Model): Ask {
  const config = object(body.inferenceConfig);
  const turns = turnsOf(body);
  const last = turns.at(-1);
  // A last turn of the assistant's is the beginning of its answer.
  const begun = last?.role === 'assistant' ? last.text : '';
  return {
    ...PLAIN,
    model: model.id,
    turns: begun ? turns.slice(0, -1) : turns,
    begun,
    temperature: number(config.temperature),
    maxTokens: number(config.maxTokens) ?? model.maxOutput,
    stop: strings(config.stopSequences),
    tools: toolsOf(object(body.toolConfig)),
    format: formatOf(body),
    toolChoice: toolChoiceOf(object(object(body.toolConfig).toolChoice)),
    reasons: reasons(model.id),
  };
}

const STOP = { end: 'end_turn', stop: 'stop_sequence', length: 'max_tokens', tools: 'tool_use' } as const;

const usageOf = (inputTokens: number, { completionTokens: outputTokens }: Reply) => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

function contentOf(reply: Reply): Json[] {
  const reasoning = reply.reasoning.join('');
  return [
    ...(reasoning ? [{ reasoningContent: { reasoningText: { text: reasoning } } }] : []),
    ...(reply.pieces.length > 0 ? [{ text: reply.pieces.join('') }] : []),
    ...reply.toolUses.map(({ name, input }) => ({
      toolUse: { toolUseId: toolUseId(), name, input: JSON.parse(input) },
    })),
  ];
}

/** Text blocks have no start, tool blocks have; the stop comes before the usage. */
function* framesOf(reply: Reply, inputTokens: number): Generator<Frame> {
  let contentBlockIndex = 0;
  yield { data: event('messageStart', { role: 'assistant' }) };
  const delta = (given: Json): Frame => ({
    data: event('contentBlockDelta', { contentBlockIndex, delta: given }),
    tokens: 1,
  });
  const stop = (): Frame => ({ data: event('contentBlockStop', { contentBlockIndex: contentBlockIndex++ }) });
  if (reply.reasoning.length > 0) {
    for (const piece of reply.reasoning) yield delta({ reasoningContent: { text: piece } });
    yield stop();
  }
  if (reply.pieces.length > 0) {
    for (const piece of reply.pieces) yield delta({ text: piece });
    yield stop();
  }
  for (const { name, input } of reply.toolUses) {
    yield {
      data: event('contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId: toolUseId(), name } } }),
    };
    for (let from = 0; from < input.length; from += 8) yield delta({ toolUse: { input: input.slice(from, from + 8) } });
    yield stop();
  }
  yield { data: event('messageStop', { stopReason: STOP[reply.finish] }), terminal: true };
  const metrics = { latencyMs: 12 + reply.completionTokens };
  yield { data: event('metadata', { usage: usageOf(inputTokens, reply), metrics }), terminal: true };
}

export async function converse(
  { json, entry }: Pick<Exchange, 'json' | 'entry'>,
  model: Model,
  streaming: boolean,
): Promise<Answer> {
  const refusal = check(json, model, streaming);
  if (refusal) return refusal;
  const body = object(json);
  const ask = askOf(body, model);
  const tokenizer = await tokenizerOf(model.id);
  const prompt = chatPrompt(tokenizer, chatOf(body), turnsOf(body));
  const inputTokens = prompt.tokens;
  recordPrompt(entry, prompt, inputTokens);
  if (inputTokens > model.context) {
    return invalid(
      `The model returned the following errors: This model's maximum context length is ${model.context} tokens. Please reduce the length of the prompt`,
    );
  }
  const reply = think(ask, tokenizer.split);
  const id = { 'x-amzn-requestid': requestId() };
  if (streaming) {
    const headers = { 'content-type': 'application/vnd.amazon.eventstream', ...id };
    return { kind: 'stream', headers, frames: framesOf(reply, inputTokens) };
  }
  return {
    kind: 'json',
    status: 200,
    headers: id,
    tokens: reply.completionTokens,
    body: {
      metrics: { latencyMs: 12 + reply.completionTokens },
      output: { message: { content: contentOf(reply), role: 'assistant' } },
      stopReason: STOP[reply.finish],
      usage: usageOf(inputTokens, reply),
    },
  };
}
