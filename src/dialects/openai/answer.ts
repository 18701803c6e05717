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

/** An answer of `POST /v1/chat/completions`, as an object to be written as JSON. */
export function chatAnswer(envelope: Envelope, events: readonly Event[], n: number): Record<string, unknown> {
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
          ...(choice.reasoning ? { reasoning: choice.reasoning } : {}),
          ...(calls.length > 0
            ? {
                tool_calls: calls.map(({ id, name, arguments: args }) => ({
                  id,
                  type: 'function',
                  function: { name, arguments: args },
                })),
              }
            : {}),
        },
        logprobs: choice.logprobs.length > 0 ? toChatLogprobs(choice.logprobs) : null,
        finish_reason: choice.finish,
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
