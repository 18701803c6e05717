/** Answers in one piece, as Anthropic's clients read them. */
import { completionTokens, type Event, type FinishReason, GatewayError, type Usage } from '../../core/index.ts';
import { type AnswerBlock, addedText, blockOf, type ContentEvent, goesOn } from '../blocks.ts';
import type { Envelope } from '../dialect.ts';
import { writeCarrier } from '../reasoning-carrier.ts';
import type { MessagesRequest } from './request.ts';

type Finish = Extract<Event, { type: 'finish' }>;

export const messageId = ({ id }: Envelope): string => id.replace(/^gen-/, 'msg_');

/** Reasoning that cannot be carried has no signature, and will not come back to the model. */
export const signatureOf = (reasoning: string, { reasoningFamily }: Envelope): string =>
  (reasoningFamily === undefined ? undefined : writeCarrier({ reasoning, reasoningFamily })) ?? '';

/** Null is what a provider did not tell: that is not the same as none. */
const cached = (usage: Usage, tokens: number): number | null => (usage.cacheTold || tokens > 0 ? tokens : null);

/** The counts of a `message_delta`. They are cumulative: clients write those that are not null over earlier ones. */
export const deltaUsage = (usage: Usage, { costs }: Envelope) => ({
  input_tokens: usage.input,
  cache_creation_input_tokens: cached(usage, usage.cacheWrite),
  cache_read_input_tokens: cached(usage, usage.cacheRead),
  output_tokens: completionTokens(usage),
  output_tokens_details: usage.reasoning > 0 ? { thinking_tokens: usage.reasoning } : null,
  server_tool_use: null,
  ...costs?.(usage),
});

/** Fields of a usage that are the same in every answer. */
export const USAGE_CONSTANTS = { cache_creation: null, inference_geo: null, service_tier: null, speed: null } as const;

const REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
};

/**
 * How the answer ended, with Anthropic's container, which there never is.
 *
 * @param calls whether tools were called: some servers end such an answer like any other, and clients would not run
 * the tools
 */
export function stopOf(finish: Finish | undefined, { call, noOutput }: MessagesRequest, calls: boolean) {
  const { reason = 'stop', stopString } = finish ?? {};
  const refused = reason === 'content_filter';
  const matched = stopString !== undefined && call.stop.includes(stopString) ? stopString : null;
  const plain = reason === 'stop' && calls ? 'tool_use' : REASONS[reason];
  return {
    stop_reason: noOutput ? 'max_tokens' : matched === null ? plain : 'stop_sequence',
    stop_sequence: noOutput ? null : matched,
    stop_details: refused ? { type: 'refusal', category: null, explanation: null } : null,
    container: null,
  };
}

/** Whether an event adds anything that this caller is to see. */
export function isShown(event: Event, { thinking, noOutput }: MessagesRequest): event is ContentEvent {
  if (noOutput || event.type === 'finish' || event.type === 'usage') return false;
  if (event.type === 'tool') return true;
  return event.text !== '' && (event.type === 'text' || thinking !== 'hidden');
}

function toolInput({ name, text }: AnswerBlock): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // Other arguments than the model's would be worse than none.
    throw new GatewayError(
      'provider_error',
      `The model called ${name.slice(0, 128)} with arguments that are not valid JSON. Ask again, or stream to get them as they are.`,
    );
  }
}

function written(block: AnswerBlock, request: MessagesRequest, envelope: Envelope): Record<string, unknown> {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text, citations: null };
    case 'reasoning': {
      const signature = signatureOf(block.text, envelope);
      return { type: 'thinking', thinking: request.thinking === 'omitted' ? '' : block.text, signature };
    }
    case 'tool':
      return { type: 'tool_use', id: block.id, name: block.name, input: toolInput(block), caller: { type: 'direct' } };
  }
}

/** An answer of `POST /v1/messages`. */
export function messageAnswer(
  request: MessagesRequest,
  envelope: Envelope,
  events: readonly Event[],
): Record<string, unknown> {
  const blocks: AnswerBlock[] = [];
  let finish: Finish | undefined;
  let usage: Usage | undefined;
  for (const event of events) {
    if (event.type === 'usage') usage = event.usage;
    else if (event.type === 'finish') finish = event;
    if (!isShown(event, request)) continue;
    let block = event.type === 'tool' ? blocks.find((one) => goesOn(one, event)) : blocks.at(-1);
    if (!goesOn(block, event)) {
      block = blockOf(event);
      blocks.push(block);
    }
    block.text += addedText(event);
  }
  const calls = blocks.some(({ type }) => type === 'tool');
  return {
    id: messageId(envelope),
    type: 'message',
    role: 'assistant',
    model: envelope.model,
    provider: envelope.provider,
    content: blocks.map((block) => written(block, request, envelope)),
    ...stopOf(finish, request, calls),
    diagnostics: null,
    usage: usage ? { ...USAGE_CONSTANTS, ...deltaUsage(usage, envelope) } : null,
    ...(envelope.debug ? { chasqui: envelope.debug(usage) } : {}),
  };
}
