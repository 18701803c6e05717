/** Streams, as Anthropic's clients read them: server-sent events with names, one string for each batch of ours. */
import { type Event, GatewayError, type Usage } from '../../core/index.ts';
import type { Envelope, StreamEncoder } from '../dialect.ts';
import {
  addedText,
  type Block,
  type BlockEvent,
  blockOf,
  deltaUsage,
  goesOn,
  isShown,
  messageId,
  signatureOf,
  stopOf,
  USAGE_CONSTANTS,
} from './answer.ts';
import { messagesError } from './errors.ts';
import type { MessagesRequest } from './request.ts';

/** An event with its type's name, without which clients skip it. `rest` are further members, as JSON. */
const sse = (type: string, rest = ''): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;

const DELTAS = {
  text: ['text_delta', 'text'],
  thinking: ['thinking_delta', 'thinking'],
  tool_use: ['input_json_delta', 'partial_json'],
} as const;

const START = {
  text: '{"type":"text","text":"","citations":null}',
  thinking: '{"type":"thinking","thinking":"","signature":""}',
} as const;

/** Whether a tool call has all of its arguments. */
function isComplete(json: string): boolean {
  if (!json.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(json);
    return true;
  } catch {
    // More is to come.
    return false;
  }
}

/** The text of a batch that is nothing but text of choice 0, as most are. */
function plainText(batch: readonly Event[]): string | undefined {
  let text = '';
  for (const event of batch) {
    if (event.type !== 'text') return undefined;
    text += event.text;
  }
  return text === '' ? undefined : text;
}

/**
 * Clients address a delta by the index of its block, and take one for a block that is closed as a broken stream. So
 * one block is open at a time, and what a provider says of another meanwhile, as when it calls several tools at once,
 * waits its turn.
 */
export function messageStream(request: MessagesRequest, envelope: Envelope): StreamEncoder {
  let index = -1;
  let open: Block | undefined;
  /** Blocks that have begun after the open one. */
  let waiting: Block[] = [];
  const called = new Set<number>();
  let finish: Extract<Event, { type: 'finish' }> | undefined;
  let usage: Usage | undefined;
  let started = false;
  let deltaHead = '';

  function start(): string {
    started = true;
    const message = {
      id: messageId(envelope),
      type: 'message',
      role: 'assistant',
      model: envelope.model,
      provider: envelope.provider,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      ...(envelope.vote ? { vote: envelope.vote } : {}),
      usage: {
        ...USAGE_CONSTANTS,
        input_tokens: envelope.promptTokens?.() ?? 0,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
        output_tokens: 0,
        output_tokens_details: null,
        server_tool_use: null,
      },
    };
    return sse('message_start', `,"message":${JSON.stringify(message)}`);
  }

  const written = (text: string): string => `${deltaHead}${JSON.stringify(text)}}}\n\n`;
  const isHidden = (block: Block): boolean => block.type === 'thinking' && request.thinking === 'omitted';

  function begin(block: Block): string {
    open = block;
    index += 1;
    const [delta, field] = DELTAS[block.type];
    deltaHead = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${delta}","${field}":`;
    const about =
      block.type === 'tool_use'
        ? JSON.stringify({ type: block.type, id: block.id, name: block.name, input: {}, caller: { type: 'direct' } })
        : START[block.type];
    const head = sse('content_block_start', `,"index":${index},"content_block":${about}`);
    return block.text === '' || isHidden(block) ? head : head + written(block.text);
  }

  function close(): string {
    if (!open) return '';
    let out = '';
    if (open.type === 'thinking') {
      const signature = signatureOf(open.text, envelope);
      const delta = `,"index":${index},"delta":{"type":"signature_delta","signature":${JSON.stringify(signature)}}`;
      if (signature !== '') out = sse('content_block_delta', delta);
    }
    open = undefined;
    return out + sse('content_block_stop', `,"index":${index}`);
  }

  /** Closes the open block and opens the next, as long as one waits and the open one has come to its end. */
  function advance(all: boolean): string {
    let out = '';
    for (let next = waiting[0]; next; next = waiting[0]) {
      if (!all && open?.type === 'tool_use' && !isComplete(open.text)) break;
      waiting = waiting.slice(1);
      out += close() + begin(next);
    }
    return out;
  }

  function add(event: BlockEvent): string {
    const text = addedText(event);
    if (open && waiting.length === 0 && goesOn(open, event)) {
      // What was written of a text need not be kept.
      if (open.type !== 'text') open.text += text;
      return text === '' || isHidden(open) ? '' : written(text);
    }
    if (event.type === 'tool') {
      if (open && goesOn(open, event)) {
        open.text += text;
        return (text === '' ? '' : written(text)) + advance(false);
      }
      const block = waiting.find((one) => goesOn(one, event));
      if (block) {
        block.text += text;
        return '';
      }
      if (called.has(event.index)) {
        if (text.trim() === '') return '';
        throw new GatewayError('provider_error', 'The provider went on with a tool call that had come to its end.');
      }
      called.add(event.index);
    } else {
      const last = waiting.at(-1);
      if (last && goesOn(last, event)) {
        last.text += text;
        return '';
      }
    }
    waiting.push(blockOf(event));
    if (open) return advance(false);
    const [first, ...rest] = waiting;
    waiting = rest;
    return first ? begin(first) : '';
  }

  return {
    keepAlive: sse('ping'),
    encode(batch) {
      const text = open?.type === 'text' && waiting.length === 0 ? plainText(batch) : undefined;
      if (text !== undefined) return written(text);
      let out = started ? '' : start();
      for (const event of batch) {
        if (event.type === 'usage') usage = event.usage;
        else if (event.type === 'finish') {
          finish = event;
          out += advance(true) + close();
        } else if (isShown(event, request)) out += add(event);
      }
      return out;
    },
    end() {
      const counted = usage ? deltaUsage(usage, envelope) : { output_tokens: 0 };
      const debug = envelope.debug ? `,"chasqui":${JSON.stringify(envelope.debug(usage))}` : '';
      const delta = JSON.stringify(stopOf(finish, request, called.size > 0));
      return (
        (started ? '' : start()) +
        advance(true) +
        close() +
        sse('message_delta', `,"delta":${delta},"usage":${JSON.stringify(counted)}${debug}`) +
        sse('message_stop')
      );
    },
    fail(error) {
      const { body } = messagesError(error, envelope.requestId ?? '');
      return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
    },
  };
}
