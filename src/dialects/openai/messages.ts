import * as v from 'valibot';
import { type Content, type ContentPart, GatewayError, type Message, type ToolCall } from '../../core/index.ts';
import { optional } from './fields.ts';

const textPart = v.object({ type: v.literal('text'), text: v.string() });
const part = v.variant(
  'type',
  [
    textPart,
    v.object({
      type: v.literal('image_url'),
      image_url: v.union([
        v.pipe(v.string(), v.minLength(1)),
        v.object({ url: v.pipe(v.string(), v.minLength(1)), detail: optional(v.string()) }),
      ]),
    }),
    v.object({ type: v.literal('refusal'), refusal: v.string() }),
  ],
  'must be "text" or "image_url": no model here takes another kind of part',
);
const content = v.union([v.string(), v.array(part)], 'must be a string or a list of parts');
const name = optional(v.string());
const toolCall = v.object({
  id: v.pipe(v.string(), v.minLength(1)),
  type: v.optional(v.literal('function', 'must be "function"')),
  function: v.object({ name: v.pipe(v.string(), v.minLength(1)), arguments: optional(v.string()) }),
});

export const message = v.variant(
  'role',
  [
    v.object({ role: v.literal('system'), content, name }),
    v.object({ role: v.literal('developer'), content, name }),
    v.object({ role: v.literal('user'), content, name }),
    v.object({
      role: v.literal('assistant'),
      content: optional(content),
      tool_calls: optional(v.array(toolCall)),
      name,
    }),
    v.object({ role: v.literal('tool'), content, tool_call_id: v.pipe(v.string(), v.minLength(1)) }),
  ],
  'must be "system", "developer", "user", "assistant" or "tool"',
);

type Wire = v.InferOutput<typeof message>;
type WirePart = v.InferOutput<typeof part>;

function toPart(wire: WirePart): ContentPart {
  switch (wire.type) {
    case 'text':
      return { type: 'text', text: wire.text };
    case 'refusal':
      return { type: 'text', text: wire.refusal };
    case 'image_url': {
      const image = typeof wire.image_url === 'string' ? { url: wire.image_url, detail: undefined } : wire.image_url;
      return image.detail ? { type: 'image', url: image.url, detail: image.detail } : { type: 'image', url: image.url };
    }
  }
}

const toContent = (wire: string | WirePart[] | null | undefined): Content =>
  typeof wire === 'string' ? wire : (wire ?? []).map(toPart);

/** OpenAI's message in our vocabulary. `developer` is the newer name of `system`. */
export function toMessage(wire: Wire, index: number): Message {
  const named = 'name' in wire && wire.name ? { name: wire.name } : {};
  switch (wire.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: toContent(wire.content), ...named };
    case 'user':
      return { role: 'user', content: toContent(wire.content), ...named };
    case 'assistant': {
      const toolCalls = (wire.tool_calls ?? []).map(
        (call): ToolCall => ({ id: call.id, name: call.function.name, arguments: call.function.arguments ?? '' }),
      );
      if (wire.content == null && toolCalls.length === 0) {
        const param = `messages[${index}].content`;
        throw new GatewayError('invalid_request', `${param}: an assistant message needs content or tool_calls.`, {
          param,
        });
      }
      const said = wire.content == null ? '' : toContent(wire.content);
      return { role: 'assistant', content: said, ...named, ...(toolCalls.length > 0 ? { toolCalls } : {}) };
    }
    case 'tool':
      return { role: 'tool', content: toContent(wire.content), toolCallId: wire.tool_call_id };
  }
}
