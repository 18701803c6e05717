import { PLAIN, type Reply, readPrompt, think } from '../brain/index.ts';
import type { Fault } from '../control/faults.ts';
import { type Entry, recordPrompt } from '../control/journal.ts';
import { rawPrompt, tokenizerOf } from '../count/index.ts';
import { type Json, number, text } from '../json.ts';
import { base36 } from '../random.ts';
import { EngineError, engineOf, render } from './engines.ts';
import type { Model } from './models.ts';

/** Milliseconds a prediction waits for its model, and how long its whole output may take. */
const START_MS = 20;
const TOKEN_MS = 2;
const OUTPUT_MS = 200;
const MAX_PREDICTIONS = 1000;

export interface Prediction {
  readonly id: string;
  /** In the stream's address; whoever knows it may read. */
  readonly streamId: string;
  readonly model: Model;
  readonly input: Json;
  /** Pieces of the output; the first and last of a real one are empty. */
  readonly output: readonly string[];
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly createdAt: number;
  readonly pieceMs: number;
  /** After this time it is stopped. */
  readonly deadline: number | undefined;
  /** What its output and its stream are to suffer. */
  readonly faults: readonly Fault[];
  readonly fails: { readonly after: number; readonly error: string } | undefined;
  /** Pieces after which nothing more comes. */
  readonly stalls: number | undefined;
  /** The journal's entry of the request that created it. */
  readonly entry: Entry;
  canceledAt: number | undefined;
}

export type Status = 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled' | 'aborted';

export interface Progress {
  readonly status: Status;
  /** Pieces that are out. */
  readonly pieces: number;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
}

const predictions = new Map<string, Prediction>();
const streams = new Map<string, Prediction>();

export const byId = (id: string): Prediction | undefined => predictions.get(id);
export const byStream = (streamId: string): Prediction | undefined => streams.get(streamId);

function stopsOf(input: Json): string[] {
  // One string, with commas between the sequences: one that holds a comma cannot be sent.
  return text(input.stop_sequences)
    .split(',')
    .filter((one) => one !== '');
}

interface Order {
  readonly model: Model;
  readonly input: Json;
  readonly faults: readonly Fault[];
  /** Milliseconds, from `Cancel-After`. */
  readonly limitMs: number | undefined;
  readonly entry: Entry;
}

interface Answered {
  readonly reply: Reply;
  readonly promptTokens: number;
}

async function answerOf({ model, input, entry }: Order): Promise<Answered> {
  const engine = engineOf(model);
  const rendered = render(input, engine);
  const tokenizer = await tokenizerOf(model.name);
  const given = engine.bos === 'replaced' ? rendered.replace(/^<s>/, '') : rendered;
  const prompt = rawPrompt(tokenizer, given, engine.bos !== 'counted');
  const promptTokens = prompt.tokens + (engine.bos === 'counted' ? 1 : 0);
  recordPrompt(entry, prompt, promptTokens);
  if (prompt.tokens > model.context) {
    throw new EngineError(
      `E1002 PromptTooLong: Prompt length exceeds maximum input length. Detail: input length (${prompt.tokens}) > ${model.context}`,
    );
  }
  const limits = engine.limit.map((name) => number(input[name])).filter((one) => one !== undefined);
  if (new Set(limits).size > 1)
    throw new EngineError('E1102 InvalidArgumentMaxTokens: max_tokens and max_new_tokens differ.');
  const ask = {
    ...PLAIN,
    ...readPrompt(rendered),
    model: model.name,
    temperature: number(input.temperature),
    // 0 is no seed.
    seed: number(input.seed) || undefined,
    maxTokens: limits[0] ?? engine.defaultLimit,
    stop: stopsOf(input),
  };
  return { reply: think(ask, tokenizer.split), promptTokens };
}

const find = <K extends Fault['kind']>(faults: readonly Fault[], kind: K) =>
  faults.find((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind);

export async function create(order: Order): Promise<Prediction> {
  const { model, input, faults, limitMs, entry } = order;
  let reply: Reply | undefined;
  let promptTokens = 0;
  let failure: string | undefined;
  try {
    ({ reply, promptTokens } = await answerOf(order));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    failure = error.message;
  }
  // The first prediction of a kind waits for a tokenizer to be built, which is not part of its time.
  const now = Date.now();
  const pieces = reply?.pieces ?? [];
  const error = find(faults, 'error');
  const drip = find(faults, 'drip');
  const stalls = find(faults, 'mute') ? 0 : find(faults, 'stall')?.after;
  const fails =
    failure !== undefined
      ? { after: 0, error: failure }
      : error && { after: error.after ?? 0, error: error.message ?? 'Prediction interrupted; please retry (code: PA)' };
  const prediction: Prediction = {
    id: base36(26),
    streamId: base36(52),
    model,
    input,
    output: ['', ...pieces, ''],
    promptTokens,
    outputTokens: reply?.completionTokens ?? 0,
    createdAt: now,
    pieceMs: drip?.ms ?? Math.min(TOKEN_MS, OUTPUT_MS / (pieces.length + 2)),
    deadline: limitMs === undefined ? undefined : now + limitMs,
    faults,
    fails,
    // The empty first piece is no token.
    stalls: stalls === undefined || stalls >= pieces.length ? undefined : stalls === 0 ? 0 : stalls + 1,
    entry,
    canceledAt: undefined,
  };
  predictions.set(prediction.id, prediction);
  streams.set(prediction.streamId, prediction);
  for (const [id, oldest] of predictions) {
    if (predictions.size <= MAX_PREDICTIONS) break;
    predictions.delete(id);
    streams.delete(oldest.streamId);
  }
  return prediction;
}

/** Where a prediction stands at a time: nothing runs, it follows from when it was created and what it is to suffer. */
export function progress(prediction: Prediction, now: number): Progress {
  const { createdAt, pieceMs, output, fails, stalls, canceledAt, deadline } = prediction;
  const startedAt = createdAt + START_MS;
  const natural = startedAt + output.length * pieceMs;
  const failsAt = fails ? startedAt + (fails.after === 0 ? 0 : (fails.after + 1) * pieceMs) : Number.POSITIVE_INFINITY;
  const doneAt = stalls === undefined ? natural : Number.POSITIVE_INFINITY;
  const stoppedAt = Math.min(canceledAt ?? Number.POSITIVE_INFINITY, deadline ?? Number.POSITIVE_INFINITY);
  const completedAt = Math.min(failsAt, doneAt, stoppedAt);
  const at = Math.min(now, completedAt);
  const out = pieceMs > 0 ? Math.floor((at - startedAt) / pieceMs) : output.length;
  const pieces = at < startedAt ? 0 : Math.max(0, Math.min(out, output.length, stalls ?? Number.POSITIVE_INFINITY));
  const started = at >= startedAt ? startedAt : undefined;
  if (now < completedAt) {
    return {
      status: started === undefined ? 'starting' : 'processing',
      pieces,
      startedAt: started,
      completedAt: undefined,
    };
  }
  const status: Status =
    completedAt === stoppedAt
      ? completedAt === deadline && started === undefined
        ? 'aborted'
        : 'canceled'
      : completedAt === failsAt
        ? 'failed'
        : 'succeeded';
  return { status, pieces, startedAt: started, completedAt };
}

/** Canceling what is over changes nothing. */
export function cancel(prediction: Prediction, now: number): void {
  if (progress(prediction, now).completedAt !== undefined) return;
  prediction.canceledAt = now;
  prediction.entry.canceled = true;
}
