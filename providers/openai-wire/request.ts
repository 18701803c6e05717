import type {
  ArrangedChat,
  ChatJob,
  ChatParts,
  Job,
  PromptJob,
  ResponseFormat,
  Sampling,
  Tool,
  ToolChoice,
} from '../../src/core/index.ts';
import type { WireDialect } from './dialect.ts';
import { sentMessages, wireMessages } from './messages.ts';

/** What to post, and below the base URL where. */
export interface WireRequest {
  readonly path: '/chat/completions' | '/completions';
  readonly body: Readonly<Record<string, unknown>>;
}

/** Our name of a sampling parameter to the wire's. `logprobs` and thinking are not here: their form differs by server. */
const SAMPLING: readonly (readonly [
  ours: Exclude<keyof Sampling, 'logprobs' | 'thinking' | 'reasoningEffort'>,
  wire: string,
])[] = [
  ['temperature', 'temperature'],
  ['topP', 'top_p'],
  ['topK', 'top_k'],
  ['minP', 'min_p'],
  ['seed', 'seed'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['presencePenalty', 'presence_penalty'],
  ['repetitionPenalty', 'repetition_penalty'],
  ['logitBias', 'logit_bias'],
  ['parallelToolCalls', 'parallel_tool_calls'],
  ['user', 'user'],
];

function wireThinking({ reasoningEffort: effort, thinking }: Sampling, dialect: WireDialect): Record<string, unknown> {
  if (!dialect.thinkingSwitch) return effort === undefined ? {} : { reasoning_effort: effort };
  const enabled = effort === 'none' ? false : thinking;
  return {
    ...(effort === undefined || effort === 'none' ? {} : { reasoning_effort: effort }),
    ...(enabled === undefined ? {} : { reasoning: { enabled } }),
  };
}

function wireSampling(sampling: Sampling, dialect: WireDialect): Record<string, unknown> {
  const body: Record<string, unknown> = wireThinking(sampling, dialect);
  for (const [ours, wire] of SAMPLING) if (sampling[ours] !== undefined) body[wire] = sampling[ours];
  return body;
}

const wireTool = (tool: Tool): unknown => ({
  type: 'function',
  function: {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    ...(tool.parameters === undefined ? {} : { parameters: tool.parameters }),
    ...(tool.strict === undefined ? {} : { strict: tool.strict }),
  },
});

const wireToolChoice = (choice: ToolChoice): unknown =>
  typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } };

function wireFormat(format: ResponseFormat): unknown {
  if (format.type !== 'json_schema') return { type: format.type };
  const { type, ...schema } = format;
  return { type, json_schema: schema };
}

const toolsOf = (chat: ChatParts, dialect: WireDialect): readonly Tool[] =>
  chat.toolChoice === 'none' && dialect.toolChoiceNone === 'leave-tools-out' ? [] : chat.tools;

/** What the model reads of a chat on this wire. How an answer is formatted is enforced, not told. */
export const wireReads =
  (dialect: WireDialect) =>
  (chat: ChatParts): ArrangedChat => ({ messages: sentMessages(chat), tools: toolsOf(chat, dialect) });

function chatFields(job: ChatJob, dialect: WireDialect): Record<string, unknown> {
  const tools = toolsOf(job, dialect);
  const k = job.sampling.logprobs;
  return {
    messages: wireMessages(job, dialect),
    ...(tools.length ? { tools: tools.map(wireTool) } : {}),
    ...(tools.length && job.toolChoice !== undefined ? { tool_choice: wireToolChoice(job.toolChoice) } : {}),
    ...(job.responseFormat ? { response_format: wireFormat(job.responseFormat) } : {}),
    ...(k === undefined
      ? {}
      : dialect.chatLogprobs === 'integer'
        ? { logprobs: Math.max(1, k) }
        : // llama.cpp reads a `top_logprobs` of 0 as none at all.
          { logprobs: true, ...(k > 0 ? { top_logprobs: k } : {}) }),
  };
}

/** The legacy API's `logprobs` is an integer everywhere, and where zero is off (Together) one alternative is asked for. */
const promptFields = (
  { prompt, promptIds, echo, sampling }: PromptJob,
  dialect: WireDialect,
): Record<string, unknown> => {
  const k = sampling.logprobs;
  return {
    prompt: promptIds ?? prompt,
    ...(echo ? { echo } : {}),
    ...(k === undefined ? {} : { logprobs: dialect.chatLogprobs === 'integer' ? Math.max(1, k) : k }),
  };
};

function extraFields({ extra, kind }: Job, { sendsExtra }: WireDialect): Readonly<Record<string, unknown>> {
  if (!extra || sendsExtra === 'all') return extra ?? {};
  // What is known by name belongs to chats.
  return kind === 'chat' ? Object.fromEntries(Object.entries(extra).filter(([name]) => sendsExtra.includes(name))) : {};
}

/**
 * A job as an OpenAI-shaped request. Only what the caller set is in it: the wire has no hidden default of ours.
 * Field names: OpenAI's API reference; `top_k`, `min_p`, `repetition_penalty` as vLLM and Together name them.
 */
export function wireRequest(job: Job, dialect: WireDialect): WireRequest {
  const chat = job.kind === 'chat';
  const stream = job.stream && (!chat || job.toolStreaming || toolsOf(job, dialect).length === 0);
  const usage = stream && (chat ? dialect.askStreamUsage.chat : dialect.askStreamUsage.completions);
  return {
    path: chat ? '/chat/completions' : '/completions',
    body: {
      ...extraFields(job, dialect),
      model: job.model,
      ...(chat ? chatFields(job, dialect) : promptFields(job, dialect)),
      ...wireSampling(job.sampling, dialect),
      ...(job.maxTokens === undefined ? {} : { max_tokens: job.maxTokens }),
      ...(job.stop.length ? { stop: job.stop } : {}),
      ...(job.n > 1 ? { n: job.n } : {}),
      ...(stream ? { stream: true } : {}),
      ...(usage ? { stream_options: { include_usage: true } } : {}),
    },
  };
}
