import type { Event, GatewayError, Usage } from '../../core/index.ts';
import { type ChatForm, chatReason, completionReason, type Envelope, reasoningFields } from './answer.ts';
import { errorBody } from './errors.ts';
import { toChatLogprobs, toCompletionLogprobs } from './logprobs.ts';
import { toUsage } from './usage.ts';

/** Turns a stream's events into server-sent events: one string for each batch, so that one read in is one write out. */
export interface StreamEncoder {
  encode(batch: readonly Event[]): string;
  /** The usage chunk if it was asked for, and `[DONE]`. */
  end(): string;
  /** The typed error chunk; nothing may follow it, so that a broken stream never looks complete. */
  fail(error: GatewayError): string;
}

export interface StreamOptions {
  readonly includeUsage: boolean;
  /** Completions only: what stands in front of each choice's text. */
  readonly echoes?: (choice: number) => string;
}

type Said = Extract<Event, { type: 'text' | 'reasoning' }>;

/** Events of one choice and kind as one. */
function joined(run: readonly Said[]): Event | undefined {
  const [first, ...others] = run;
  if (!first || others.length === 0) return first;
  let { text } = first;
  for (const other of others) text += other.text;
  if (first.type === 'reasoning') return { ...first, text };
  if (!run.some((event) => 'logprobs' in event)) return { ...first, text };
  const logprobs = run.flatMap((event) => ('logprobs' in event ? (event.logprobs ?? []) : []));
  return { ...first, text, ...(logprobs.length > 0 ? { logprobs } : {}) };
}

/** Texts of one choice that came in one read are one chunk: the caller's events are the network's, not the tokenizer's. */
function coalesce(batch: readonly Event[]): Event[] {
  const out: Event[] = [];
  let run: Said[] = [];
  const flush = (): void => {
    const one = joined(run);
    if (one) out.push(one);
    run = [];
  };
  for (const event of batch) {
    const said = event.type === 'text' || event.type === 'reasoning' ? event : undefined;
    const [first] = run;
    if (first && (said?.type !== first.type || said.choice !== first.choice)) flush();
    if (said) run.push(said);
    else out.push(event);
  }
  flush();
  return out;
}

type ChoiceEvent = Exclude<Event, { type: 'usage' }>;

/** The frame of both kinds of stream; `choices` writes the choice objects of one event, usually one. */
function encoder(
  envelope: Envelope,
  object: string,
  options: StreamOptions,
  choices: (event: ChoiceEvent) => readonly string[],
  failed: object,
): StreamEncoder {
  const { id, created, model, provider, fingerprint } = envelope;
  // A chunk may leave the fingerprint out, and has no null: OpenAI's schema and `@openrouter/sdk`, which refuses one.
  const known = fingerprint === null ? {} : { system_fingerprint: fingerprint };
  const about = { id, object, created, model, provider, ...known };
  // Written once for the whole stream.
  const head = `data: ${JSON.stringify(about).slice(0, -1)}`;
  const before = `${head},"choices":[`;
  const after = options.includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  let usage: Usage | undefined;
  return {
    encode(batch) {
      let out = '';
      for (const event of batch.length > 1 ? coalesce(batch) : batch) {
        if (event.type === 'usage') usage = event.usage;
        else for (const choice of choices(event)) out += before + choice + after;
      }
      return out;
    },
    end() {
      if (!options.includeUsage || !usage) return 'data: [DONE]\n\n';
      const debug = envelope.debug ? `,"chasqui":${JSON.stringify(envelope.debug(usage))}` : '';
      const counted = JSON.stringify(toUsage(usage, envelope.costs));
      return `${head},"choices":[],"usage":${counted}${debug}}\n\ndata: [DONE]\n\n`;
    },
    fail(error) {
      const body = JSON.stringify(errorBody(error)).slice(1, -1);
      return `${head},${body},"choices":[${JSON.stringify(failed)}]}\n\n`;
    },
  };
}

/** Chunks of `POST /v1/chat/completions`. The role comes once for each choice, before anything else of it. */
export function chatStream(envelope: Envelope, options: StreamOptions & ChatForm): StreamEncoder {
  const begun = new Set<number>();
  const delta = (choice: number, body: string, logprobs: string, finish: string) =>
    `{"index":${choice},"delta":${body},"logprobs":${logprobs},"finish_reason":${finish}}`;
  const write = (event: ChoiceEvent): string => {
    switch (event.type) {
      case 'text': {
        const logprobs = event.logprobs ? JSON.stringify(toChatLogprobs(event.logprobs)) : 'null';
        return delta(event.choice, `{"content":${JSON.stringify(event.text)}}`, logprobs, 'null');
      }
      case 'reasoning':
        return delta(event.choice, JSON.stringify(reasoningFields(event.text)), 'null', 'null');
      case 'tool': {
        const opening = event.id === undefined ? {} : { id: event.id, type: 'function' };
        const name = event.name === undefined ? {} : { name: event.name };
        if (options.legacyFunctions) {
          const made = JSON.stringify({ ...name, arguments: event.arguments });
          return delta(event.choice, `{"function_call":${made}}`, 'null', 'null');
        }
        const call = { index: event.index, ...opening, function: { ...name, arguments: event.arguments } };
        return delta(event.choice, `{"tool_calls":[${JSON.stringify(call)}]}`, 'null', 'null');
      }
      case 'finish':
        return delta(event.choice, '{}', 'null', `"${chatReason(event.reason, options)}"`);
    }
  };
  const isHidden = (event: ChoiceEvent): boolean =>
    event.type === 'reasoning'
      ? options.hideReasoning === true
      : event.type === 'tool' && options.legacyFunctions === true && event.index > 0;
  const choices = (event: ChoiceEvent): readonly string[] => {
    if (isHidden(event)) return [];
    if (begun.has(event.choice)) return [write(event)];
    begun.add(event.choice);
    return [delta(event.choice, '{"role":"assistant","content":""}', 'null', 'null'), write(event)];
  };
  const failed = { index: 0, delta: { content: '' }, logprobs: null, finish_reason: 'error' };
  return encoder(envelope, 'chat.completion.chunk', options, choices, failed);
}

/** Chunks of `POST /v1/completions`. Reasoning and tool calls have no place in them. */
export function completionStream(envelope: Envelope, options: StreamOptions): StreamEncoder {
  const lengths = new Map<number, number>();
  const chunk = (index: number, text: string, logprobs: string, finish: string) =>
    `{"index":${index},"text":${JSON.stringify(text)},"logprobs":${logprobs},"finish_reason":${finish}}`;
  const choices = (event: ChoiceEvent): readonly string[] => {
    const out: string[] = [];
    let offset = lengths.get(event.choice);
    if (offset === undefined) {
      const echo = options.echoes?.(event.choice) ?? '';
      if (echo) out.push(chunk(event.choice, echo, 'null', 'null'));
      offset = echo.length;
      lengths.set(event.choice, offset);
    }
    if (event.type === 'text') {
      const logprobs = event.logprobs ? JSON.stringify(toCompletionLogprobs(event.logprobs, offset)) : 'null';
      out.push(chunk(event.choice, event.text, logprobs, 'null'));
      lengths.set(event.choice, offset + event.text.length);
    } else if (event.type === 'finish') {
      out.push(chunk(event.choice, '', 'null', `"${completionReason(event.reason)}"`));
    }
    return out;
  };
  return encoder(envelope, 'text_completion', options, choices, {
    index: 0,
    text: '',
    logprobs: null,
    finish_reason: 'error',
  });
}
