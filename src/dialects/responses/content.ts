/** The parts of messages and of tools' results: what OpenAI's types allow, and the same in our vocabulary. */
import * as v from 'valibot';
import { type Content, type ContentPart, GatewayError } from '../../core/index.ts';
import { filePart } from '../files.ts';
import { optional } from '../validation.ts';

const anything = optional(v.unknown());

const hints = { prompt_cache_breakpoint: anything };

const text = { text: v.string(), annotations: anything, logprobs: anything, ...hints };
const part = v.variant(
  'type',
  [
    v.object({ type: v.literal('input_text'), ...text }),
    v.object({ type: v.literal('output_text'), ...text }),
    v.object({ type: v.literal('text'), ...text }),
    v.object({ type: v.literal('refusal'), refusal: v.string() }),
    v.object({
      type: v.literal('input_image'),
      image_url: optional(v.string()),
      file_id: optional(v.string()),
      detail: optional(v.string()),
      ...hints,
    }),
    v.object({
      type: v.literal('input_file'),
      filename: optional(v.string()),
      file_data: optional(v.string()),
      file_url: optional(v.string()),
      file_id: optional(v.string()),
      detail: anything,
      ...hints,
    }),
  ],
  'must be "input_text", "input_image", "input_file", "output_text" or "refusal": no model here takes another kind of part',
);
export const content = v.union([v.string(), v.array(part)], 'must be a string or a list of parts');

type WirePart = v.InferOutput<typeof part>;
export type WireContent = v.InferOutput<typeof content>;

export const unsupported = (param: string, why: string): GatewayError =>
  new GatewayError('unsupported_parameter', `${param}: ${why}`, { param });

function toPart(wire: WirePart, path: string): ContentPart {
  switch (wire.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: wire.text };
    case 'refusal':
      return { type: 'text', text: wire.refusal };
    case 'input_image': {
      const { image_url: url, detail } = wire;
      if (url == null) throw unsupported(`${path}.image_url`, 'is required: this gateway stores no files.');
      return detail != null && detail !== 'auto' ? { type: 'image', url, detail } : { type: 'image', url };
    }
    case 'input_file': {
      const { filename, file_data: data, file_id: id, file_url: url } = wire;
      const field = data != null ? 'file_data' : id != null ? 'file_id' : url != null ? 'file_url' : 'file_data';
      return filePart({ name: filename ?? undefined, data: data ?? undefined }, `${path}.${field}`);
    }
  }
}

export function toContent(wire: WireContent, path: string): Content {
  if (typeof wire === 'string') return wire;
  const [only] = wire;
  if (wire.length === 1 && only && 'text' in only) return only.text;
  return wire.map((one, at) => toPart(one, `${path}[${at}]`));
}

export const partsOf = (one: Content): readonly ContentPart[] =>
  typeof one === 'string' ? [{ type: 'text', text: one }] : one;
