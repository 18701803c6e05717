import { type Reply, think } from '../brain/index.ts';
import { chatPrompt, type Prompt, rawPrompt, tokenizerOf } from '../count/index.ts';
import { type Json, number, text } from '../json.ts';
import { base36, fraction, hash } from '../random.ts';
import { alternatives, logprobOf, tokenId } from '../wire/likelihood.ts';
import { chatAsk, completionAsk, countOf } from '../wire/openai-ask.ts';
import { chatOf } from '../wire/openai-messages.ts';
import { DONE, sse } from '../wire/sse.ts';
import type { Frame } from '../wire/types.ts';

/** An answer in both of Together's shapes, which differ in a few words only. */
export interface Generated {
  readonly kind: 'chat' | 'completions';
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly replies: readonly Reply[];
  readonly prompt: Prompt;
  /** The prompt's pieces, where an echo is asked for. */
  readonly echo: readonly string[];
  /** Alternatives per token; undefined where none are asked for. */
  readonly logprobs: number | undefined;
}

const EOS_ID = 128_009;

/** `eos` is Together's own word for a natural end; its Llama chats have said `stop` since 2026. */
const finishOf = ({ kind, model }: Generated, reply: Reply): string => {
  if (reply.finish === 'end') return kind === 'chat' && /llama/i.test(model) ? 'stop' : 'eos';
  return { length: 'length', stop: 'stop', tools: 'tool_calls' }[reply.finish];
};

/** Where no limit is set in a chat, the answer may be as long as there is room for. */
export async function generate(kind: Generated['kind'], body: Json, contextLength: number): Promise<Generated> {
  const given = text(body.prompt);
  const ask =
    kind === 'chat' ? chatAsk(body) : { ...completionAsk(body, given), maxTokens: number(body.max_tokens) ?? 200 };
  const tokenizer = await tokenizerOf(ask.model);
  const { split } = tokenizer;
  const prompt = kind === 'chat' ? chatPrompt(tokenizer, chatOf(body), ask.turns) : rawPrompt(tokenizer, given, true);
  const maxTokens = ask.maxTokens ?? contextLength - prompt.tokens;
  return {
    kind,
    id: `o${base36(6)}-6Ng1vN-${hash(base36(8)).toString(16).padStart(16, '9')}`,
    created: Math.floor(Date.now() / 1000),
    model: text(body.model),
    replies: Array.from({ length: countOf(body) }, (_, choice) => think({ ...ask, maxTokens, choice }, split)),
    prompt,
    echo: body.echo === true ? split(given).map((piece) => piece.text) : [],
    logprobs: number(body.logprobs),
  };
}

/** The older form that OpenAI had for completions, here for chat as well. */
const tableOf = (pieces: readonly string[], k: number) => ({
  tokens: pieces,
  token_ids: pieces.map(tokenId),
  token_logprobs: pieces.map(logprobOf),
  top_logprobs: pieces.map((piece) =>
    Object.fromEntries(alternatives(piece, Math.max(1, k)).map(({ token, logprob }) => [token, logprob])),
  ),
});

const seedOf = (index: number): number => Math.floor(fraction(hash(`seed:${index}`), index) * 2 ** 53) * 1000;

const usageOf = ({ prompt: { tokens: promptTokens }, replies }: Generated) => {
  const completion = replies.reduce((sum, reply) => sum + reply.completionTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    cached_tokens: 0,
  };
};

const callsOf = (reply: Reply) =>
  reply.toolUses.map((use, index) => ({
    index,
    id: `call_${base36(24)}`,
    type: 'function',
    function: { arguments: use.input, name: use.name },
  }));

export function wholeOf(generated: Generated) {
  const { kind, id, created, model, logprobs: k, echo } = generated;
  const choices = generated.replies.map((reply, index) => {
    const said = reply.pieces.join('');
    const common = {
      finish_reason: finishOf(generated, reply),
      seed: seedOf(index),
      logprobs: k === undefined ? null : tableOf(reply.pieces, k),
    };
    // A completion's choices carry no index.
    if (kind === 'completions') return { text: said, ...common };
    const calls = callsOf(reply);
    const reasoning = reply.reasoning.length > 0 ? { reasoning: reply.reasoning.join('') } : {};
    const message = { role: 'assistant', content: calls.length > 0 ? null : said, tool_calls: calls, ...reasoning };
    return { ...common, index, message };
  });
  return {
    id,
    object: kind === 'chat' ? 'chat.completion' : 'text.completion',
    created,
    model,
    prompt: echo.length > 0 ? [{ text: echo.join(''), logprobs: k === undefined ? null : tableOf(echo, k) }] : [],
    choices,
    usage: usageOf(generated),
  };
}

function* choiceFrames(generated: Generated, index: number, reply: Reply, usage: Json | null): Generator<Frame> {
  const { kind, id, created, model, logprobs: k } = generated;
  const object = kind === 'chat' ? 'chat.completion.chunk' : 'completion.chunk';
  const chunk = (piece: string, delta: Json, rest: Json = {}, frame: Omit<Frame, 'data'> = {}): Frame => {
    const { usage: used = null, ...more } = rest;
    // The text twice, and the role on every chunk.
    const said = { token_id: piece ? tokenId(piece) : null, role: 'assistant', content: piece, ...delta };
    const choice = { index, text: piece, logprobs: null, finish_reason: null, seed: null, delta: said, ...more };
    return sse({ id, object, created, choices: [choice], model, usage: used }, frame);
  };
  const finish_reason = finishOf(generated, reply);
  for (const piece of reply.reasoning) yield chunk('', { reasoning: piece }, {}, { tokens: 1 });
  for (const piece of reply.pieces) {
    yield chunk(piece, {}, k === undefined ? {} : { logprobs: logprobOf(piece) }, { tokens: 1 });
  }
  for (const { index: at, id: call, type, function: called } of callsOf(reply)) {
    yield chunk(
      '',
      { tool_calls: [{ index: at, id: call, type, function: { name: called.name, arguments: '' } }] },
      {},
      { tokens: 1 },
    );
    const middle = Math.ceil(called.arguments.length / 2);
    yield chunk(
      '',
      { tool_calls: [{ index: at, function: { arguments: called.arguments.slice(0, middle) } }] },
      {},
      { tokens: 1 },
    );
    const rest = { tool_calls: [{ index: at, function: { arguments: called.arguments.slice(middle) } }] };
    // The reason comes here already, and once more below.
    yield chunk('', rest, at === reply.toolUses.length - 1 ? { finish_reason } : {}, { tokens: 1 });
  }
  yield chunk('', { token_id: EOS_ID }, { finish_reason, seed: seedOf(index), usage }, { terminal: true });
}

/** Usage rides on the last chunk that has a choice, whether it was asked for or not. */
export function* framesOf(generated: Generated): Generator<Frame> {
  const last = generated.replies.length - 1;
  for (const [index, reply] of generated.replies.entries()) {
    yield* choiceFrames(generated, index, reply, index === last ? usageOf(generated) : null);
  }
  yield DONE;
}
