import {
  completionTokens,
  type Event,
  type FinishReason,
  GatewayError,
  type Job,
  type Usage,
} from '../../src/core/index.ts';
import { errorIn, foreignAnswer } from './errors.ts';
import { finishReason } from './finish.ts';
import { readLogprobs } from './logprobs.ts';
import { count, filled, isObject, type JsonObject } from './shape.ts';
import { type ToolCalls, toolCalls } from './tool-calls.ts';
import { interrupted, type ReasoningField, type Upstream } from './upstream.ts';
import { readUsage } from './usage.ts';

interface Choice {
  readonly tools: ToolCalls;
  /** It has said something. */
  spoke: boolean;
  /** It has come in pieces. */
  pieces: boolean;
  finish: { readonly reason: FinishReason; readonly native: string } | undefined;
}

/** Turns the objects of one answer, a JSON body or the chunks of a stream, into events. */
export interface Decoder {
  /** @throws GatewayError if the object is an error or its choice failed; events before it are in `into`. */
  read(wire: unknown, into: Event[]): void;
  /** As `read` of a chunk like one that was read before, in all but the text that it brings. */
  more(choice: number, text: string, into: Event[]): void;
  /**
   * Nothing more comes: the finishes and the usage. `terminated` says that the server itself said so, as `[DONE]` does
   * and a closed connection does not: then a choice may be missing altogether.
   * @throws GatewayError if the answer was not complete.
   */
  end(into: Event[], terminated: boolean): void;
  /** Every choice seen has finished, and there is one. */
  readonly finished: boolean;
  /** As `finished`, and nothing can follow but what is optional: every choice asked for is there, and no server sends
   *  a further tool call after its usage. */
  readonly settled: boolean;
  /** The model the server says it used. */
  readonly model: string | undefined;
  /** The server's `system_fingerprint`. */
  readonly fingerprint: string | undefined;
}

const THOUGHT_FIELDS: readonly ReasoningField[] = ['reasoning', 'reasoning_content'];

/**
 * A message's content: a string; parts, as some servers of reasoning models send them; or what a JSON answer parses to, which
 * Cloudflare Workers AI gives in place of its text, a number or a word of it among them.
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

/** An answer that a proxy has put into an envelope: `{"success": true, "data": {"choices": […]}}`, Cline's among them. */
const unwrapped = (wire: unknown): unknown =>
  isObject(wire) && wire.choices === undefined && isObject(wire.data) && Array.isArray(wire.data.choices)
    ? wire.data
    : wire;

/** Groq has what OpenAI does not in `x_groq`: its bill, and why a stream ends early. */
const groqIn = (wire: JsonObject): JsonObject => (isObject(wire.x_groq) ? wire.x_groq : {});

/** The usage an object tells: by itself, or in its last choice (Moonshot). */
function usageIn(wire: JsonObject): Usage | undefined {
  const told = readUsage(wire.usage) ?? readUsage(groqIn(wire).usage);
  if (told || !Array.isArray(wire.choices)) return told;
  const last: unknown = wire.choices.at(-1);
  return isObject(last) ? readUsage(last.usage) : undefined;
}

/** Why a choice ended: a word, or SGLang's `{"type": "stop", "matched": 2}`. */
const reasonIn = (value: unknown): string | undefined => filled(isObject(value) ? value.type : value);

/** Deeper than any form of reasoning that a server sends. */
const MAX_DEPTH = 4;

/**
 * A reasoning in the forms that servers give it: a string, `{"text": …}`, or a list of parts, as in OpenRouter's
 * `reasoning_details` and Mistral's `thinking`. Undefined where there is none.
 */
function reasoningIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return filled(value);
  if (depth === MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return filled(value.map((part) => reasoningIn(part, depth + 1) ?? '').join(''));
  if (!isObject(value)) return undefined;
  return reasoningIn(value.text ?? value.thinking ?? value.summary ?? value.content, depth + 1);
}

/**
 * Parts of a content that are no text to read out: https://docs.mistral.ai/capabilities/reasoning, and Databricks' with their
 * type, `reasoning`.
 */
const thoughtIn = (content: unknown): string | undefined =>
  Array.isArray(content)
    ? reasoningIn(
        content.filter((part) => isObject(part) && (part.thinking !== undefined || part.type === 'reasoning')),
      )
    : undefined;

/**
 * Finishes are held back to the end, because they are not final: Together says `tool_calls` after the first of
 * two parallel calls and again after the second. A choice that goes on after its finish must finish again.
 * `provider` is its name as callers read it.
 */
export function decoder(job: Job, upstream: Upstream, form: 'chunks' | 'whole'): Decoder {
  const choices = new Map<number, Choice>();
  const topK = job.sampling.logprobs;
  let usage: Usage | undefined;
  let model: string | undefined;
  let fingerprint: string | undefined;
  /** The first object that is none of OpenAI's. */
  let strange: unknown;
  /** The server says why a choice ends. */
  let reasons = false;

  function choiceAt(index: number): Choice {
    const known = choices.get(index);
    if (known) return known;
    const opened: Choice = { tools: toolCalls(index, form), spoke: false, pieces: false, finish: undefined };
    choices.set(index, opened);
    return opened;
  }

  /** Together's chunks carry the same text twice: as `text` and as `delta.content`. A refusal is said in place of a content. */
  function textIn(wire: JsonObject, delta: JsonObject): string {
    const content = filled(contentText(delta.content)) ?? filled(delta.refusal);
    const text = typeof wire.text === 'string' ? wire.text : undefined;
    return (job.kind === 'chat' ? (content ?? text) : (text ?? content)) ?? '';
  }

  function readChoice(wire: JsonObject, position: number, ending: unknown, into: Event[]): void {
    // OpenRouter says in the choice why it ends, whatever the reason it names.
    const gaveUp = isObject(wire.error) ? errorIn({ error: wire.error }, upstream) : undefined;
    if (gaveUp) throw gaveUp;
    const delta = isObject(wire.delta) ? wire.delta : isObject(wire.message) ? wire.message : undefined;
    // Google's OpenAI endpoint has named it in its own way.
    const native = reasonIn(wire.finish_reason) ?? reasonIn(wire.finishReason) ?? filled(ending);
    if (!delta && native === undefined && typeof wire.text !== 'string') return;
    const index = count(wire.index) ?? position;
    const choice = choiceAt(index);
    const before = into.length;

    // MiniMax ends a stream with the whole message, which has been said in pieces.
    const repeated = choice.pieces && !isObject(wire.delta) && typeof wire.text !== 'string';
    const said = repeated ? {} : (delta ?? {});
    const field = THOUGHT_FIELDS.find((name) => reasoningIn(said[name]) !== undefined);
    if (field !== undefined) upstream.thoughtSeen?.(field);
    const reasoning =
      (field === undefined ? undefined : reasoningIn(said[field])) ??
      reasoningIn(said.reasoning_details) ??
      reasoningIn(said.thinking) ??
      reasoningIn(said.reasoning_text) ??
      thoughtIn(said.content);
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
    reasons = true;
  }

  /** Together answers an echo beside the choices, which do not repeat it: `prompt: [{text, logprobs}]`. */
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
   * Servers that never say why a choice ended (Snowflake Cortex) are done with it when they say so themselves: with the bill
   * and `[DONE]`. A server that gives reasons, and gave none here, has not finished.
   */
  const doneWithoutReason = (terminated: boolean): boolean =>
    terminated &&
    usage !== undefined &&
    !reasons &&
    choices.size > 0 &&
    [...choices.values()].every(({ spoke }) => spoke);

  /** No token of an answer that said something (more than an echo): unknown is not zero. */
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
        // Together's own schema of a completion chunk has the finish beside its one choice.
        const ending = wire.choices.length === 1 ? wire.finish_reason : undefined;
        for (const [position, choice] of wire.choices.entries()) {
          if (isObject(choice)) readChoice(choice, position, ending, into);
        }
      } else if (wire.usage === undefined) {
        strange ??= wire;
      }
    },

    more(index, text, into) {
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
        // Complete all the same: a whole body by having parsed, a stream by its own word.
        const { reason, native } = choice.finish ?? { reason: 'stop' as const, native: undefined };
        into.push({
          type: 'finish',
          choice: index,
          reason: reason === 'stop' && choice.tools.any ? 'tool_calls' : reason,
          ...(native === undefined ? {} : { native }),
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
    get model() {
      return model;
    },
    get fingerprint() {
      return fingerprint;
    },
  };
}
