import { type Content, type Message, type Tool, type ToolCall, textOf } from '../core/index.ts';
import { otherMarkers } from './other-markers.ts';
import { templateOf } from './templates/index.ts';
import { respaced } from './templates/json.ts';

export interface FoundMarker {
  /** The field that holds it, as the caller wrote it: `messages[2].content`. */
  readonly param: string;
  readonly marker: string;
}

/** Markers of a family's template, ours or the one that its providers have. */
export function markersOf(family: string): readonly string[] {
  const known = ofFamilies.get(family);
  if (known) return known;
  const own = templateOf(family)?.markers;
  // Only of families that there are: the others' names have no end.
  if (own) ofFamilies.set(family, own);
  return own ?? otherMarkers(family);
}

const ofFamilies = new Map<string, readonly string[]>();

const openings = new WeakMap<readonly string[], readonly string[]>();

/** The first two characters of each marker, once each: what most texts have none of, and Llama 3's markers all have. */
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

/** A call's arguments as a template writes them: servers parse the JSON first, so that what was escaped in it is not. */
function writtenArguments({ arguments: given }: ToolCall): string {
  if (!given.includes('\\')) return given;
  if (isJson(given)) return respaced(given);
  // Python's parser takes more than ours, NaN say: what is no JSON here may be some there.
  return given.replace(/\\(?:u([\da-f]{4})|.)/gis, (whole, code?: string) =>
    code === undefined ? whole : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Every text of a caller that a template can put into a prompt, with its field's name. */
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

/** A text that has nothing beside it, and no template syntax in it. */
const isPlainWithout = (message: Message, markers: readonly string[]): boolean =>
  typeof message.content === 'string' &&
  !(message.role === 'assistant' && (message.reasoning || message.toolCalls)) &&
  firstIn(message.content, markers) === undefined;

/**
 * The first piece of template syntax inside what a caller wrote. In a prompt that is sent as one string nothing else
 * keeps such a content apart from the template around it: it could close its turn and speak as another role. Contents are
 * searched, never the rendered prompt.
 */
export function findMarkers(
  markers: readonly string[],
  messages: readonly Message[],
  tools: readonly Tool[] = [],
): FoundMarker | undefined {
  if (markers.length === 0) return undefined;
  // Nearly every chat holds none: then no field needs a name.
  if (tools.length === 0 && messages.every((message) => isPlainWithout(message, markers))) return undefined;
  return findMarkersIn(markers, texts(messages, tools));
}

/** The same in plain texts, each with its field's name. */
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

/** Every field that holds template syntax. */
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

/** A text whose markers are none any more: a zero-width space stands after the first character of each. */
export function broken(text: string, markers: readonly string[]): string {
  let safe = text;
  for (const marker of markers) safe = safe.replaceAll(marker, () => marker[0] + ZERO_WIDTH_SPACE + marker.slice(1));
  return safe;
}

function brokenContent(content: Content, markers: readonly string[]): Content {
  // A marker may lie across parts, which are joined without a separator: a content that holds one becomes one text.
  if (typeof content === 'string') return broken(content, markers);
  if (firstIn(textOf(content), markers) === undefined) return content;
  const images = content.filter((part) => part.type !== 'text');
  return [...images, { type: 'text', text: broken(textOf(content), markers) }];
}

/** The messages with their markers broken. Doing it again changes nothing, and nothing without a marker is changed. */
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

/** The tools with their markers broken, in names, descriptions and schemas. */
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
