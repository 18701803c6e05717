/** Reads a stream of `POST /v1/responses` by the letter of OpenAI's types and Open Responses' rules. Throws for what breaks one. */
type Json = Readonly<Record<string, unknown>>;

export interface ResponsesEvent extends Json {
  readonly type: string;
  readonly sequence_number: number;
}

export interface ReadResponses {
  readonly events: readonly ResponsesEvent[];
  /** The response of the last event. */
  readonly final: Json;
  /** The items as their deltas say. */
  readonly output: readonly Json[];
  /** The stream ended with `[DONE]`. */
  readonly done: boolean;
}

const REQUIRED = [
  'id',
  'object',
  'created_at',
  'completed_at',
  'status',
  'incomplete_details',
  'model',
  'previous_response_id',
  'instructions',
  'output',
  'error',
  'tools',
  'tool_choice',
  'truncation',
  'parallel_tool_calls',
  'text',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'top_logprobs',
  'temperature',
  'reasoning',
  'user',
  'usage',
  'max_output_tokens',
  'max_tool_calls',
  'store',
  'background',
  'service_tier',
  'metadata',
  'safety_identifier',
  'prompt_cache_key',
] as const;
const NUMBERS = ['top_p', 'presence_penalty', 'frequency_penalty', 'top_logprobs', 'temperature'] as const;

const fail = (what: string, event?: unknown): never => {
  throw new Error(`${what}: ${JSON.stringify(event)?.slice(0, 300)}`);
};
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const json = (value: unknown, what: string): Json => (isJson(value) ? value : fail(`${what} is no object`, value));
const text = (value: unknown, what: string): string =>
  typeof value === 'string' ? value : fail(`${what} is no text`, value);

/** Holds a response to Open Responses' ResponseResource, whose 32 fields are all required. */
export function assertResponse(value: unknown): asserts value is Json {
  const response = json(value, 'response');
  for (const field of REQUIRED) if (!(field in response)) fail(`response has no ${field}`, Object.keys(response));
  for (const field of NUMBERS)
    if (typeof response[field] !== 'number') fail(`response.${field} is no number`, response[field]);
  if (response.object !== 'response') fail('response.object', response.object);
  if (response.store !== false) fail('response.store', response.store);
  if (!Array.isArray(response.output)) fail('response.output', response.output);
  if (response.usage === null) return;
  const usage = json(response.usage, 'usage');
  const [input, output, total] = [usage.input_tokens, usage.output_tokens, usage.total_tokens];
  if (Number(input) + Number(output) !== total) fail('usage does not add up', usage);
  const cached = json(usage.input_tokens_details, 'input_tokens_details').cached_tokens;
  const reasoning = json(usage.output_tokens_details, 'output_tokens_details').reasoning_tokens;
  if (!(Number(cached) <= Number(input)) || !(Number(reasoning) <= Number(output))) fail('usage details', usage);
}

function parsed(stream: string): { events: ResponsesEvent[]; done: boolean } {
  const events: ResponsesEvent[] = [];
  let done = false;
  for (const block of stream.split('\n\n')) {
    if (block === '' || block.startsWith(':')) continue;
    if (done) fail('something follows [DONE]', block);
    if (block === 'data: [DONE]') {
      done = true;
      continue;
    }
    const [first = '', second = ''] = block.split('\n');
    const data = json(JSON.parse(second.replace(/^data: /, '')), 'event');
    if (first !== `event: ${String(data.type)}`) fail('the event is not named after its type', block);
    events.push(data as ResponsesEvent);
  }
  return { events, done };
}

/** An item as its events tell it. */
interface Open {
  readonly id: string;
  readonly index: number;
  readonly type: string;
  text: string;
  part: boolean;
  finished: boolean;
}

const LAST = ['response.completed', 'response.incomplete', 'response.failed'];

const DELTAS: Readonly<Record<string, string>> = {
  'response.output_text.delta': 'message',
  'response.reasoning_text.delta': 'reasoning',
  'response.function_call_arguments.delta': 'function_call',
  'response.custom_tool_call_input.delta': 'custom_tool_call',
};

/** The text of an item, wherever its type has it. */
function textIn(item: Json): string {
  if (item.type === 'function_call') return text(item.arguments, 'arguments');
  if (item.type === 'custom_tool_call') return text(item.input, 'input');
  const [part, ...others] = item.content as unknown[];
  if (others.length > 0) fail('more than one part', item);
  return part === undefined ? '' : text(json(part, 'part').text, 'part.text');
}

export function readResponses(stream: string): ReadResponses {
  const { events, done } = parsed(stream);
  const output: Json[] = [];
  let open: Open | undefined;
  for (const [at, event] of events.entries()) {
    const { type } = event;
    if (event.sequence_number !== at) fail(`sequence_number is not ${at}`, event);
    const should = ['response.created', 'response.in_progress'][at];
    if (should !== undefined && type !== should) fail(`event ${at} is not ${should}`, event);
    if ('response' in event) assertResponse(event.response);
    if (LAST.includes(type)) {
      if (at !== events.length - 1) fail('not the last event', event);
      continue;
    }
    if (at < 2 || type === 'error') continue;
    if (event.output_index !== output.length) fail(`output_index is not ${output.length}`, event);
    if (type === 'response.output_item.added') {
      const item = json(event.item, 'item');
      if (open) fail('an item is open already', event);
      if (textIn(item) !== '') fail('an item begins with text', event);
      open = {
        id: text(item.id, 'id'),
        index: output.length,
        type: text(item.type, 'type'),
        text: '',
        part: false,
        finished: false,
      };
      continue;
    }
    if (!open) throw new Error(`no item is open: ${JSON.stringify(event)}`);
    if (type === 'response.output_item.done') {
      const item = json(event.item, 'item');
      if (item.id !== open.id || item.type !== open.type) fail('another item is open', event);
      if (!open.finished || open.part) fail('an item ends before its text has', event);
      if (textIn(item) !== open.text) fail('the item is not what its deltas said', { item, open });
      output.push(item);
      open = undefined;
      continue;
    }
    if (event.item_id !== open.id) fail('another item is open', event);
    const parts = open.type === 'message' || open.type === 'reasoning';
    if (parts && event.content_index !== 0) fail('content_index is not 0', event);
    if (type === 'response.content_part.added') open.part = true;
    else if (type === 'response.content_part.done') {
      if (!open.finished || json(event.part, 'part').text !== open.text)
        fail('the part is not what its deltas said', event);
      open.part = false;
    } else if (type in DELTAS) {
      if (DELTAS[type] !== open.type || open.finished || (parts && !open.part)) fail('a delta out of its place', event);
      open.text += text(event.delta, 'delta');
    } else if (type.endsWith('.done')) {
      const said = event.text ?? event.arguments ?? event.input;
      if (said !== open.text) fail('the text is not what its deltas said', event);
      open.finished = true;
    } else fail('an unknown event', event);
  }
  const last = events.at(-1);
  if (!last || !LAST.includes(last.type)) fail('the stream has no end', last);
  if (open && last?.type !== 'response.failed') fail('an item is still open', open);
  return { events, final: json(last?.response, 'response'), output, done };
}
