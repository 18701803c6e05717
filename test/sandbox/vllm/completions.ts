import { type Reply, think } from '../brain/index.ts';
import { type Prompt, rawPrompt, tokenizerOf } from '../count/index.ts';
import { type Json, list, number, object, text } from '../json.ts';
import { hex } from '../random.ts';
import { alternatives, logprobOf } from '../wire/likelihood.ts';
import { completionAsk, countOf } from '../wire/openai-ask.ts';
import { DONE, sse } from '../wire/sse.ts';
import type { Frame } from '../wire/types.ts';
import { FINISH, usageOf } from './chat.ts';

interface Choice {
  readonly index: number;
  readonly reply: Reply;
  /** What is sent: the prompt too where an echo is asked for. */
  readonly pieces: readonly string[];
}

export interface Completion {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Choice[];
  readonly prompts: readonly Prompt[];
  readonly promptTokens: number;
  readonly body: Json;
}

const isIds = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isInteger);

/** Each prompt of a list gets its `n` choices, numbered through. */
export async function complete(body: Json): Promise<Completion> {
  const n = countOf(body);
  const tokenizer = await tokenizerOf(text(body.model));
  const given = typeof body.prompt === 'string' || isIds(body.prompt) ? [body.prompt] : list(body.prompt);
  const prompts = given.map((prompt) => (isIds(prompt) ? (tokenizer.decode(prompt) ?? '') : text(prompt)));
  // Token ids are read as they are.
  const read = given.map(
    (prompt, at): Prompt =>
      isIds(prompt)
        ? { text: prompts[at], ids: prompt, tokens: prompt.length }
        : rawPrompt(tokenizer, prompts[at] ?? '', true),
  );
  const choices = prompts.flatMap((prompt, at) =>
    Array.from({ length: n }, (_, choice): Choice => {
      const thought = think({ ...completionAsk(body, prompt), choice }, tokenizer.split);
      const reply = body.max_tokens === 0 ? { ...thought, pieces: [], completionTokens: 0 } : thought;
      const echo = body.echo === true ? tokenizer.split(prompt).map((piece) => piece.text) : [];
      const pieces = [...echo, ...reply.pieces];
      return { index: at * n + choice, reply, pieces };
    }),
  );
  return {
    id: `cmpl-${hex(32)}`,
    created: Math.floor(Date.now() / 1000),
    model: text(body.model),
    choices,
    prompts: read,
    promptTokens: read.reduce((sum, { tokens }) => sum + tokens, 0),
    body,
  };
}

/** `echoed`: the pieces begin with the prompt's, the first of which nothing comes before. */
function logprobs(pieces: readonly string[], k: number | undefined, offset: number, echoed = false) {
  if (k === undefined) return null;
  const unless = <T>(at: number, value: T): T | null => (echoed && at === 0 ? null : value);
  let at = offset;
  return {
    text_offset: pieces.map((piece) => {
      at += piece.length;
      return at - piece.length;
    }),
    token_logprobs: pieces.map((piece, at) => unless(at, logprobOf(piece))),
    tokens: pieces,
    top_logprobs: pieces.map((piece, at) =>
      unless(at, Object.fromEntries(alternatives(piece, Math.max(1, k)).map(({ token, logprob }) => [token, logprob]))),
    ),
  };
}

const replies = (completion: Completion): Reply[] => completion.choices.map(({ reply }) => reply);

export const completionAnswer = (completion: Completion) => ({
  id: completion.id,
  object: 'text_completion',
  created: completion.created,
  model: completion.model,
  choices: completion.choices.map(({ index, reply, pieces }) => ({
    index,
    text: pieces.join(''),
    logprobs: logprobs(pieces, number(completion.body.logprobs), 0, completion.body.echo === true),
    finish_reason: FINISH[reply.finish],
    stop_reason: null,
    token_ids: null,
    prompt_logprobs: null,
    prompt_token_ids: null,
  })),
  service_tier: null,
  system_fingerprint: null,
  usage: usageOf(completion.promptTokens, replies(completion)),
  kv_transfer_params: null,
});

export function* completionFrames(completion: Completion): Generator<Frame> {
  const { id, created, model } = completion;
  const head = { id, object: 'text_completion', created, model };
  for (const { index, reply, pieces } of completion.choices) {
    let offset = 0;
    for (const [at, piece] of pieces.entries()) {
      const last = at === pieces.length - 1;
      const choice = {
        index,
        text: piece,
        logprobs: logprobs(
          [piece],
          number(completion.body.logprobs),
          offset,
          completion.body.echo === true && at === 0,
        ),
        finish_reason: null,
        stop_reason: null,
      };
      // The last token and the reason come in one chunk, unlike chat.
      if (!last) yield sse({ ...head, choices: [choice] }, { tokens: 1 });
      else
        yield sse(
          { ...head, choices: [{ ...choice, finish_reason: FINISH[reply.finish] }] },
          { tokens: 1, terminal: true },
        );
      offset += piece.length;
    }
    if (pieces.length === 0) {
      const choice = { index, text: '', logprobs: null, finish_reason: FINISH[reply.finish], stop_reason: null };
      yield sse({ ...head, choices: [choice] }, { terminal: true });
    }
  }
  if (object(completion.body.stream_options).include_usage === true) {
    yield sse(
      { ...head, choices: [], usage: usageOf(completion.promptTokens, replies(completion)) },
      { terminal: true },
    );
  }
  yield DONE;
}
