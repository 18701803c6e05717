import { type ChatJob, type Event, type FinishReason, GatewayError, isObject } from '../../src/core/index.ts';
import { foreign, interrupted, textIn } from './errors.ts';
import { jsonOf, type StreamDecoder } from './event-stream.ts';

/**
 * Answers of Converse and ConverseStream as events. Tool names are the caller's again, and calls are counted from 0.
 */

/** A number in JSON from outside. */
export function countIn(value: unknown, name: string): number | undefined {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'number' ? member : undefined;
}

export interface Counts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}

const isCount = (value: number | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const orNone = (value: number | undefined): number => (isCount(value) ? value : 0);

/**
 * Bedrock counts cached tokens beside `inputTokens`, so that the buckets are disjoint as they come; it does not tell
 * reasoning from other output. Zeros are reported as zeros (a guardrail blocked the input or the output). If a number
 * is missing, there is no usage.
 */
export function usageEvent({ input, output, cacheRead, cacheWrite }: Counts): Event | undefined {
  if (!isCount(input) || !isCount(output)) return undefined;
  return {
    type: 'usage',
    usage: {
      input,
      cacheRead: orNone(cacheRead),
      cacheWrite: orNone(cacheWrite),
      output,
      reasoning: 0,
      source: 'provider',
      ...(isCount(cacheRead) ? { cacheTold: true } : {}),
    },
  };
}

declare global {
  interface JSON {
    /** With the source text of each primitive (https://tc39.es/proposal-json-parse-with-source/). */
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
    /** JSON text that `JSON.stringify` writes as it is. */
    rawJSON(text: string): object;
  }
}

/** Converse's stop reasons (`StopReason`). `failed`: the answer must not count as complete. */
const REASONS: ReadonlyMap<string, FinishReason | 'failed'> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
  ['malformed_model_output', 'failed'],
  ['malformed_tool_use', 'failed'],
]);

const failed = (native: string): GatewayError =>
  new GatewayError('provider_error', 'The model on AWS Bedrock wrote an answer that it cannot give. Retry.', {
    provider: 'bedrock',
    upstreamCode: native,
  });

/** One of the caller's tools that is being called. */
interface ToolCallWriter {
  arguments(json: string, out: Event[]): void;
  /** The call is complete: a tool without arguments is called with `{}`. */
  end(out: Event[]): void;
}

/** Writes an answer's events, and keeps what its end depends on. */
class AnswerWriter {
  readonly #job: ChatJob;
  readonly #ids = new Set<string>();
  #calls = 0;
  #saidAnything = false;

  constructor(job: ChatJob) {
    this.#job = job;
  }

  text(text: unknown, out: Event[]): void {
    if (typeof text !== 'string' || text === '') return;
    this.#saidAnything = true;
    out.push({ type: 'text', choice: 0, text });
  }

  reasoning(text: unknown, out: Event[]): void {
    if (typeof text !== 'string' || text === '') return;
    this.#saidAnything = true;
    out.push({ type: 'reasoning', choice: 0, text });
  }

  /** Undefined for a call that the caller does not see: Bedrock runs its own tools (`server_tool_use`) by itself. */
  tool(toolUse: unknown, out: Event[]): ToolCallWriter | undefined {
    if (this.#job.dropsToolCalls || textIn(toolUse, 'type') === 'server_tool_use') return undefined;
    const index = this.#calls++;
    const name = textIn(toolUse, 'name');
    this.#saidAnything = true;
    out.push({
      type: 'tool',
      choice: 0,
      index,
      id: this.#idFor(textIn(toolUse, 'toolUseId'), index),
      name: this.#job.toolNames?.get(name) ?? name,
      arguments: '',
    });
    let written = false;
    return {
      arguments(json, into) {
        if (!json) return;
        written = true;
        into.push({ type: 'tool', choice: 0, index, arguments: json });
      },
      end(into) {
        if (!written) into.push({ type: 'tool', choice: 0, index, arguments: '{}' });
        written = true;
      },
    };
  }

  /** A unique id, because callers answer calls by it. */
  #idFor(given: string, index: number): string {
    const id = given && !this.#ids.has(given) ? given : `call_${index}`;
    this.#ids.add(id);
    return id;
  }

  /**
   * Writes what comes last: why the answer ended, and its usage if Bedrock told it. An unknown reason counts as
   * `stop`; its own word is kept as `native`.
   * @throws GatewayError where the model's output is malformed, and where all it did was to call a tool it must not
   *   call
   */
  end(native: string, usage: unknown, out: Event[]): void {
    const reason = this.#reason(native);
    // Converse says that a stop string matched, and not which.
    const [stop, another] = this.#job.stop;
    const only = native === 'stop_sequence' && another === undefined ? stop : undefined;
    out.push({ type: 'finish', choice: 0, reason, native, ...(only === undefined ? {} : { stopString: only }) });
    const counted = usageEvent({
      input: countIn(usage, 'inputTokens'),
      output: countIn(usage, 'outputTokens'),
      cacheRead: countIn(usage, 'cacheReadInputTokens'),
      cacheWrite: countIn(usage, 'cacheWriteInputTokens'),
    });
    if (counted) out.push(counted);
  }

  #reason(native: string): FinishReason {
    const reason = REASONS.get(native) ?? 'stop';
    if (reason === 'failed') throw failed(native);
    if (reason === 'tool_calls' && this.#calls === 0) {
      if (!this.#saidAnything) throw failed(native);
      return 'stop';
    }
    // A model that calls tools need not say that this is why it stops.
    return reason === 'stop' && this.#calls > 0 ? 'tool_calls' : reason;
  }
}

/**
 * The JSON of an answer in which every number keeps its digits: a double would change long ones in a tool's arguments.
 * @throws SyntaxError for a number beyond a double's range, which a caller would read as infinite
 */
const parseExactly = (text: string): unknown =>
  JSON.parse(text, (_, value, { source }) => {
    if (typeof value !== 'number' || source === undefined || source === String(value)) return value;
    if (!Number.isFinite(value)) throw new SyntaxError('A number is beyond any range.');
    return JSON.rawJSON(source);
  });

/**
 * Arguments of a call as JSON; or their text, where a model's own JSON comes as a string. Missing and empty arguments
 * are `{}`.
 */
function argumentsJson(input: unknown): string {
  if (input === null || input === undefined || input === '') return '{}';
  return typeof input === 'string' && input.trimStart().startsWith('{') ? input : JSON.stringify(input);
}

const listIn = (value: unknown, name: string): readonly unknown[] => {
  const member = isObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? member : [];
};
const objectIn = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

/**
 * The events of a Converse answer.
 * @throws GatewayError where it is none, or its output is malformed; SyntaxError where it is not JSON
 */
export function converseAnswer(text: string, job: ChatJob): Event[] {
  let answer: unknown = JSON.parse(text);
  // Only a tool's arguments are passed on as JSON.
  if (text.includes('"toolUse"')) answer = parseExactly(text);
  const message = objectIn(objectIn(answer, 'output'), 'message');
  const stopReason = textIn(answer, 'stopReason');
  if (!isObject(message) || !stopReason) throw foreign();
  const out: Event[] = [];
  const writer = new AnswerWriter(job);
  for (const block of listIn(message, 'content')) {
    if (!isObject(block)) continue;
    writer.text(block.text, out);
    writer.reasoning(objectIn(objectIn(block.reasoningContent, 'reasoningText'), 'text'), out);
    // Text with citations is inside the block that names them.
    for (const piece of listIn(block.citationsContent, 'content')) writer.text(objectIn(piece, 'text'), out);
    if (block.toolUse) {
      const call = writer.tool(block.toolUse, out);
      call?.arguments(argumentsJson(objectIn(block.toolUse, 'input')), out);
    }
  }
  writer.end(stopReason, objectIn(answer, 'usage'), out);
  return out;
}

const blockOf = (said: unknown): number => countIn(said, 'contentBlockIndex') ?? 0;

/**
 * Decodes ConverseStream. The answer is complete when both `messageStop` and `metadata` have come, in whichever
 * order; only `messageStop` is indispensable. No finish is reported before that, so that a broken stream never looks
 * complete.
 */
export function converseDecoder(job: ChatJob): StreamDecoder {
  const writer = new AnswerWriter(job);
  /** Calls in progress by block; `undefined` for one that is not passed on. */
  const calls = new Map<number, ToolCallWriter | undefined>();
  let stopReason: string | undefined;
  let usage: unknown;
  let metadata = false;

  function delta(said: unknown, out: Event[]): void {
    const part = objectIn(said, 'delta');
    if (!isObject(part)) return;
    writer.text(part.text, out);
    writer.reasoning(objectIn(part.reasoningContent, 'text'), out);
    if (!part.toolUse) return;
    const block = blockOf(said);
    // Arguments of a call that never began: a piece of the answer is missing.
    if (!calls.has(block)) throw interrupted();
    calls.get(block)?.arguments(textIn(part.toolUse, 'input'), out);
  }

  return {
    event(type, payload, out) {
      switch (type) {
        case 'contentBlockDelta':
          delta(jsonOf(payload), out);
          break;
        case 'contentBlockStart': {
          const said = jsonOf(payload);
          const toolUse = objectIn(objectIn(said, 'start'), 'toolUse');
          if (toolUse) calls.set(blockOf(said), writer.tool(toolUse, out));
          break;
        }
        case 'contentBlockStop':
          calls.get(blockOf(jsonOf(payload)))?.end(out);
          break;
        case 'messageStop':
          stopReason = textIn(jsonOf(payload), 'stopReason');
          break;
        case 'metadata':
          usage = objectIn(jsonOf(payload), 'usage');
          metadata = true;
      }
    },
    complete: () => stopReason !== undefined && metadata,
    end(out) {
      if (stopReason === undefined) throw interrupted();
      for (const call of calls.values()) call?.end(out);
      writer.end(stopReason, usage, out);
    },
  };
}
