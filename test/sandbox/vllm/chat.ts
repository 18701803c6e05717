import { type Ask, type Reply, think } from '../brain/index.ts';
import { chatPrompt, type Prompt, tokenizerOf } from '../count/index.ts';
import { type Json, object, text } from '../json.ts';
import { hex } from '../random.ts';
import { alternatives, logprobOf } from '../wire/likelihood.ts';
import { chatAsk, countOf } from '../wire/openai-ask.ts';
import { chatOf } from '../wire/openai-messages.ts';
import { DONE, sse } from '../wire/sse.ts';
import type { Frame } from '../wire/types.ts';

export const FINISH = { end: 'stop', stop: 'stop', length: 'length', tools: 'tool_calls' } as const;

/** vLLM dumps its models whole: what is not there is null. */
const NULLS = { refusal: null, annotations: null, audio: null, function_call: null };

const stopReason = (reply: Reply): string | null => reply.stoppedBy ?? null;

const toolCalls = (reply: Reply) =>
  reply.toolUses.map((use) => ({
    id: `chatcmpl-tool-${hex(32)}`,
    type: 'function',
    function: { name: use.name, arguments: use.input },
  }));

const logprobs = (pieces: readonly string[], k: number) => ({
  content: pieces.map((token) => ({
    token,
    logprob: logprobOf(token),
    bytes: [...new TextEncoder().encode(token)],
    top_logprobs: alternatives(token, k).map((one) => ({ ...one, bytes: [...new TextEncoder().encode(one.token)] })),
  })),
});

export interface Chat {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly asks: readonly Ask[];
  readonly replies: readonly Reply[];
  readonly prompt: Prompt;
  readonly body: Json;
}

/** Where no limit is set, the answer may be as long as there is room for. */
export async function converse(body: Json, contextLength: number): Promise<Chat> {
  const ask = chatAsk(body);
  const asks = Array.from({ length: countOf(body) }, (_, choice) => ({ ...ask, choice }));
  const tokenizer = await tokenizerOf(ask.model);
  const prompt = chatPrompt(tokenizer, chatOf(body), ask.turns);
  const maxTokens = ask.maxTokens ?? contextLength - prompt.tokens;
  return {
    id: `chatcmpl-${hex(32)}`,
    created: Math.floor(Date.now() / 1000),
    model: text(body.model),
    asks,
    replies: asks.map((one) => think({ ...one, maxTokens }, tokenizer.split)),
    prompt,
    body,
  };
}

export const usageOf = (promptTokens: number, replies: readonly Reply[]) => {
  const completion = replies.reduce((sum, reply) => sum + reply.completionTokens, 0);
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completion,
    completion_tokens: completion,
    prompt_tokens_details: null,
  };
};

export function chatAnswer(chat: Chat) {
  const k = chat.body.logprobs === true ? Number(chat.body.top_logprobs ?? 0) : undefined;
  return {
    id: chat.id,
    object: 'chat.completion',
    created: chat.created,
    model: chat.model,
    choices: chat.replies.map((reply, index) => ({
      index,
      message: {
        role: 'assistant',
        content: reply.toolUses.length > 0 ? null : reply.pieces.join(''),
        ...NULLS,
        tool_calls: toolCalls(reply),
        reasoning_content: reply.reasoning.length > 0 ? reply.reasoning.join('') : null,
      },
      logprobs: k === undefined ? null : logprobs(reply.pieces, k),
      finish_reason: FINISH[reply.finish],
      stop_reason: stopReason(reply),
      token_ids: null,
    })),
    service_tier: null,
    system_fingerprint: null,
    usage: usageOf(chat.prompt.tokens, chat.replies),
    prompt_logprobs: null,
    prompt_token_ids: null,
    kv_transfer_params: null,
  };
}

function* choiceFrames(chat: Chat, index: number, reply: Reply): Generator<Frame> {
  const chunk = (delta: Json, finish: string | null, rest: Json = {}, frame: Omit<Frame, 'data'> = {}): Frame =>
    sse(
      {
        id: chat.id,
        object: 'chat.completion.chunk',
        created: chat.created,
        model: chat.model,
        choices: [{ index, delta, logprobs: null, finish_reason: finish, token_ids: null, ...rest }],
        prompt_token_ids: null,
      },
      frame,
    );
  const k = chat.body.logprobs === true ? Number(chat.body.top_logprobs ?? 0) : undefined;
  yield chunk({ role: 'assistant', content: '' }, null);
  for (const piece of reply.reasoning) yield chunk({ reasoning_content: piece }, null, {}, { tokens: 1 });
  for (const piece of reply.pieces) {
    yield chunk({ content: piece }, null, k === undefined ? {} : { logprobs: logprobs([piece], k) }, { tokens: 1 });
  }
  for (const [at, call] of toolCalls(reply).entries()) {
    const { arguments: input, name } = call.function;
    yield chunk({ tool_calls: [{ ...call, index: at, function: { name, arguments: '' } }] }, null, {}, { tokens: 1 });
    for (let from = 0; from < input.length; from += 8) {
      const part = { index: at, function: { arguments: input.slice(from, from + 8) } };
      yield chunk({ tool_calls: [part] }, null, {}, { tokens: 1 });
    }
  }
  const reason = stopReason(reply);
  yield chunk({ content: '' }, FINISH[reply.finish], { stop_reason: reason }, { terminal: true });
}

export function* chatFrames(chat: Chat): Generator<Frame> {
  for (const [index, reply] of chat.replies.entries()) yield* choiceFrames(chat, index, reply);
  if (object(chat.body.stream_options).include_usage === true) {
    const usage = usageOf(chat.prompt.tokens, chat.replies);
    const { id, created, model } = chat;
    yield sse({ id, object: 'chat.completion.chunk', created, model, choices: [], usage }, { terminal: true });
  }
  yield DONE;
}
