/**
 * Markers: text that a prompt template gives a meaning, such as `<|eot_id|>`. In a prompt that is sent as one string,
 * a marker in a caller's content could close its turn and speak as another role. Here they are listed, found and
 * broken.
 */
import { type Content, type Message, type Tool, type ToolCall, textOf } from '../core/index.ts';
import { templateFamilies, templateOf } from './templates/index.ts';
import { respaced } from './templates/template.ts';

const KIMI = ['<|im_', '<|tool_call', '<|media_', '[BOS]', '[EOS]', '[EOT]'];
const GLM = [
  ...['<|system|>', '<|user|>', '<|assistant|>', '<|observation|>', '<|endoftext|>', '<|begin_of_', '<|end_of_'],
  ...['[gMASK]', '[sMASK]', '<sop>', '<eop>'],
];
/** https://ai.google.dev/gemma/docs/core/prompt-structure; Gemma 4 writes its turns as `<|turn>`. */
const GEMMA = [
  '<start_of_turn>',
  '<end_of_turn>',
  '<bos>',
  '<eos>',
  '<start_of_image>',
  '<|turn',
  '<turn|>',
  '<|tool',
  '<|channel',
];
/** https://huggingface.co/MiniMaxAI/MiniMax-M2/blob/main/chat_template.jinja */
const MINIMAX = [']~!b[', ']~b]', '[e~[', '<minimax:tool_call>', '</minimax:tool_call>'];
/** Nano v2's own turns, and the ChatML of Nemotron 3. */
const NEMOTRON = ['<SPECIAL_', '<TOOLCALL>', '<TOOL_RESPONSE>', '<|im_'];
const DEEPSEEK = ['<｜', '<|EOT|>'];

/**
 * Markers of families that have no template here. Their providers render chats all the same, so a marker in a content
 * could change who speaks. An entry is the name of a special token, or the beginning of several.
 */
const WITHOUT_TEMPLATE: ReadonlyMap<string, readonly string[]> = new Map([
  ['deepseek-v3.2', DEEPSEEK],
  ['deepseek-v4.1', DEEPSEEK],
  ['kimi-k2', KIMI],
  ['kimi-k3', KIMI],
  ['glm-4.5', GLM],
  ['glm-4.6', GLM],
  ['glm-4.7', GLM],
  ['glm-5', GLM],
  ['gemma-3', GEMMA],
  ['gemma-3n', GEMMA],
  ['gemma-4', GEMMA],
  ['minimax-m2', MINIMAX],
  ['minimax-m3', MINIMAX],
  ['nemotron-nano-2', NEMOTRON],
  ['nemotron-3', NEMOTRON],
  ['nemotron-3.5', NEMOTRON],
]);

/** Families without a template here, and the families whose markers they have. */
const SAME_AS: ReadonlyMap<string, readonly string[]> = new Map([
  ['qwen3-vl', ['qwen3']],
  ['qwen3-thinking', ['qwen3']],
  ['qwen3.5', ['qwen3']],
  ['qwen3.6', ['qwen3']],
  ['qwen3.7', ['qwen3']],
  ['qwen3.8', ['qwen3']],
  ['devstral-2', ['mistral-3']],
  ['magistral', ['mistral-3']],
  ['voxtral', ['mistral-3']],
  ['mistral-small-3', ['mistral-3']],
  ['mistral-large-2', ['mistral-3']],
  ['pixtral-large', ['mistral-3']],
  ['llama-guard', ['llama-3', 'llama-4']],
]);

const ofTemplate = (family: string): readonly string[] => templateOf(family)?.markers ?? [];

let ofUnknown: readonly string[] | undefined;

/**
 * Markers for a model of an unknown family: every special token listed here, but nothing that is also HTML or a word
 * in brackets.
 */
function unknownMarkers(): readonly string[] {
  if (ofUnknown !== undefined) return ofUnknown;
  const all = [...templateFamilies().flatMap(ofTemplate), ...[...WITHOUT_TEMPLATE.values()].flat()];
  ofUnknown = [...new Set(all.filter((marker) => /^<[|｜]/.test(marker)))];
  return ofUnknown;
}

/** Markers by family. Only of known families: there is no limit to the names of others. */
const ofFamilies = new Map<string, readonly string[]>();

/** The markers of a family's template: of the one here, or of the one that its providers use. */
export function markersOf(family: string): readonly string[] {
  const before = ofFamilies.get(family);
  if (before) return before;
  const known = templateOf(family)?.markers ?? WITHOUT_TEMPLATE.get(family) ?? SAME_AS.get(family)?.flatMap(ofTemplate);
  if (known) ofFamilies.set(family, known);
  return known ?? unknownMarkers();
}

export interface FoundMarker {
  /** The field that contains it, as callers name it: `messages[2].content`. */
  readonly param: string;
  readonly marker: string;
}

const openings = new WeakMap<readonly string[], readonly string[]>();

/**
 * The distinct first two characters of the markers. Most texts contain none of them, and Llama 3's markers share one.
 */
function openingsOf(markers: readonly string[]): readonly string[] {
  let known = openings.get(markers);
  if (known === undefined) {
    known = [...new Set(markers.map((marker) => marker.slice(0, 2)))];
    openings.set(markers, known);
  }
  return known;
}

function firstIn(text: string, markers: readonly string[]): string | undefined {
  if (!openingsOf(markers).some((opening) => text.includes(opening))) return undefined;
  let first: string | undefined;
  let at = text.length;
  for (const marker of markers) {
    const found = text.indexOf(marker);
    if (found < 0 || found >= at) continue;
    first = marker;
    at = found;
  }
  return first;
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** A call's arguments as a template writes them. Servers parse the JSON first, so escapes in it are resolved. */
function writtenArguments({ arguments: given }: ToolCall): string {
  if (!given.includes('\\')) return given;
  if (isJson(given)) return respaced(given);
  // Python's parser accepts more than ours, for example NaN. So escapes are resolved in invalid JSON too.
  return given.replace(/\\(?:u([\da-f]{4})|.)/gis, (whole, code?: string) =>
    code === undefined ? whole : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Every text of the caller that a template can put into a prompt, with the name of its field. */
function* texts(
  messages: readonly Message[],
  tools: readonly Tool[],
): Generator<readonly [param: string, text: string]> {
  for (const [index, message] of messages.entries()) {
    yield [`messages[${index}].content`, textOf(message.content)];
    if (message.role !== 'assistant') continue;
    if (message.reasoning) yield [`messages[${index}].reasoning`, message.reasoning];
    for (const [at, call] of (message.toolCalls ?? []).entries()) {
      yield [`messages[${index}].tool_calls[${at}].function.name`, call.name];
      yield [`messages[${index}].tool_calls[${at}].function.arguments`, writtenArguments(call)];
    }
  }
  for (const [index, { name, description, parameters }] of tools.entries()) {
    yield [`tools[${index}].function.name`, name];
    yield [`tools[${index}].function.description`, description ?? ''];
    yield [`tools[${index}].function.parameters`, parameters ? JSON.stringify(parameters) : ''];
  }
}

/** Whether a message is a single text without markers, with no reasoning and no tool calls. */
const isPlainWithout = (message: Message, markers: readonly string[]): boolean =>
  typeof message.content === 'string' &&
  !(message.role === 'assistant' && (message.reasoning || message.toolCalls)) &&
  firstIn(message.content, markers) === undefined;

/** The first marker in what the caller wrote. Searches contents, never the rendered prompt. */
export function findMarkers(
  markers: readonly string[],
  messages: readonly Message[],
  tools: readonly Tool[] = [],
): FoundMarker | undefined {
  if (markers.length === 0) return undefined;
  // Fast path: nearly every chat has none, and then no field name is needed.
  if (tools.length === 0 && messages.every((message) => isPlainWithout(message, markers))) return undefined;
  return findMarkersIn(markers, texts(messages, tools));
}

/** The first marker in these texts, each given with the name of its field. */
export function findMarkersIn(
  markers: readonly string[],
  named: Iterable<readonly [param: string, text: string]>,
): FoundMarker | undefined {
  for (const [param, text] of named) {
    const marker = firstIn(text, markers);
    if (marker !== undefined) return { param, marker };
  }
  return undefined;
}

/** The names of all fields that contain a marker. */
export function markedFields(
  markers: readonly string[],
  messages: readonly Message[],
  tools: readonly Tool[],
): readonly string[] {
  const fields: string[] = [];
  for (const [param, text] of texts(messages, tools)) if (firstIn(text, markers) !== undefined) fields.push(param);
  return fields;
}

const ZERO_WIDTH_SPACE = '\u200b';

/** The text with each marker broken by a zero-width space after its first character. */
export function broken(text: string, markers: readonly string[]): string {
  let safe = text;
  for (const marker of markers) safe = safe.replaceAll(marker, () => marker[0] + ZERO_WIDTH_SPACE + marker.slice(1));
  return safe;
}

function brokenContent(content: Content, markers: readonly string[]): Content {
  // Parts are joined without a separator, so a marker may span several. Such a content becomes one text.
  if (typeof content === 'string') return broken(content, markers);
  if (firstIn(textOf(content), markers) === undefined) return content;
  const images = content.filter((part) => part.type !== 'text');
  return [...images, { type: 'text', text: broken(textOf(content), markers) }];
}

/** The messages with their markers broken. Messages without markers keep their text. Idempotent. */
export function neutraliseMessages(markers: readonly string[], messages: readonly Message[]): readonly Message[] {
  if (markers.length === 0) return messages;
  return messages.map((message) => {
    const content = brokenContent(message.content, markers);
    if (message.role !== 'assistant') return { ...message, content };
    const thought = message.reasoning === undefined ? {} : { reasoning: broken(message.reasoning, markers) };
    if (!message.toolCalls) return { ...message, content, ...thought };
    const toolCalls = message.toolCalls.map((call) => {
      const written = writtenArguments(call);
      const safe = firstIn(written, markers) === undefined ? call.arguments : broken(written, markers);
      return { ...call, name: broken(call.name, markers), arguments: safe };
    });
    return { ...message, content, ...thought, toolCalls };
  });
}

/** The tools with the markers in their names, descriptions and schemas broken. */
export function neutraliseTools(markers: readonly string[], tools: readonly Tool[]): readonly Tool[] {
  return tools.map((tool) => ({
    ...tool,
    name: broken(tool.name, markers),
    ...(tool.description === undefined ? {} : { description: broken(tool.description, markers) }),
    ...(tool.parameters === undefined
      ? {}
      : { parameters: JSON.parse(broken(JSON.stringify(tool.parameters), markers)) }),
  }));
}
