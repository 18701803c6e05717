/**
 * Maps the objects of an OpenAI response, a JSON body or the chunks of a stream, to the gateway's events. Knows how
 * servers differ from OpenAI; single values are read in response-fields.ts.
 */
import {
  completionTokens,
  type Event,
  type FinishReason,
  GatewayError,
  isObject,
  type Job,
  type JsonObject,
  type Usage,
} from '../../src/core/index.ts';
import { errorIn, foreignAnswer, interrupted, type ReasoningField, type Upstream } from './errors.ts';
import { count, filled, finishReason, readLogprobs, readUsage } from './response-fields.ts';
import { type ToolCalls, toolCalls } from './tool-calls.ts';

interface Choice {
  readonly tools: ToolCalls;
  /** It has sent content: text, reasoning or a tool call. */
  spoke: boolean;
  /** It has come in deltas. */
  pieces: boolean;
  finish: { readonly reason: FinishReason; readonly native: string } | undefined;
  /** The stop string that ended it, where the server names it. */
  stopString: string | undefined;
}

/** Maps the objects of one response to events. */
export interface ResponseMapper {
  /** @throws GatewayError if the object is an error or its choice failed. Events before it are in `into`. */
  read(wire: unknown, into: Event[]): void;
  /** Does what `read` would do for a chunk whose only content is this text. */
  readText(choice: number, text: string, into: Event[]): void;
  /**
   * Call it when nothing more comes: adds the finishes and the usage. `terminated` means that the server itself ended
   * the response (`[DONE]`). If only the connection closed, a choice may be missing.
   * @throws GatewayError if the answer is not complete
   */
  end(into: Event[], terminated: boolean): void;
  /** There is at least one choice, and all choices seen have finished. */
  readonly finished: boolean;
  /** Finished, and only optional parts can follow: all requested choices are there. After a tool call, the usage must
   *  have come too, because a server may send a further call before it. */
  readonly settled: boolean;
  /** The server has sent its usage. */
  readonly hasUsage: boolean;
  /** The model that the server says it used. */
  readonly model: string | undefined;
  /** The server's `system_fingerprint`. */
  readonly fingerprint: string | undefined;
}

const REASONING_FIELDS: readonly ReasoningField[] = ['reasoning', 'reasoning_content'];

/**
 * A message's content as text. It is a string; a list of parts from some servers of reasoning models; or any JSON
 * value, because Cloudflare Workers AI parses an answer that is JSON.
 */
function contentText(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (typeof content === 'number' || typeof content === 'boolean') return String(content);
  if (Array.isArray(content)) return content.map(partText).join('');
  if (!isObject(content)) return undefined;
  return typeof content.type === 'string' && typeof content.text === 'string' ? content.text : JSON.stringify(content);
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part;
  return isObject(part) && part.type !== 'reasoning' && typeof part.text === 'string' ? part.text : '';
}

/** Takes an answer out of a proxy's envelope `{"success": true, "data": {"choices": […]}}`, which Cline uses. */
const unwrapped = (wire: unknown): unknown =>
  isObject(wire) && wire.choices === undefined && isObject(wire.data) && Array.isArray(wire.data.choices)
    ? wire.data
    : wire;

/** Groq's extension `x_groq`: its usage, and the error of a stream that ends early. */
const groqIn = (wire: JsonObject): JsonObject => (isObject(wire.x_groq) ? wire.x_groq : {});

/** The usage in a response object, or in its last choice (Moonshot). */
function usageIn(wire: JsonObject): Usage | undefined {
  const told = readUsage(wire.usage) ?? readUsage(groqIn(wire).usage);
  if (told || !Array.isArray(wire.choices)) return told;
  const last: unknown = wire.choices.at(-1);
  return isObject(last) ? readUsage(last.usage) : undefined;
}

/** A finish reason: a string, or SGLang's `{"type": "stop", "matched": 2}`. */
const reasonIn = (value: unknown): string | undefined => filled(isObject(value) ? value.type : value);

/**
 * vLLM names the stop string that matched beside the finish reason (`CompletionOutput.stop_reason`), SGLang within it
 * or in `matched_stop`. Where a token ended the answer, they have its id instead, a number.
 */
function stopStringIn({ stop_reason, matched_stop, finish_reason }: JsonObject): string | undefined {
  const matched = isObject(finish_reason) ? finish_reason.matched : undefined;
  return filled(stop_reason) ?? filled(matched_stop) ?? filled(matched);
}

/** Deeper than the reasoning of any known server. */
const MAX_DEPTH = 4;

/**
 * Reasoning as text. It is a string, `{"text": …}`, or a list of parts, as in OpenRouter's `reasoning_details` and
 * Mistral's `thinking`. Undefined where there is none.
 */
function reasoningIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return filled(value);
  if (depth === MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return filled(value.map((part) => reasoningIn(part, depth + 1) ?? '').join(''));
  if (!isObject(value)) return undefined;
  return reasoningIn(value.text ?? value.thinking ?? value.summary ?? value.content, depth + 1);
}

/**
 * Reasoning among the parts of a content: Mistral's `thinking` (https://docs.mistral.ai/capabilities/reasoning) and
 * Databricks' parts of type `reasoning`.
 */
const reasoningPartsIn = (content: unknown): string | undefined =>
  Array.isArray(content)
    ? reasoningIn(
        content.filter((part) => isObject(part) && (part.thinking !== undefined || part.type === 'reasoning')),
      )
    : undefined;

/**
 * Finish reasons are held back until the end, because they are not final: Together sends `tool_calls` after the first
 * of two parallel calls and again after the second. A choice that goes on after its finish must finish again.
 */
export function responseMapper(job: Job, upstream: Upstream, form: 'chunks' | 'whole'): ResponseMapper {
  const choices = new Map<number, Choice>();
  const topK = job.sampling.logprobs;
  let usage: Usage | undefined;
  let model: string | undefined;
  let fingerprint: string | undefined;
  /** The first object that is not OpenAI's format. */
  let strange: unknown;
  /** The server sends finish reasons. */
  let reasons = false;

  function choiceAt(index: number): Choice {
    const known = choices.get(index);
    if (known) return known;
    const opened: Choice = {
      tools: toolCalls(index, form),
      spoke: false,
      pieces: false,
      finish: undefined,
      stopString: undefined,
    };
    choices.set(index, opened);
    return opened;
  }

  /** Together's chunks carry the text twice: as `text` and as `delta.content`. A refusal replaces the content. */
  function textIn(wire: JsonObject, delta: JsonObject): string {
    const content = filled(contentText(delta.content)) ?? filled(delta.refusal);
    const text = typeof wire.text === 'string' ? wire.text : undefined;
    return (job.kind === 'chat' ? (content ?? text) : (text ?? content)) ?? '';
  }

  function readChoice(wire: JsonObject, position: number, ending: unknown, into: Event[]): void {
    // OpenRouter puts the error of a choice beside its finish reason.
    const gaveUp = isObject(wire.error) ? errorIn({ error: wire.error }, upstream) : undefined;
    if (gaveUp) throw gaveUp;
    const delta = isObject(wire.delta) ? wire.delta : isObject(wire.message) ? wire.message : undefined;
    // Google's OpenAI endpoint has sent `finishReason`.
    const native = reasonIn(wire.finish_reason) ?? reasonIn(wire.finishReason) ?? filled(ending);
    if (!delta && native === undefined && typeof wire.text !== 'string') return;
    const index = count(wire.index) ?? position;
    const choice = choiceAt(index);
    const before = into.length;

    // MiniMax ends a stream with the whole message, which the caller has already got in deltas.
    const repeated = choice.pieces && !isObject(wire.delta) && typeof wire.text !== 'string';
    const said = repeated ? {} : (delta ?? {});
    const field = REASONING_FIELDS.find((name) => reasoningIn(said[name]) !== undefined);
    if (field !== undefined) upstream.reasoningSeen?.(field);
    const reasoning =
      (field === undefined ? undefined : reasoningIn(said[field])) ??
      reasoningIn(said.reasoning_details) ??
      reasoningIn(said.thinking) ??
      reasoningIn(said.reasoning_text) ??
      reasoningPartsIn(said.content);
    if (reasoning !== undefined) into.push({ type: 'reasoning', choice: index, text: reasoning });
    const text = textIn(wire, said);
    const logprobs = topK === undefined ? [] : readLogprobs(wire.logprobs, text, topK);
    if (logprobs.length > 0) into.push({ type: 'text', choice: index, text, logprobs });
    else if (text !== '') into.push({ type: 'text', choice: index, text });
    if (Array.isArray(said.tool_calls)) for (const entry of said.tool_calls) choice.tools.read(entry, into);
    if (isObject(said.function_call)) choice.tools.read({ function: said.function_call }, into);
    if (into.length > before) {
      choice.spoke = true;
      choice.pieces ||= isObject(wire.delta);
      choice.finish = undefined;
    }

    if (native === undefined) return;
    const reason = finishReason(native);
    if (reason === 'failed') {
      throw new GatewayError('provider_error', `${upstream.name} gave up on the answer before it was complete.`, {
        provider: upstream.id,
        upstreamCode: native,
      });
    }
    choice.finish = { reason, native };
    choice.stopString = stopStringIn(wire);
    reasons = true;
  }

  /** Together sends an echoed prompt beside the choices, not in them: `prompt: [{text, logprobs}]`. */
  function readEcho(prompts: readonly unknown[], choices: readonly unknown[], into: Event[]): void {
    for (const [position, choice] of choices.entries()) {
      const prompt = prompts[position] ?? prompts[0];
      if (!isObject(prompt) || typeof prompt.text !== 'string') continue;
      const index = (isObject(choice) ? count(choice.index) : undefined) ?? position;
      const logprobs = topK === undefined ? [] : readLogprobs(prompt.logprobs, prompt.text, topK);
      into.push({ type: 'text', choice: index, text: prompt.text, ...(logprobs.length > 0 ? { logprobs } : {}) });
    }
  }

  const finished = (): boolean => {
    for (const choice of choices.values()) if (!choice.finish) return false;
    return choices.size > 0;
  };

  /**
   * Snowflake Cortex never sends a finish reason. Such a response is complete when usage and `[DONE]` have come. A
   * server that sends finish reasons, and sent none for this choice, has not finished.
   */
  const doneWithoutReason = (terminated: boolean): boolean =>
    terminated &&
    usage !== undefined &&
    !reasons &&
    choices.size > 0 &&
    [...choices.values()].every(({ spoke }) => spoke);

  /** A usage of zero output tokens for an answer that has content is not a real one. */
  const isPlaceholder = (told: Usage): boolean =>
    completionTokens(told) === 0 &&
    !(job.kind === 'prompt' && job.echo) &&
    [...choices.values()].some(({ spoke }) => spoke);

  return {
    read(answered, into) {
      const wire = unwrapped(answered);
      const failure = errorIn(wire, upstream);
      if (failure) throw failure;
      if (!isObject(wire)) {
        strange ??= wire;
        return;
      }
      const ended = groqIn(wire).error;
      if (ended) throw errorIn({ error: ended }, upstream) ?? interrupted(upstream);
      model ??= filled(wire.model);
      fingerprint ??= filled(wire.system_fingerprint);
      usage = usageIn(wire) ?? usage;
      if (Array.isArray(wire.choices)) {
        if (job.kind === 'prompt' && job.echo && Array.isArray(wire.prompt)) readEcho(wire.prompt, wire.choices, into);
        // Together's schema of a completion chunk has `finish_reason` beside its one choice.
        const ending = wire.choices.length === 1 ? wire.finish_reason : undefined;
        for (const [position, choice] of wire.choices.entries()) {
          if (isObject(choice)) readChoice(choice, position, ending, into);
        }
      } else if (wire.usage === undefined) {
        strange ??= wire;
      }
    },

    readText(index, text, into) {
      const choice = choiceAt(index);
      choice.spoke = true;
      choice.finish = undefined;
      into.push({ type: 'text', choice: index, text });
    },

    end(into, terminated) {
      if (choices.size === 0 && (strange !== undefined || form === 'whole')) {
        throw foreignAnswer(`${upstream.name} answered in a form that is not OpenAI's.`, strange, upstream);
      }
      const complete = (finished() && (terminated || choices.size >= job.n)) || doneWithoutReason(terminated);
      if (form === 'chunks' && !complete) throw interrupted(upstream);
      for (const [index, choice] of [...choices].sort(([a], [b]) => a - b)) {
        choice.tools.end(upstream, into);
        // Without a finish reason it is complete too: a JSON body because it parsed, a stream because it said so.
        const { reason, native } = choice.finish ?? { reason: 'stop' as const, native: undefined };
        into.push({
          type: 'finish',
          choice: index,
          reason: reason === 'stop' && choice.tools.any ? 'tool_calls' : reason,
          ...(native === undefined ? {} : { native }),
          ...(choice.stopString === undefined ? {} : { stopString: choice.stopString }),
        });
      }
      if (usage && !isPlaceholder(usage)) into.push({ type: 'usage', usage });
    },

    get finished() {
      return finished();
    },
    get settled() {
      if (choices.size < job.n || !finished()) return false;
      return usage !== undefined || [...choices.values()].every((choice) => !choice.tools.any);
    },
    get hasUsage() {
      return usage !== undefined;
    },
    get model() {
      return model;
    },
    get fingerprint() {
      return fingerprint;
    },
  };
}
