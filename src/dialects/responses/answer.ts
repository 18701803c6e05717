/** Answers, their items and their usage, as clients of OpenAI's Responses read them. */
import {
  completionTokens,
  type ErrorCode,
  type Event,
  type FinishReason,
  type GatewayError,
  type JsonObject,
  promptTokens,
  type TokenLogprob,
  type Usage,
} from '../../core/index.ts';
import { type AnswerBlock, blockRow } from '../blocks.ts';
import { type Envelope, messageOf } from '../dialect.ts';
import { freeformReader } from '../freeform-tools.ts';
import { writeCarrier } from '../reasoning-carrier.ts';
import type { ResponsesRequest } from './request.ts';

const hexOf = ({ id }: Envelope): string => id.replace(/^gen-/, '');

export const responseId = (envelope: Envelope): string => `resp_${hexOf(envelope)}`;

const EXACTNESS = { provider: 'provider', counted: 'exact', estimated: 'estimate' } as const;

/** `exactness` and the costs are ours. Cached tokens are a number in every client's types: 0 also where nobody told. */
export function toUsage(usage: Usage, { costs }: Envelope): JsonObject {
  const input = promptTokens(usage);
  const output = completionTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: usage.cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + output,
    exactness: EXACTNESS[usage.source],
    ...costs?.(usage),
  };
}

/** `bytes` is never null here, as it may be in chats. */
export const toLogprobs = (logprobs: readonly TokenLogprob[]): readonly JsonObject[] =>
  logprobs.map(({ token, logprob, bytes, top }) => ({
    token,
    logprob,
    bytes: bytes ?? [],
    top_logprobs: top.map((other) => ({ token: other.token, logprob: other.logprob, bytes: other.bytes ?? [] })),
  }));

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** An item of an answer, as far as it has come. */
export interface Item {
  readonly type: 'reasoning' | 'message' | 'function_call' | 'custom_tool_call';
  readonly id: string;
  /** Of a tool. */
  readonly name?: string;
  /** What the caller is shown of the block: its text, or the input of a freeform tool. */
  text: string;
  /** What comes of it next, as the caller sees it. */
  push(fragment: string): string;
  /** What is left at its end. */
  end(): string;
  written(status: ItemStatus): JsonObject;
}

const same = (text: string): string => text;
const nothing = (): string => '';

/** The item that a block becomes. */
export function itemOf(block: AnswerBlock, index: number, request: ResponsesRequest, envelope: Envelope): Item {
  const at = `${hexOf(envelope)}_${index}`;
  switch (block.type) {
    case 'text':
      return {
        type: 'message',
        id: `msg_${at}`,
        text: '',
        push: same,
        end: nothing,
        written(status) {
          const { id, text } = this;
          const logprobs = toLogprobs(block.logprobs);
          const part = { type: 'output_text', text, annotations: [], logprobs };
          return { id, type: 'message', role: 'assistant', status, content: status === 'in_progress' ? [] : [part] };
        },
      };
    case 'reasoning':
      return {
        type: 'reasoning',
        id: `rs_${at}`,
        text: '',
        push: same,
        end: nothing,
        written(status) {
          const { id, text } = this;
          if (status === 'in_progress') return { id, type: 'reasoning', summary: [], content: [] };
          return {
            id,
            type: 'reasoning',
            summary: [],
            content: [{ type: 'reasoning_text', text }],
            ...carrierOf(text, request, envelope),
          };
        },
      };
    case 'tool':
      return toolItem(block, at, request);
  }
}

/** Reasoning that is too long to be carried will not come back to the model. */
function carrierOf(
  reasoning: string,
  { carriesReasoning }: ResponsesRequest,
  { reasoningFamily }: Envelope,
): JsonObject {
  if (!carriesReasoning || reasoningFamily === undefined) return {};
  const carrier = writeCarrier({ reasoning, reasoningFamily });
  return carrier === undefined ? {} : { encrypted_content: carrier };
}

function toolItem(block: AnswerBlock, at: string, { known }: ResponsesRequest): Item {
  const tool = known.get(block.name) ?? { name: block.name, freeform: false };
  const called = {
    call_id: block.id || `call_${at}`,
    name: tool.name,
    ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
  };
  if (tool.freeform) {
    const reader = freeformReader();
    return {
      type: 'custom_tool_call',
      id: `ctc_${at}`,
      text: '',
      push: (fragment) => reader.push(fragment),
      end: () => reader.end(),
      written(status) {
        return { id: this.id, type: 'custom_tool_call', status, ...called, input: this.text };
      },
    };
  }
  return {
    type: 'function_call',
    id: `fc_${at}`,
    name: tool.name,
    text: '',
    push: same,
    // Clients parse the arguments, also of a call that has none.
    end() {
      return this.text.trim() === '' ? '{}' : '';
    },
    written(status) {
      return { id: this.id, type: 'function_call', status, ...called, arguments: this.text };
    },
  };
}

/** Why an answer is incomplete, if it is. */
export const INCOMPLETE: Readonly<Partial<Record<FinishReason, string>>> = {
  length: 'max_output_tokens',
  content_filter: 'content_filter',
};

export const completedStatus = (incomplete: string | undefined): ItemStatus =>
  incomplete === undefined ? 'completed' : 'incomplete';

/** What is the same in every mention of a response. */
export function aboutResponse(request: ResponsesRequest, envelope: Envelope): JsonObject {
  return {
    id: responseId(envelope),
    object: 'response',
    created_at: envelope.created,
    ...(envelope.vote ? { vote: envelope.vote } : {}),
    model: envelope.model,
    provider: envelope.provider,
    ...request.repeated,
  };
}

export interface ResponseEnd {
  readonly output: readonly JsonObject[];
  readonly usage: Usage | undefined;
  /** Why it is incomplete. */
  readonly incomplete?: string | undefined;
  readonly error?: GatewayError;
}

/** Codes of OpenAI's closed list, and those that Codex acts on: it shortens the conversation, waits, or gives up. */
const CODES: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid_request: 'invalid_prompt',
  unsupported_parameter: 'invalid_prompt',
  content_policy: 'invalid_prompt',
  context_length_exceeded: 'context_length_exceeded',
  insufficient_budget: 'insufficient_quota',
  rate_limit_exceeded: 'rate_limit_exceeded',
  provider_rate_limited: 'rate_limit_exceeded',
};

/** Codex reads from these words how long it should wait. */
function waiting({ retryable, details: { retryAfterMs: ms } }: GatewayError): string {
  return retryable && ms !== undefined && ms > 0 ? ` Please try again in ${Math.ceil(ms / 100) / 10}s.` : '';
}

export const failureOf = (error: GatewayError): { readonly code: string; readonly message: string } => ({
  code: CODES[error.code] ?? 'server_error',
  message: messageOf(error) + waiting(error),
});

/** The types of errors that Open Responses names. */
export const typeOfError = ({ status }: GatewayError): string =>
  status === 429
    ? 'too_many_requests'
    : status === 404
      ? 'not_found'
      : status < 500
        ? 'invalid_request'
        : 'server_error';

/** What a response says of itself once it has ended. */
export function endedResponse({ output, usage, incomplete, error }: ResponseEnd, envelope: Envelope): JsonObject {
  const status = error ? 'failed' : completedStatus(incomplete);
  return {
    status,
    completed_at: status === 'completed' ? Math.floor((envelope.now?.() ?? envelope.created * 1000) / 1000) : null,
    error: error ? failureOf(error) : null,
    incomplete_details: error || incomplete === undefined ? null : { reason: incomplete },
    output,
    usage: usage ? toUsage(usage, envelope) : null,
    ...(envelope.debug ? { chasqui: envelope.debug(usage) } : {}),
  };
}

/** An answer of `POST /v1/responses`. */
export function responseAnswer(
  request: ResponsesRequest,
  envelope: Envelope,
  events: readonly Event[],
): Record<string, unknown> {
  const output: JsonObject[] = [];
  let item: Item | undefined;
  let usage: Usage | undefined;
  let incomplete: string | undefined;
  const row = blockRow({
    begin(block) {
      item = itemOf(block, output.length, request, envelope);
      return '';
    },
    add(_block, text) {
      if (item) item.text += item.push(text);
      return '';
    },
    end() {
      if (!item) return '';
      item.text += item.end();
      output.push(item.written(completedStatus(incomplete)));
      return '';
    },
  });
  for (const event of events) {
    if (event.type === 'usage') ({ usage } = event);
    else if (event.type === 'finish') {
      incomplete = INCOMPLETE[event.reason];
      row.finish();
    } else row.add(event);
  }
  row.finish();
  return { ...aboutResponse(request, envelope), ...endedResponse({ output, usage, incomplete }, envelope) };
}
