/** Streams, as OpenAI's clients read them: server-sent events, one string for each batch of ours. */
import type { Event, Usage } from '../../core/index.ts';
import type { Envelope, StreamEncoder } from '../dialect.ts';
import {
  type ChatAnswerForm,
  chatReason,
  completionReason,
  errorBody,
  reasoningFields,
  toChatLogprobs,
  toCompletionLogprobs,
  toUsage,
} from './answer.ts';

export interface StreamOptions {
  readonly includeUsage: boolean;
  /** Completions only: the text to repeat before each choice. */
  readonly echoes?: (choice: number) => string;
}

type TextEvent = Extract<Event, { type: 'text' | 'reasoning' }>;

/** Texts of one choice and type, as one event. */
function joined(run: readonly TextEvent[]): Event | undefined {
  const [first, ...others] = run;
  if (!first || others.length === 0) return first;
  let { text } = first;
  for (const other of others) text += other.text;
  if (first.type === 'reasoning') return { ...first, text };
  if (!run.some((event) => 'logprobs' in event)) return { ...first, text };
  const logprobs = run.flatMap((event) => ('logprobs' in event ? (event.logprobs ?? []) : []));
  return { ...first, text, ...(logprobs.length > 0 ? { logprobs } : {}) };
}

/** Joins texts of one choice that came in one network read: they become one chunk. */
function coalesce(batch: readonly Event[]): Event[] {
  const out: Event[] = [];
  let run: TextEvent[] = [];
  const flush = (): void => {
    const one = joined(run);
    if (one) out.push(one);
    run = [];
  };
  for (const event of batch) {
    const text = event.type === 'text' || event.type === 'reasoning' ? event : undefined;
    const [first] = run;
    if (first && (text?.type !== first.type || text.choice !== first.choice)) flush();
    if (text) run.push(text);
    else out.push(event);
  }
  flush();
  return out;
}

type ChoiceEvent = Exclude<Event, { type: 'usage' }>;

/** The text of a batch that is nothing but text of choice 0, as most are. */
function plainText(batch: readonly Event[]): string | undefined {
  if (batch.length === 0) return undefined;
  let text = '';
  for (const event of batch) {
    if (event.type !== 'text' || event.choice !== 0 || event.logprobs) return undefined;
    text += event.text;
  }
  return text;
}

/** How a chunk with nothing but text of choice 0 is written, once that choice has begun. */
interface PlainChunk {
  readonly before: string;
  readonly after: string;
  isReady(): boolean;
  written(text: string): void;
}

/**
 * What both kinds of stream share.
 *
 * @param choices writes the choice objects of one event, usually one
 * @param plain what precedes and follows the text, as JSON, in the choice object of a chunk of choice 0 with text alone
 */
function encoder(
  envelope: Envelope,
  object: string,
  options: StreamOptions,
  choices: (event: ChoiceEvent) => readonly string[],
  plain: PlainChunk,
  failed: object,
): StreamEncoder {
  const { id, created, model, provider, fingerprint } = envelope;
  // In a chunk the fingerprint may be left out but not be null: `@openrouter/sdk` refuses that.
  const known = fingerprint === null ? {} : { system_fingerprint: fingerprint };
  const about = { id, object, created, model, provider, ...known };
  // Written once for the whole stream.
  const head = `data: ${JSON.stringify(about).slice(0, -1)}`;
  const before = `${head},"choices":[`;
  let first = envelope.vote ? `${head},"vote":${JSON.stringify(envelope.vote)},"choices":[` : before;
  const after = options.includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  const plainBefore = before + plain.before;
  const plainAfter = plain.after + after;
  let usage: Usage | undefined;
  return {
    encode(batch) {
      const text = plain.isReady() ? plainText(batch) : undefined;
      if (text !== undefined) {
        plain.written(text);
        return plainBefore + JSON.stringify(text) + plainAfter;
      }
      let out = '';
      for (const event of batch.length > 1 ? coalesce(batch) : batch) {
        if (event.type === 'usage') usage = event.usage;
        else {
          for (const choice of choices(event)) {
            out += first + choice + after;
            first = before;
          }
        }
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
export function chatStream(envelope: Envelope, options: StreamOptions & ChatAnswerForm): StreamEncoder {
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
  const plain: PlainChunk = {
    before: '{"index":0,"delta":{"content":',
    after: '},"logprobs":null,"finish_reason":null}',
    isReady: () => begun.has(0),
    written: () => undefined,
  };
  return encoder(envelope, 'chat.completion.chunk', options, choices, plain, failed);
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
  const plain: PlainChunk = {
    before: '{"index":0,"text":',
    after: ',"logprobs":null,"finish_reason":null}',
    isReady: () => lengths.has(0),
    written: (text) => lengths.set(0, (lengths.get(0) ?? 0) + text.length),
  };
  return encoder(envelope, 'text_completion', options, choices, plain, {
    index: 0,
    text: '',
    logprobs: null,
    finish_reason: 'error',
  });
}
