/** Answers in one piece, usage and errors, as OpenAI's clients read them. */
import {
  completionTokens,
  type Event,
  type FinishReason,
  type GatewayError,
  promptTokens,
  type TokenLogprob,
  type Usage,
} from '../../core/index.ts';
import { type Envelope, type ErrorForm, errorMetadata, messageOf, retryHeaders, type WireCost } from '../dialect.ts';

/**
 * OpenAI's usage object. `exactness` is ours: `provider` figures are what is billed; `exact` ones we counted with the
 * model's own tokenizer and template; an `estimate` is neither.
 */
export interface WireUsage extends Partial<WireCost> {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /**
   * Without `cached_tokens` where the provider does not report them, which does not mean none. Null is not allowed
   * there: `@openrouter/sdk` refuses it.
   */
  prompt_tokens_details: { cached_tokens?: number; cache_write_tokens?: number };
  completion_tokens_details: { reasoning_tokens: number };
  exactness: 'provider' | 'exact' | 'estimate';
}

const EXACTNESS = { provider: 'provider', counted: 'exact', estimated: 'estimate' } as const;

export function toUsage(usage: Usage, costs?: (usage: Usage) => WireCost): WireUsage {
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      ...(usage.cacheTold ? { cached_tokens: usage.cacheRead } : {}),
      ...(usage.cacheWrite > 0 ? { cache_write_tokens: usage.cacheWrite } : {}),
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
    exactness: EXACTNESS[usage.source],
    ...costs?.(usage),
  };
}

/** Log probabilities in a chat's form. */
export const toChatLogprobs = (logprobs: readonly TokenLogprob[]) => ({
  content: logprobs.map(({ token, logprob, bytes, top }) => ({ token, logprob, bytes, top_logprobs: top })),
  refusal: null,
});

/** Log probabilities in the form of the legacy completions. Offsets count characters from `start`. */
export function toCompletionLogprobs(logprobs: readonly TokenLogprob[], start: number) {
  let offset = start;
  const textOffset: number[] = [];
  for (const { token } of logprobs) {
    textOffset.push(offset);
    offset += token.length;
  }
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top, logprob }) =>
      logprob === null ? null : Object.fromEntries(top.map((one) => [one.token, one.logprob])),
    ),
    text_offset: textOffset,
  };
}

/** How a chat's caller wants the answer written. */
export interface ChatAnswerForm {
  readonly hideReasoning?: boolean;
  /** Tool calls come as `function_call`, OpenAI's older form, because that is how the tools were given. */
  readonly legacyFunctions?: boolean;
}

/**
 * Reasoning under both names that clients read: `reasoning` (OpenRouter, vLLM) and `reasoning_content` (DeepSeek,
 * llama.cpp, AI SDK). We know no client that reads both and adds them up.
 */
export const reasoningFields = (text: string) => ({ reasoning: text, reasoning_content: text });

/** The finish reason, for callers who gave their tools in the older form. */
export const chatReason = (reason: FinishReason, { legacyFunctions }: ChatAnswerForm): FinishReason =>
  reason === 'tool_calls' && legacyFunctions ? 'function_call' : reason;

interface Choice {
  text: string;
  reasoning: string;
  tools: { id: string; name: string; arguments: string }[];
  logprobs: TokenLogprob[];
  finish: FinishReason;
}

/** The events of a whole answer, by choice. */
function assemble(events: readonly Event[], choices: number): { choices: Choice[]; usage?: Usage } {
  const out = Array.from(
    { length: choices },
    (): Choice => ({ text: '', reasoning: '', tools: [], logprobs: [], finish: 'stop' }),
  );
  let usage: Usage | undefined;
  for (const event of events) {
    if (event.type === 'usage') {
      usage = event.usage;
      continue;
    }
    const choice = out[event.choice];
    if (!choice) continue;
    switch (event.type) {
      case 'text':
        choice.text += event.text;
        if (event.logprobs) choice.logprobs.push(...event.logprobs);
        break;
      case 'reasoning':
        choice.reasoning += event.text;
        break;
      case 'tool': {
        const tool = choice.tools[event.index] ?? { id: '', name: '', arguments: '' };
        choice.tools[event.index] = tool;
        tool.id ||= event.id ?? '';
        tool.name ||= event.name ?? '';
        tool.arguments += event.arguments;
        break;
      }
      case 'finish':
        choice.finish = event.reason;
        break;
    }
  }
  return usage ? { choices: out, usage } : { choices: out };
}

function callFields(calls: Choice['tools'], { legacyFunctions }: ChatAnswerForm): Record<string, unknown> {
  const [first] = calls;
  if (!first) return {};
  if (legacyFunctions) return { function_call: { name: first.name, arguments: first.arguments } };
  return {
    tool_calls: calls.map(({ id, name, arguments: args }) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
    })),
  };
}

/** An answer of `POST /v1/chat/completions`. */
export function chatAnswer(
  envelope: Envelope,
  events: readonly Event[],
  n: number,
  form: ChatAnswerForm = {},
): Record<string, unknown> {
  const { choices, usage } = assemble(events, n);
  return {
    id: envelope.id,
    object: 'chat.completion',
    created: envelope.created,
    model: envelope.model,
    provider: envelope.provider,
    system_fingerprint: envelope.fingerprint,
    choices: choices.map((choice, index) => {
      const calls = choice.tools.filter(Boolean);
      return {
        index,
        message: {
          role: 'assistant',
          content: choice.text === '' && calls.length > 0 ? null : choice.text,
          refusal: null,
          ...(choice.reasoning && !form.hideReasoning ? reasoningFields(choice.reasoning) : {}),
          ...callFields(calls, form),
        },
        logprobs: choice.logprobs.length > 0 ? toChatLogprobs(choice.logprobs) : null,
        finish_reason: chatReason(choice.finish, form),
      };
    }),
    ...(usage ? { usage: toUsage(usage, envelope.costs) } : {}),
    ...(envelope.debug ? { chasqui: envelope.debug(usage) } : {}),
  };
}

/** OpenAI's legacy completions know three reasons only. */
export const completionReason = (reason: FinishReason): FinishReason =>
  reason === 'tool_calls' || reason === 'function_call' ? 'stop' : reason;

/** An answer of `POST /v1/completions`. `echoes` gives the text to repeat before each choice. */
export function completionAnswer(
  envelope: Envelope,
  events: readonly Event[],
  choices: number,
  echoes: (choice: number) => string,
): Record<string, unknown> {
  const assembled = assemble(events, choices);
  return {
    id: envelope.id,
    object: 'text_completion',
    created: envelope.created,
    model: envelope.model,
    provider: envelope.provider,
    system_fingerprint: envelope.fingerprint,
    choices: assembled.choices.map((choice, index) => {
      const echo = echoes(index);
      return {
        index,
        text: echo + choice.text,
        logprobs: choice.logprobs.length > 0 ? toCompletionLogprobs(choice.logprobs, echo.length) : null,
        finish_reason: completionReason(choice.finish),
      };
    }),
    ...(assembled.usage ? { usage: toUsage(assembled.usage, envelope.costs) } : {}),
    ...(envelope.debug ? { chasqui: envelope.debug(assembled.usage) } : {}),
  };
}

/** OpenAI's error envelope with our metadata. Everything in it may be shown to the caller. */
export interface ErrorBody {
  error: {
    message: string;
    type: string;
    param: string | null;
    code: string;
    metadata: Record<string, unknown>;
  };
}

export function errorBody(error: GatewayError): ErrorBody {
  return {
    error: {
      message: messageOf(error),
      type: error.kind.type,
      param: error.details.param ?? null,
      code: error.code,
      metadata: errorMetadata(error),
    },
  };
}

/** Any failure, in OpenAI's envelope. */
export const errorAnswer: ErrorForm = (error) => ({
  status: error.status,
  headers: retryHeaders(error),
  body: errorBody(error),
});
