import {
  type ChatJob,
  type Content,
  type ContentPart,
  GatewayError,
  hashedId,
  isObject,
  type JsonObject,
  type Message,
  type Tool,
  type ToolCall,
} from '../../src/core/index.ts';
import { clampTemperature, isLlama, isMistral } from './about.ts';
import { fitSchema, outputConfig } from './converse-schema.ts';

/**
 * What Converse accepts (names, ids, tools, images), and an arranged chat as its request, one to one.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */

export const isBlank = (text: string): boolean => text.trim() === '';

// Names of tools.

/** API model, `ToolName`. */
const ACCEPTED = /^[a-zA-Z0-9_-]{1,64}$/;

export const isAcceptedName = (name: string): boolean => ACCEPTED.test(name);

/**
 * A tool's name as Bedrock accepts it: other characters become `_`, and a hash keeps two names apart that would
 * become one.
 */
export const acceptedName = (name: string): string =>
  ACCEPTED.test(name) ? name : `${name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 54)}_${hashedId(name)}`;

// Tools.

/** Converse requires an object schema for every tool. */
const objectSchema = (parameters: Tool['parameters']): NonNullable<Tool['parameters']> =>
  parameters?.type === undefined ? { type: 'object', properties: {}, ...parameters } : parameters;

/** `strict` needs a schema that the API can hold arguments to, as `outputConfig` does; without one it is left out. */
export function arrangeTool(tool: Tool, name: string, structured: boolean): Tool {
  const schema = objectSchema(tool.parameters);
  const fit = structured && tool.strict === true && isObject(schema) ? fitSchema(schema) : undefined;
  const blank = tool.description !== undefined && isBlank(tool.description);
  if (name === tool.name && schema === tool.parameters && !blank && tool.strict === undefined) return tool;
  return {
    name,
    ...(tool.description === undefined || blank ? {} : { description: tool.description }),
    parameters: fit ? fit.schema : schema,
    ...(fit ? { strict: true } : {}),
  };
}

/**
 * The model's own JSON text of a call's arguments, as the object that Bedrock requires. Anything that is not an
 * object is wrapped in one. `JSON.stringify` of what this returns gives the same again.
 */
export function argumentsObject(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // The model wrote something else than JSON.
  }
  return { rawInvalidInput: text };
}

// Images.

/** Media types to the formats of the Converse API. `image/jpg` is not registered, but common. */
const IMAGE_FORMATS: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);

const DATA_URL = /^data:([a-z0-9.+/-]{1,100})((?:;[a-z0-9=._-]{1,100}){0,5}),/i;
const NOT_BASE64 = 'The image’s data: URL is not base64 of anything.';

interface ImageFault {
  readonly code: 'unsupported_parameter' | 'invalid_request';
  readonly message: string;
}

/** What an image's URL begins with, or why Bedrock cannot take it. Reads only the beginning. */
function imageHead(
  url: string,
): { readonly format: string; readonly base64: boolean; readonly length: number } | ImageFault {
  const head = DATA_URL.exec(url.slice(0, 1000));
  if (!head) {
    if (/^data:/i.test(url)) return { code: 'invalid_request', message: 'The image is not a readable data: URL.' };
    const message = 'AWS Bedrock takes images as data: URLs only. Send the image itself, or ask another provider.';
    return { code: 'unsupported_parameter', message };
  }
  const [start, type = '', parameters = ''] = head;
  const format = IMAGE_FORMATS.get(type.toLowerCase());
  if (!format) {
    const message = 'AWS Bedrock takes PNG, JPEG, GIF and WebP images only.';
    return { code: 'unsupported_parameter', message };
  }
  return { format, base64: /;base64$/i.test(parameters), length: start.length };
}

/** Why an image or a file cannot be sent in a message of this role. */
export const wrongRole = (role: Message['role']): string =>
  `AWS Bedrock takes images and files from the user and from tools only, not in a message of role ${role}. Move them.`;

// Files: `DocumentBlock`, and the limits of `Message`.

const MOST_FILES = 5;
const MOST_FILE_BYTES = 4_500_000;

type FilePart = Extract<ContentPart, { type: 'file' }>;

const bytesOf = ({ data }: FilePart): number => Math.floor((data.length * 3) / 4);

/**
 * Names may have letters, digits, single spaces, hyphens, parentheses and brackets. A number keeps two files of one name
 * apart, and is the same in every turn of a conversation.
 */
function documentBlock({ data, name = '' }: FilePart, number: number): JsonObject {
  const clean = name
    .replace(/\.pdf$/i, '')
    .replace(/[^a-zA-Z0-9()[\]-]+/g, ' ')
    .slice(0, 150)
    .trim();
  return { document: { format: 'pdf', name: `${clean || 'document'} ${number}`, source: { bytes: normalised(data) } } };
}

/**
 * Why the images of a chat cannot all be sent, whatever the model. Looks at the beginning of each image's URL, and
 * decodes none.
 */
export function objectionTo(messages: readonly Message[]): { message: string; param: string } | undefined {
  for (const [n, { role, content }] of messages.entries()) {
    if (typeof content === 'string') continue;
    let files = 0;
    for (const [at, part] of content.entries()) {
      if (part.type === 'text') continue;
      const param = `messages[${n}].content[${at}]`;
      if (role === 'system' || role === 'assistant') return { message: wrongRole(role), param };
      if (part.type === 'file') {
        files += 1;
        if (files > MOST_FILES)
          return { message: `AWS Bedrock takes at most ${MOST_FILES} files in a message.`, param };
        if (bytesOf(part) > MOST_FILE_BYTES) {
          return { message: 'AWS Bedrock takes files of at most 4.5 MB. Send fewer pages, or their text.', param };
        }
        continue;
      }
      const head = imageHead(part.url);
      const fault =
        'code' in head ? head.message : head.base64 && part.url.length > head.length ? undefined : NOT_BASE64;
      if (fault !== undefined) return { message: fault, param: `${param}.image_url` };
    }
  }
  return undefined;
}

/** The base64 in canonical form: `atob` also accepts white space and missing padding. */
function normalised(base64: string): string {
  try {
    return btoa(atob(base64));
  } catch {
    // Not base64.
    return '';
  }
}

/** An image of a `data:` URL. Converse takes bytes, and the gateway fetches nothing for a caller. */
function imageBlock(url: string, param: string): JsonObject {
  const head = imageHead(url);
  const fault = ({ code, message }: ImageFault) => new GatewayError(code, message, { provider: 'bedrock', param });
  if ('code' in head) throw fault(head);
  const bytes = head.base64 ? normalised(url.slice(head.length)) : '';
  if (!bytes) throw fault({ code: 'invalid_request', message: NOT_BASE64 });
  return { format: head.format, source: { bytes } };
}

// The request.

/** A message of the request, whose content is a list of blocks. */
interface WireMessage {
  readonly role: 'user' | 'assistant';
  readonly content: JsonObject[];
}

/** A file needs a text beside it. */
const NO_WORDS = 'See the document.';

/** @param number of the next file in the conversation */
function blocksOf(content: Content, paths: ChatJob['imagePaths'], number: () => number): JsonObject[] {
  if (typeof content === 'string') return [{ text: content }];
  const blocks = content.map((part): JsonObject => {
    if (part.type === 'text') return { text: part.text };
    if (part.type === 'file') return documentBlock(part, number());
    return { image: imageBlock(part.url, paths?.get(part) ?? 'messages') };
  });
  const alone = content.some(({ type }) => type === 'file') && content.every(({ type }) => type !== 'text');
  return alone ? [...blocks, { text: NO_WORDS }] : blocks;
}

const toolUse = ({ id, name, arguments: json }: ToolCall): JsonObject => ({
  toolUse: { toolUseId: id, name, input: argumentsObject(json) },
});

/** The messages of an arranged chat. Results and what the user says beside them are one message. */
function wireMessages(messages: readonly Message[], paths: ChatJob['imagePaths']): WireMessage[] {
  const wire: WireMessage[] = [];
  let files = 0;
  const number = () => ++files;
  let user: JsonObject[] | undefined;
  const said = (...blocks: JsonObject[]) => {
    if (user) {
      user.push(...blocks);
    } else {
      user = blocks;
      wire.push({ role: 'user', content: user });
    }
  };
  for (const message of messages) {
    switch (message.role) {
      case 'system':
        break;
      case 'user':
        said(...blocksOf(message.content, paths, number));
        break;
      case 'tool':
        said({ toolResult: { toolUseId: message.toolCallId, content: blocksOf(message.content, paths, number) } });
        break;
      case 'assistant': {
        const text = message.content === '' ? [] : blocksOf(message.content, paths, number);
        wire.push({ role: 'assistant', content: [...text, ...(message.toolCalls ?? []).map(toolUse)] });
        user = undefined;
      }
    }
  }
  return wire;
}

/** `none` is not among Converse's choices. Llama takes none but `auto`, which is its default. */
function wireToolChoice({ toolChoice: choice, family, dropsToolCalls }: ChatJob): JsonObject | undefined {
  if (choice === undefined || choice === 'none' || dropsToolCalls || isLlama(family)) return undefined;
  if (choice === 'auto') return { auto: {} };
  if (choice === 'required') return { any: {} };
  return { tool: { name: acceptedName(choice.name) } };
}

function toolConfig(job: ChatJob): JsonObject | undefined {
  if (job.tools.length === 0) return undefined;
  const toolChoice = wireToolChoice(job);
  return {
    tools: job.tools.map(({ name, description, parameters, strict }) => ({
      toolSpec: {
        name,
        inputSchema: { json: parameters },
        ...(description === undefined ? {} : { description }),
        ...(strict ? { strict } : {}),
      },
    })),
    ...(toolChoice ? { toolChoice } : {}),
  };
}

/** `InferenceConfiguration`: undefined where the caller set nothing of it. */
function inferenceConfig({ maxTokens, sampling, stop }: ChatJob): JsonObject | undefined {
  const stopSequences = stop.filter((sequence) => sequence !== '');
  const config: JsonObject = {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(sampling.temperature === undefined ? {} : { temperature: clampTemperature(sampling.temperature) }),
    ...(sampling.topP === undefined ? {} : { topP: sampling.topP }),
    ...(stopSequences.length === 0 ? {} : { stopSequences }),
  };
  return Object.keys(config).length > 0 ? config : undefined;
}

/**
 * An arranged chat as the body of a Converse request; ConverseStream takes the same.
 * @throws GatewayError for an image that cannot be decoded
 */
export function converseRequest(job: ChatJob): JsonObject {
  const { messages, sampling, family } = job;
  const [first] = messages;
  const system = first?.role === 'system' && typeof first.content === 'string' ? first.content : undefined;
  const inference = inferenceConfig(job);
  const tools = toolConfig(job);
  const output = outputConfig(job);
  return {
    messages: wireMessages(messages, job.imagePaths),
    ...(system ? { system: [{ text: system }] } : {}),
    ...(inference ? { inferenceConfig: inference } : {}),
    ...(tools ? { toolConfig: tools } : {}),
    // Mistral takes `top_k`; a field that a model does not know fails the request.
    ...(sampling.topK !== undefined && isMistral(family)
      ? { additionalModelRequestFields: { top_k: sampling.topK } }
      : {}),
    ...(output ? { outputConfig: output } : {}),
  };
}
