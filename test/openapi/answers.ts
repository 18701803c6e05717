/** Answers of the routes that ask a model, and the errors of all routes, as JSON Schemas. */
import { ERROR_KINDS } from '../../src/core/index.ts';
import {
  anything,
  constant,
  count,
  countOrNull,
  described,
  dollarsOrNull,
  flag,
  listOf,
  mapOf,
  number,
  numberOrNull,
  object,
  objectOrNull,
  one,
  orNull,
  ref,
  type Schema,
  someObject,
  text,
  textOrNull,
} from './json.ts';

const cost = {
  'cost?': described(numberOrNull, 'Dollars. Null: the price is not known, which is never zero.'),
  'cost_exact?': described(dollarsOrNull, 'The same amount, exact.'),
  'is_byok?': flag,
  'cost_details?': someObject,
};

const usage = object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: object({ 'cached_tokens?': count, 'cache_write_tokens?': count }),
  completion_tokens_details: object({ reasoning_tokens: count }),
  exactness: described(
    one('provider', 'exact', 'estimate'),
    'Where the counts are from: the provider that bills them, the model’s own tokenizer, or an estimate.',
  ),
  ...cost,
});

const about = {
  id: described(text, 'The id of the call. `GET /v1/generations/{id}` has its receipt.'),
  model: described(text, 'The model that answered.'),
  provider: described(text, 'The provider that answered.'),
  'chasqui?': described(someObject, 'With `x-chasqui-debug: 1`: attempts, offer sheet, prompt and alternatives.'),
};

const made = { ...about, created: described(count, 'Seconds since 1970.'), system_fingerprint: textOrNull };

const voted = { 'vote?': ref('VoteResult') };

const toolCall = object({ id: text, type: constant('function'), function: object({ name: text, arguments: text }) });

/** Why an answer ended. */
const finish = one('stop', 'length', 'tool_calls', 'function_call', 'content_filter');

const error = {
  message: described(text, 'What is wrong, and what to do next.'),
  type: text,
  'param?': described(textOrNull, 'The field at fault.'),
  code: one(...Object.keys(ERROR_KINDS)),
  metadata: ref('ErrorMetadata'),
};

export const ANSWERS: Readonly<Record<string, Schema>> = {
  Dollars: {
    type: 'string',
    pattern: '^-?[0-9]+([.][0-9]{1,9})?$',
    description: 'An amount in dollars as a decimal string, exact to the nano-dollar.',
  },
  Usage: usage,
  ChatCompletion: object({
    ...made,
    object: constant('chat.completion'),
    choices: listOf(
      object({
        index: count,
        message: object({
          role: constant('assistant'),
          content: textOrNull,
          refusal: textOrNull,
          'reasoning?': described(text, 'What the model thought. `reasoning_content` is the same.'),
          'reasoning_content?': text,
          'tool_calls?': listOf(toolCall),
          'function_call?': object({ name: text, arguments: text }),
        }),
        logprobs: objectOrNull,
        finish_reason: finish,
      }),
    ),
    'usage?': ref('Usage'),
    ...voted,
  }),
  Completion: object({
    ...made,
    object: constant('text_completion'),
    choices: listOf(object({ index: count, text, logprobs: objectOrNull, finish_reason: finish })),
    'usage?': ref('Usage'),
    ...voted,
  }),
  Message: object({
    ...about,
    type: constant('message'),
    role: constant('assistant'),
    content: listOf(
      object({
        type: one('text', 'thinking', 'tool_use'),
        'text?': text,
        'thinking?': text,
        'signature?': text,
        'id?': text,
        'name?': text,
        'input?': anything,
      }),
    ),
    stop_reason: one('end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'refusal'),
    stop_sequence: textOrNull,
    usage: orNull(
      object({
        input_tokens: count,
        output_tokens: count,
        cache_creation_input_tokens: countOrNull,
        cache_read_input_tokens: countOrNull,
        ...cost,
      }),
    ),
    ...voted,
  }),
  MessageTokens: object({ input_tokens: count }),
  Response: object({
    ...about,
    object: constant('response'),
    created_at: count,
    completed_at: countOrNull,
    status: one('completed', 'incomplete', 'failed'),
    error: objectOrNull,
    incomplete_details: orNull(object({ reason: one('max_output_tokens', 'content_filter') })),
    output: listOf(
      object({ type: one('message', 'reasoning', 'function_call', 'custom_tool_call'), id: text, 'status?': text }),
    ),
    store: flag,
    usage: orNull(object({ input_tokens: count, output_tokens: count, total_tokens: count, ...cost })),
    ...voted,
  }),
  Embeddings: object({
    ...about,
    object: constant('list'),
    data: listOf(
      object({
        object: constant('embedding'),
        index: count,
        embedding: described(
          { anyOf: [{ type: 'array', items: number }, text] },
          'Numbers, or with `encoding_format: "base64"` the base64 of 32-bit floats.',
        ),
      }),
    ),
    usage: object({ prompt_tokens: count, total_tokens: count, ...cost }),
  }),
  Ranking: object({
    ...about,
    object: constant('rerank'),
    results: listOf(object({ index: count, relevance_score: number, 'document?': object({ text }) })),
    usage: object({ prompt_tokens: count, total_tokens: count, ...cost }),
  }),
  VoteResult: object({
    outcome: described(textOrNull, 'The answer that won. Null: too few samples agree, or none has an answer.'),
    agreed: flag,
    votes: mapOf(count),
    abstentions: count,
    agreement: number,
    samples: count,
    cancelled: count,
    cancelled_at_most: dollarsOrNull,
    failed: count,
    asked: one('together', 'separately'),
    cost: dollarsOrNull,
    saved: dollarsOrNull,
  }),
  ErrorMetadata: object({
    retryable: described(flag, 'The same request may succeed later.'),
    'provider?': text,
    'upstream_status?': { type: 'integer' },
    'upstream_code?': text,
    'upstream_message?': described(text, 'What the provider said, without credentials.'),
    'upstream_request_id?': text,
    'attempts?': listOf(
      object({ provider: text, model: text, 'status?': { type: 'integer' }, type: text, 'message?': text, ms: number }),
    ),
    'offers?': described(listOf(someObject), 'Why each offer was left out.'),
    'receipt?': described(someObject, 'What an earlier call with the same `Idempotency-Key` came to.'),
    'explanation?': text,
  }),
  Error: { ...object({ error: object(error) }), description: 'An error in OpenAI’s envelope.' },
  MessagesError: {
    ...object({ type: constant('error'), error: object(error), request_id: text }),
    description: 'An error in Anthropic’s envelope.',
  },
};
