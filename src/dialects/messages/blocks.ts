/** The blocks of which messages consist: what Anthropic's types allow, and the parts that they become. */
import * as v from 'valibot';
import { type Content, type ContentPart, GatewayError } from '../../core/index.ts';
import { filePart } from '../files.ts';
import { invalid, optional } from '../validation.ts';

/** A hint to Anthropic's prompt cache. Providers here cache by themselves or not at all. */
const hints = { cache_control: optional(v.unknown()) };
const filled = v.pipe(v.string(), v.minLength(1, 'must not be empty'));

export const text = v.object({ type: v.literal('text'), text: v.string(), citations: optional(v.unknown()), ...hints });

const source = v.variant(
  'type',
  [
    v.object({ type: v.literal('base64'), media_type: v.string(), data: v.string() }),
    v.object({ type: v.literal('url'), url: filled }),
    v.object({ type: v.literal('file'), file_id: v.string() }),
    v.object({ type: v.literal('text'), media_type: optional(v.string()), data: v.string() }),
    v.object({ type: v.literal('content'), content: v.unknown() }),
  ],
  'must be a source of type "base64", "url", "text" or "content"',
);
const image = v.object({ type: v.literal('image'), source, ...hints });
const document = v.object({
  type: v.literal('document'),
  source,
  title: optional(v.string()),
  context: optional(v.string()),
  ...hints,
});
const searchResult = v.object({
  type: v.literal('search_result'),
  source: v.string(),
  title: v.string(),
  content: v.array(text),
  ...hints,
});
const toolReference = v.object({ type: v.literal('tool_reference'), tool_name: v.string(), ...hints });

/** Blocks of Anthropic's own tools and services, by the type's name. No model here can read them. */
const FOREIGN = [
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'advisor_tool_result',
  'mcp_tool_use',
  'mcp_tool_result',
  'container_upload',
  'compaction',
  'fallback',
  'redacted_thinking',
  'tool_addition',
  'tool_removal',
  'browser_state',
] as const;
type ForeignType = (typeof FOREIGN)[number];

/** Every field of such a block is dropped with it, and so needs no name of its own. */
const foreign = FOREIGN.map((type) => v.looseObject({ type: v.literal(type) }));

export const block = v.variant(
  'type',
  [
    text,
    image,
    document,
    searchResult,
    v.object({ type: v.literal('thinking'), thinking: v.string(), signature: optional(v.string()), ...hints }),
    v.object({
      type: v.literal('tool_use'),
      id: filled,
      name: filled,
      input: v.unknown(),
      caller: optional(v.unknown()),
      toolset_name: optional(v.string()),
      ...hints,
    }),
    v.object({
      type: v.literal('tool_result'),
      tool_use_id: filled,
      content: optional(
        v.union(
          [v.string(), v.array(v.variant('type', [text, image, document, searchResult, toolReference, ...foreign]))],
          'must be a string or a list of blocks',
        ),
      ),
      is_error: optional(v.boolean()),
      toolset_name: optional(v.string()),
      ...hints,
    }),
    ...foreign,
  ],
  'must be the type of a block, such as "text", "image", "tool_use" or "tool_result"',
);

export type WireBlock = v.InferOutput<typeof block>;
export type WireText = v.InferOutput<typeof text>;
type Inner = Exclude<WireBlock, { type: 'thinking' | 'tool_use' | 'tool_result' | ForeignType }>;

/** Blocks are separate texts. Joined with nothing between them, the last word of one would run into the next. */
export const BETWEEN = '\n';

const unsupported = (param: string, why: string): GatewayError =>
  new GatewayError('unsupported_parameter', `${param}: ${why}`, { param });

function imagePart({ source: from }: Extract<Inner, { type: 'image' }>, path: string): ContentPart {
  if (from.type === 'base64') return { type: 'image', url: `data:${from.media_type};base64,${from.data}` };
  if (from.type === 'url') return { type: 'image', url: from.url };
  throw unsupported(`${path}.source`, `an image must be "base64" or "url" here, not "${from.type}".`);
}

const nestedContent = v.union([v.string(), v.array(v.variant('type', [text, image]))]);

function documentParts({ source: from, title, context }: Extract<Inner, { type: 'document' }>, path: string) {
  const head = [title, context].filter(Boolean).join(BETWEEN);
  const parts: ContentPart[] = head === '' ? [] : [{ type: 'text', text: head }];
  if (from.type === 'text') return [...parts, { type: 'text' as const, text: from.data }];
  if (from.type === 'base64') {
    return [...parts, filePart({ mediaType: from.media_type, data: from.data }, `${path}.source`)];
  }
  if (from.type === 'content') {
    const nested = v.safeParse(nestedContent, from.content);
    if (!nested.success) throw invalid(`${path}.source.content`, 'must be a string, or a list of texts and images.');
    if (typeof nested.output === 'string') return [...parts, { type: 'text' as const, text: nested.output }];
    return [...parts, ...nested.output.flatMap((one, at) => innerParts(one, `${path}.source.content[${at}]`))];
  }
  throw unsupported(
    `${path}.source`,
    'this gateway stores no files and fetches none. Send the text: {"type": "text", …}.',
  );
}

/** A block that a user message, a tool result and a document can all contain. */
export function innerParts(wire: Inner, path: string): readonly ContentPart[] {
  switch (wire.type) {
    case 'text':
      return wire.text === '' ? [] : [{ type: 'text', text: wire.text }];
    case 'image':
      return [imagePart(wire, path)];
    case 'document':
      return documentParts(wire, path);
    case 'search_result': {
      const found = [wire.title, wire.source, ...wire.content.map((one) => one.text)];
      return [{ type: 'text', text: found.join(BETWEEN) }];
    }
  }
}

/** Texts alone become one string, which every template and server reads alike. */
export function toContent(parts: readonly ContentPart[]): Content {
  const [only] = parts;
  if (parts.length === 1 && only?.type === 'text') return only.text;
  if (parts.some(({ type }) => type !== 'text')) return parts;
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join(BETWEEN);
}

/** Whether a block is of Anthropic's own tools or services, so that it is dropped. */
export const isForeign = <B extends { readonly type: string }>(one: B): one is Extract<B, { type: ForeignType }> =>
  FOREIGN.some((type) => type === one.type);
