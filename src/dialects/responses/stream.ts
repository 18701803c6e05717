/**
 * Streams, as clients of OpenAI's Responses read them: numbered events with names, one string for each batch of ours.
 */
import type { JsonObject, Usage } from '../../core/index.ts';
import { blockRow, joined, plainText } from '../blocks.ts';
import type { Envelope, StreamEncoder } from '../dialect.ts';
import {
  aboutResponse,
  completedStatus,
  endedResponse,
  failureOf,
  INCOMPLETE,
  type Item,
  itemOf,
  toLogprobs,
  typeOfError,
} from './answer.ts';
import type { ResponsesRequest } from './request.ts';

const DELTAS = {
  message: 'response.output_text.delta',
  reasoning: 'response.reasoning_text.delta',
  function_call: 'response.function_call_arguments.delta',
  custom_tool_call: 'response.custom_tool_call_input.delta',
} as const;

/** Items whose text is a part of their content. */
const hasParts = ({ type }: Item): boolean => type === 'message' || type === 'reasoning';

const partOf = ({ type }: Item, text: string, logprobs: readonly JsonObject[]): JsonObject =>
  type === 'message' ? { type: 'output_text', text, annotations: [], logprobs } : { type: 'reasoning_text', text };

export function responseStream(request: ResponsesRequest, envelope: Envelope): StreamEncoder {
  /** Written once for the whole stream: requests can be long, and three events repeat them. */
  const about = JSON.stringify(aboutResponse(request, envelope)).slice(0, -1);
  let sequence = 0;
  let started = false;
  const output: JsonObject[] = [];
  let item: Item | undefined;
  let deltaHead = '';
  let deltaTail = '';
  let usage: Usage | undefined;
  let incomplete: string | undefined;

  /** @param rest further members, as JSON, after a comma */
  const sse = (type: string, rest: string): string =>
    `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++}${rest}}\n\n`;
  const withResponse = (type: string, state: JsonObject): string =>
    sse(type, `,"response":${about},${JSON.stringify(state).slice(1)}`);
  const place = (): string => `,"item_id":"${item?.id ?? ''}","output_index":${output.length}`;
  const itemEvent = (type: string, written: JsonObject): string =>
    sse(type, `,"output_index":${output.length},"item":${JSON.stringify(written)}`);

  function start(): string {
    started = true;
    const state = {
      status: 'in_progress',
      completed_at: null,
      error: null,
      incomplete_details: null,
      output: [],
      usage: null,
    };
    return withResponse('response.created', state) + withResponse('response.in_progress', state);
  }

  function delta(text: string, logprobs: readonly JsonObject[] = []): string {
    if (!item || (text === '' && logprobs.length === 0)) return '';
    item.text += text;
    const probable =
      item.type === 'message' && logprobs.length > 0 ? `,"logprobs":${JSON.stringify(logprobs)}}\n\n` : deltaTail;
    return `${deltaHead}${sequence++},"delta":${JSON.stringify(text)}${probable}`;
  }

  const row = blockRow({
    begin(block) {
      item = itemOf(block, output.length, request, envelope);
      const type = DELTAS[item.type];
      const parts = hasParts(item) ? ',"content_index":0' : '';
      deltaHead = `event: ${type}\ndata: {"type":"${type}"${place()}${parts},"sequence_number":`;
      deltaTail = item.type === 'message' ? ',"logprobs":[]}\n\n' : '}\n\n';
      const head = itemEvent('response.output_item.added', item.written('in_progress'));
      if (!hasParts(item)) return head;
      const part = JSON.stringify(partOf(item, '', []));
      return head + sse('response.content_part.added', `${place()},"content_index":0,"part":${part}`);
    },
    add(_block, text, logprobs) {
      return delta(item?.push(text) ?? '', logprobs && toLogprobs(logprobs));
    },
    end(block) {
      if (!item) return '';
      let out = delta(item.end());
      const text = JSON.stringify(item.text);
      if (hasParts(item)) {
        const logprobs = toLogprobs(block.logprobs);
        const at = `${place()},"content_index":0`;
        const probable = item.type === 'message' ? `,"logprobs":${JSON.stringify(logprobs)}` : '';
        out += sse(DELTAS[item.type].replace(/delta$/, 'done'), `${at},"text":${text}${probable}`);
        out += sse('response.content_part.done', `${at},"part":${JSON.stringify(partOf(item, item.text, logprobs))}`);
      } else if (item.type === 'function_call') {
        const name = JSON.stringify(item.name);
        out += sse('response.function_call_arguments.done', `${place()},"name":${name},"arguments":${text}`);
      } else out += sse('response.custom_tool_call_input.done', `${place()},"input":${text}`);
      // What is closed once the answer has been cut off is not complete.
      const written = item.written(completedStatus(incomplete));
      out += itemEvent('response.output_item.done', written);
      output.push(written);
      item = undefined;
      return out;
    },
  });

  return {
    encode(batch) {
      const text = row.current?.type === 'text' && item ? plainText(batch) : undefined;
      if (text !== undefined) return delta(text);
      let out = started ? '' : start();
      for (const event of joined(batch)) {
        if (event.type === 'usage') ({ usage } = event);
        else if (event.type === 'finish') {
          incomplete = INCOMPLETE[event.reason];
          out += row.finish();
        } else out += row.add(event);
      }
      return out;
    },
    end() {
      const head = started ? '' : start();
      const rest = row.finish();
      const type = incomplete === undefined ? 'response.completed' : 'response.incomplete';
      return `${head}${rest}${withResponse(type, endedResponse({ output, usage, incomplete }, envelope))}data: [DONE]\n\n`;
    },
    fail(error) {
      const head = started ? '' : start();
      if (item) output.push(item.written('incomplete'));
      const { code, message } = failureOf(error);
      const told = { code, message, param: error.details.param ?? null };
      // OpenAI's event has the error's fields in itself, Open Responses' in an object.
      const event = JSON.stringify({ ...told, error: { type: typeOfError(error), ...told } }).slice(1, -1);
      return `${head}${sse('error', `,${event}`)}${withResponse('response.failed', endedResponse({ output, usage, error }, envelope))}`;
    },
  };
}
