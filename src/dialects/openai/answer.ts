import type { Event, FinishReason, TokenLogprob, Usage } from '../../core/index.ts';
import type { WireCost } from './cost.ts';
import { toChatLogprobs, toCompletionLogprobs } from './logprobs.ts';
import { toUsage } from './usage.ts';

/** What every chunk and answer says about itself. */
export interface Envelope {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
  readonly provider: string;
  /** The upstream's name for the configuration it answered with; null where it gave none. */
  readonly fingerprint: string | null;
  /** What a usage came to. */
  readonly costs?: (usage: Usage) => WireCost;
  /** How the answer came about, for callers who ask. */
  readonly debug?: (usage: Usage | undefined) => Readonly<Record<string, unknown>>;
}

/** What a chat's caller asked of the form of its answer. */
export interface ChatForm {
  /** What the model thought is not shown. */
  readonly hideReasoning?: boolean;
  /** Calls come as `function_call`, OpenAI's older form, which has a place for one. */
  readonly legacyFunctions?: boolean;
}

/**
 * Reasoning under both names that clients read: OpenRouter's and vLLM's `reasoning`; DeepSeek's, llama.cpp's and the AI
 * SDK's `reasoning_content`. No client is known that reads both and adds them up.
 */
export const reasoningFields = (text: string) => ({ reasoning: text, reasoning_content: text });

/** Reasons as the caller's form of tool calls has them. */
export const chatReason = (reason: FinishReason, { legacyFunctions }: ChatForm): FinishReason =>
  reason === 'tool_calls' && legacyFunctions ? 'function_call' : reason;

interface Choice {
  text: string;
  reasoning: string;
  tools: { id: string; name: string; arguments: string }[];
  logprobs: TokenLogprob[];
  finish: FinishReason;
}

/** Events put together, choice by choice. */
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

function callFields(calls: Choice['tools'], { legacyFunctions }: ChatForm): Record<string, unknown> {
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

/** An answer of `POST /v1/chat/completions`, as an object to be written as JSON. */
export function chatAnswer(
  envelope: Envelope,
  events: readonly Event[],
  n: number,
  form: ChatForm = {},
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

/** An answer of `POST /v1/completions`. `echoes` stands in front of each choice's text, where the caller asked for it. */
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
