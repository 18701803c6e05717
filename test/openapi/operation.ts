/** What is said of one route, beside its path, its method, who may use it, and the errors that follow from those. */
import { constant, one, type Schema, text } from './json.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly about: string;
  readonly schema: Schema;
  readonly required?: true;
  readonly example?: string | number;
}

/** A request that works. A test sends it to the running gateway. */
export interface Example {
  readonly summary: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Operation {
  /** Unique, for clients made from the document. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly about: string;
  readonly parameters?: readonly Parameter[];
  /** Names of schemas in `components.schemas`, of which the body has one. */
  readonly body?: readonly string[];
  readonly status?: 201;
  readonly answer: string;
  /** Names of the schemas of which the answer has one. */
  readonly answers: readonly string[];
  /** Other types of content, and what they hold. */
  readonly alsoAs?: Readonly<Record<string, string>>;
  /** Headers of a good answer, beside those of every answer. */
  readonly headers?: readonly string[];
  /** In whose envelope errors are; in either, where clients of both APIs call. */
  readonly envelope?: 'messages' | 'either';
  /** Statuses beside those of every route of its level. */
  readonly errors?: readonly number[];
  /** Requests that can follow, by name: which operation, and which of its parameters are members of this answer. */
  readonly links?: Readonly<Record<string, { readonly to: string; readonly with: Readonly<Record<string, string>> }>>;
  readonly examples?: Readonly<Record<string, Example>>;
}

/** In the order in which the document and its page show them. */
export const TAGS = {
  Generate: 'Ask a model. The gateway chooses the offer, tries the next one on failure, and says what the call cost.',
  'Embeddings and reranking': 'Vectors of texts, and the order of documents for a query.',
  'Before you call': 'What a call would cost at every provider, and how many tokens it has. Nothing here costs money.',
  'Models and prices': 'What can be asked for, who offers it, and at what price.',
  Reports: 'What calls used and cost, and what they would have cost elsewhere. No prompt or answer is ever stored.',
  Keys: 'Keys for callers, with budgets and limits.',
  Operation: 'Whether it runs.',
  Page: 'The page for people, and signing in to it.',
} as const;

export type Tag = keyof typeof TAGS;

const header = (name: string, about: string, schema: Schema = text): Parameter => ({
  name,
  in: 'header',
  about,
  schema,
});

export const query = (name: string, about: string, schema: Schema = text, example?: string | number): Parameter => ({
  name,
  in: 'query',
  about,
  schema,
  ...(example === undefined ? {} : { example }),
});

export const inPath = (about: string, example: string, schema: Schema = text): Parameter => ({
  name: 'id',
  in: 'path',
  about,
  schema,
  required: true,
  example,
});

const onOff = one('1', '0', 'true', 'false');

/** How a call is made, on all routes that make or price one. */
export const CALL_HEADERS: readonly Parameter[] = [
  header('x-chasqui-timeout-ms', 'Milliseconds for the whole call, all attempts included.', {
    type: 'integer',
    minimum: 1,
  }),
  header('x-chasqui-strict', '`1` leaves out offers that cannot serve every field that you set.', onOff),
  header('x-session-id', 'Calls of one session keep their offer.', { type: 'string', maxLength: 256 }),
];

export const GENERATION_HEADERS: readonly Parameter[] = [
  ...CALL_HEADERS,
  header(
    'x-chasqui-debug',
    '`1` adds the attempts, the offer sheet, the rendered prompt and the alternatives to the answer.',
    onOff,
  ),
  header(
    'Idempotency-Key',
    'The same key and body are dispatched at most once within a day. A repeat gets a 409 that has the receipt.',
    { type: 'string', minLength: 1, maxLength: 255 },
  ),
  header('traceparent', 'The caller’s place in a trace, by W3C Trace Context. What is not valid is ignored.', {
    type: 'string',
  }),
];

export const ANTHROPIC_VERSION = header(
  'anthropic-version',
  'Sent by clients of Anthropic’s API: the answer is in its form, and so are errors.',
  constant('2023-06-01'),
);

/** What a good answer of a generating route says of itself. */
export const GENERATION_ANSWER = [
  'x-chasqui-generation-id',
  'x-chasqui-provider',
  'x-chasqui-model',
  'x-chasqui-attempts',
  'x-chasqui-cost',
  'x-chasqui-dropped',
  'x-chasqui-neutralised',
  'x-chasqui-clamped',
  'x-chasqui-cheaper',
  'server-timing',
  'traceresponse',
  'ratelimit',
  'ratelimit-policy',
];

/** What each of these headers means. */
export const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  'x-request-id': 'The id of this request: the one you sent, or a new one.',
  'x-chasqui-generation-id': 'The id of the call, as in the body.',
  'x-chasqui-provider': 'The provider that answered.',
  'x-chasqui-model': 'The model that answered.',
  'x-chasqui-attempts': 'How many attempts it took.',
  'x-chasqui-cost': 'What it cost in dollars. Not in streams, whose usage comes last.',
  'x-chasqui-dropped': 'Fields of the request that the offer could not serve.',
  'x-chasqui-neutralised': 'Fields in which markers of prompt templates were broken up.',
  'x-chasqui-clamped': 'The limit of output that the budget still allowed.',
  'x-chasqui-cheaper': 'The offer that would have been asked, had the budget allowed it.',
  'server-timing': 'Where the time went.',
  traceresponse: 'The request’s place in a trace, where the deployment sends traces.',
  ratelimit: 'What is left of the key’s limits, if it has any.',
  'ratelimit-policy': 'The key’s limits, if it has any.',
  'retry-after': 'Seconds to wait before a repeat.',
  'x-should-retry': '`false`: a repeat is pointless.',
  link: 'The next page, if there is one.',
};
