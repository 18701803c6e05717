/**
 * Builds the request that a server with an OpenAI API gets. It holds only what the caller set: no hidden defaults.
 * Field names are OpenAI's; `top_k`, `min_p` and `repetition_penalty` are vLLM's and Together's.
 */
import {
  type ArrangedChat,
  type ChatJob,
  type ChatParts,
  type Content,
  type ContentPart,
  type Job,
  type Message,
  type PromptJob,
  type ResponseFormat,
  SAMPLING_NAMES,
  type Sampling,
  type Tool,
  type ToolChoice,
  textOf,
  toolIdForm,
  withToolIds,
} from '../../src/core/index.ts';
import type { ReasoningField, Upstream } from './errors.ts';

/** How a server differs from OpenAI in what it takes. Each provider states its own. */
export interface ServerProfile extends Upstream {
  /** How chat asks for log probabilities: OpenAI's `logprobs: true, top_logprobs: k`, or one integer. */
  readonly chatLogprobs: 'flag-and-top' | 'integer';
  /** What to do with `tool_choice: "none"`. A server that does not know it gets no tools. */
  readonly toolChoiceNone: 'send' | 'leave-tools-out';
  /** Whether a stream only ends with its usage if `stream_options.include_usage` is sent. */
  readonly askStreamUsage: { readonly chat: boolean; readonly completions: boolean };
  /** Fields in which an assistant's earlier reasoning goes back. */
  readonly reasoningFields: readonly ReasoningField[];
  /** Which fields that the gateway does not know are sent on: all of them to a self-hosted server, or these. */
  readonly sendsExtra: 'all' | readonly string[];
  /** Thinking is turned on and off by `reasoning: {enabled}`, and `reasoning_effort` has no `none`. */
  readonly thinkingSwitch: boolean;
}

/** Between system prompts that are joined, and between them and the user's text. */
const PARAGRAPH = '\n\n';

/**
 * Text parts are sent as one string. Servers join parts in different ways (vLLM puts newlines between them), and the
 * prompt templates of older models only take strings.
 */
function wireContent(content: Content): unknown {
  if (typeof content === 'string') return content;
  if (content.every((part) => part.type === 'text')) return textOf(content);
  // No server of this API is known to read files, so no chat with one comes here.
  return content.flatMap((part): readonly unknown[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    if (part.type === 'file') return [];
    const { url, detail } = part;
    return [{ type: 'image_url', image_url: { url, ...(detail === undefined ? {} : { detail }) } }];
  });
}

/** A message as it is sent. Empty reasoning is sent too, because some models refuse a message without the field. */
function wireMessage(message: Message, reasoningFields: readonly ReasoningField[]): unknown {
  const content = wireContent(message.content);
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content };
  const name = message.name === undefined ? {} : { name: message.name };
  const reasoning = message.role === 'assistant' ? message.reasoning : undefined;
  const reasonings =
    reasoning === undefined ? {} : Object.fromEntries(reasoningFields.map((field) => [field, reasoning]));
  if (message.role !== 'assistant' || !message.toolCalls?.length) {
    return { role: message.role, ...name, content, ...reasonings };
  }
  return {
    role: 'assistant',
    ...name,
    content: content === '' ? null : content,
    ...reasonings,
    tool_calls: message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    })),
  };
}

/** Puts the system prompt in front of the first user message, for models whose prompt template has no system role. */
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

const isImage = ({ type }: ContentPart): boolean => type === 'image';
const imagesOf = ({ content }: Message): readonly ContentPart[] =>
  typeof content === 'string' ? [] : content.filter(isImage);

/** For a tool whose result is images alone. */
const ONLY_IMAGES = '(images: see below)';

/**
 * A tool's result is text on this wire ("ChatCompletionToolMessageParam"), so its images come in the user's next
 * turn.
 */
function imagesAfterResults(messages: readonly Message[]): readonly Message[] {
  if (!messages.some((message) => message.role === 'tool' && imagesOf(message).length > 0)) return messages;
  const sent: Message[] = [];
  let images: ContentPart[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      const own = imagesOf(message);
      images.push(...own);
      sent.push(own.length > 0 ? { ...message, content: textOf(message.content) || ONLY_IMAGES } : message);
      continue;
    }
    if (images.length > 0) {
      if (message.role === 'user') {
        const { content } = message;
        const said: readonly ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
        sent.push({ ...message, content: [...images, ...said] });
        images = [];
        continue;
      }
      sent.push({ role: 'user', content: images });
      images = [];
    }
    sent.push(message);
  }
  if (images.length > 0) sent.push({ role: 'user', content: images });
  return sent;
}

/**
 * The messages that are sent: the system prompt folded where the model takes none, images of results after them, and
 * ids that the model's template takes. What has been arranged stays as it is.
 */
const sentMessages = ({ systemRole, messages, family }: ChatParts): readonly Message[] =>
  withToolIds(imagesAfterResults(systemRole ? messages : foldSystem(messages)), toolIdForm(family));

/** `messages` of a chat request. */
const wireMessages = (chat: ChatParts, { reasoningFields }: ServerProfile): unknown[] =>
  sentMessages(chat).map((message) => wireMessage(message, reasoningFields));

/** The body to post, and the path below the base URL to post it to. */
export interface WireRequest {
  readonly path: '/chat/completions' | '/completions';
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sampling parameters that every server takes in the same form. */
const SAMPLING = [
  'temperature',
  'topP',
  'topK',
  'minP',
  'seed',
  'frequencyPenalty',
  'presencePenalty',
  'repetitionPenalty',
  'logitBias',
  'parallelToolCalls',
  'user',
] as const;

function wireThinking({ reasoningEffort: effort, thinking }: Sampling, server: ServerProfile): Record<string, unknown> {
  if (!server.thinkingSwitch) return effort === undefined ? {} : { reasoning_effort: effort };
  const enabled = effort === 'none' ? false : thinking;
  return {
    ...(effort === undefined || effort === 'none' ? {} : { reasoning_effort: effort }),
    ...(enabled === undefined ? {} : { reasoning: { enabled } }),
  };
}

function wireSampling(sampling: Sampling, server: ServerProfile): Record<string, unknown> {
  const body: Record<string, unknown> = wireThinking(sampling, server);
  for (const name of SAMPLING) if (sampling[name] !== undefined) body[SAMPLING_NAMES[name]] = sampling[name];
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

type ToolProfile = Pick<ServerProfile, 'toolChoiceNone'>;

const toolsOf = (chat: ChatParts, server: ToolProfile): readonly Tool[] =>
  chat.toolChoice === 'none' && server.toolChoiceNone === 'leave-tools-out' ? [] : chat.tools;

/** Arranges a chat as it is sent. A response format is enforced by the server, so it does not show in the prompt. */
export const arrangeFor =
  (server: ToolProfile) =>
  (chat: ChatParts): ArrangedChat => ({ messages: sentMessages(chat), tools: toolsOf(chat, server) });

function chatFields(job: ChatJob, server: ServerProfile): Record<string, unknown> {
  const tools = toolsOf(job, server);
  const k = job.sampling.logprobs;
  return {
    messages: wireMessages(job, server),
    ...(tools.length ? { tools: tools.map(wireTool) } : {}),
    ...(tools.length && job.toolChoice !== undefined ? { tool_choice: wireToolChoice(job.toolChoice) } : {}),
    ...(job.responseFormat ? { response_format: wireFormat(job.responseFormat) } : {}),
    ...(k === undefined
      ? {}
      : server.chatLogprobs === 'integer'
        ? { logprobs: Math.max(1, k) }
        : // llama.cpp reads a `top_logprobs` of 0 as none at all.
          { logprobs: true, ...(k > 0 ? { top_logprobs: k } : {}) }),
  };
}

/** `logprobs` is an integer in the legacy API. Where 0 turns it off (Together), one alternative is asked for. */
const promptFields = (
  { prompt, promptIds, echo, sampling }: PromptJob,
  server: ServerProfile,
): Record<string, unknown> => {
  const k = sampling.logprobs;
  return {
    prompt: promptIds ?? prompt,
    ...(echo ? { echo } : {}),
    ...(k === undefined ? {} : { logprobs: server.chatLogprobs === 'integer' ? Math.max(1, k) : k }),
  };
};

function extraFields({ extra, kind }: Job, { sendsExtra }: ServerProfile): Readonly<Record<string, unknown>> {
  if (!extra || sendsExtra === 'all') return extra ?? {};
  // The named fields are fields of the chat API.
  return kind === 'chat' ? Object.fromEntries(Object.entries(extra).filter(([name]) => sendsExtra.includes(name))) : {};
}

/** The request for a job. */
export function wireRequest(job: Job, server: ServerProfile): WireRequest {
  const chat = job.kind === 'chat';
  const stream = job.stream && (!chat || job.toolStreaming || toolsOf(job, server).length === 0);
  const usage = stream && (chat ? server.askStreamUsage.chat : server.askStreamUsage.completions);
  return {
    path: chat ? '/chat/completions' : '/completions',
    body: {
      ...extraFields(job, server),
      model: job.model,
      ...(chat ? chatFields(job, server) : promptFields(job, server)),
      ...wireSampling(job.sampling, server),
      ...(job.maxTokens === undefined ? {} : { max_tokens: job.maxTokens }),
      ...(job.stop.length ? { stop: job.stop } : {}),
      ...(job.n > 1 ? { n: job.n } : {}),
      ...(stream ? { stream: true } : {}),
      ...(usage ? { stream_options: { include_usage: true } } : {}),
    },
  };
}
