/** Streams, as Anthropic's clients read them: server-sent events with names, one string for each batch of ours. */
import type { Event, Usage } from '../../core/index.ts';
import { type AnswerBlock, blockRow, joined, plainText } from '../blocks.ts';
import type { Envelope, StreamEncoder } from '../dialect.ts';
import { deltaUsage, isShown, messageId, signatureOf, stopOf, USAGE_CONSTANTS } from './answer.ts';
import { messagesError } from './errors.ts';
import type { MessagesRequest } from './request.ts';

/** An event with its type's name, without which clients skip it. `rest` are further members, as JSON. */
const sse = (type: string, rest = ''): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;

const DELTAS = {
  text: ['text_delta', 'text'],
  reasoning: ['thinking_delta', 'thinking'],
  tool: ['input_json_delta', 'partial_json'],
} as const;

const START = {
  text: '{"type":"text","text":"","citations":null}',
  reasoning: '{"type":"thinking","thinking":"","signature":""}',
} as const;

/** Clients address a delta by the index of its block: `blockRow` sees to it that only one is open. */
export function messageStream(request: MessagesRequest, envelope: Envelope): StreamEncoder {
  let index = -1;
  let called = false;
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
  const isHidden = (block: AnswerBlock): boolean => block.type === 'reasoning' && request.thinking === 'omitted';

  const row = blockRow({
    begin(block) {
      index += 1;
      if (block.type === 'tool') called = true;
      const [delta, field] = DELTAS[block.type];
      deltaHead = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${delta}","${field}":`;
      const about =
        block.type === 'tool'
          ? JSON.stringify({ type: 'tool_use', id: block.id, name: block.name, input: {}, caller: { type: 'direct' } })
          : START[block.type];
      return sse('content_block_start', `,"index":${index},"content_block":${about}`);
    },
    add: (block, text) => (isHidden(block) ? '' : written(text)),
    end(block) {
      let out = '';
      if (block.type === 'reasoning') {
        const signature = signatureOf(block.text, envelope);
        const delta = `,"index":${index},"delta":{"type":"signature_delta","signature":${JSON.stringify(signature)}}`;
        if (signature !== '') out = sse('content_block_delta', delta);
      }
      return out + sse('content_block_stop', `,"index":${index}`);
    },
  });

  return {
    keepAlive: sse('ping'),
    encode(batch) {
      const text = row.current?.type === 'text' ? plainText(batch) : undefined;
      if (text !== undefined) return written(text);
      let out = started ? '' : start();
      for (const event of joined(batch)) {
        if (event.type === 'usage') usage = event.usage;
        else if (event.type === 'finish') {
          finish = event;
          out += row.finish();
        } else if (isShown(event, request)) out += row.add(event);
      }
      return out;
    },
    end() {
      const counted = usage ? deltaUsage(usage, envelope) : { output_tokens: 0 };
      const debug = envelope.debug ? `,"chasqui":${JSON.stringify(envelope.debug(usage))}` : '';
      const head = (started ? '' : start()) + row.finish();
      const delta = JSON.stringify(stopOf(finish, request, called));
      return (
        head +
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
