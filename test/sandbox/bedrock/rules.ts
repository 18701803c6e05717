import { isJson, type Json, list, object, text } from '../json.ts';
import type { Answer } from '../wire/types.ts';
import { invalid, refuse } from './errors.ts';
import type { Model } from './models.ts';
import { structuredTrouble } from './structured.ts';

type Finding = string | undefined;

const at = (m: number, c: number): string => `messages.${m}.content.${c}`;
const blocksOf = (message: unknown): readonly unknown[] => list(object(message).content);
const idsOf = (message: unknown, kind: 'toolUse' | 'toolResult'): string[] =>
  blocksOf(message).flatMap((block) => {
    const held = object(block)[kind];
    return isJson(held) ? [text(held.toolUseId)] : [];
  });

/** A number outside its range, in the words of AWS's request validation. */
function outOfRange(name: string, value: unknown, low: number, high: number): Finding {
  if (value === undefined) return undefined;
  const say = (constraint: string) =>
    `1 validation error detected: Value '${String(value)}' at 'inferenceConfig.${name}' failed to satisfy constraint: Member must have value ${constraint}`;
  if (Number(value) < low) return say(`greater than or equal to ${low}`);
  return Number(value) > high ? say(`less than or equal to ${high}`) : undefined;
}

function sampling(config: Json, model: Model): Finding {
  const range =
    outOfRange('temperature', config.temperature, 0, 1) ??
    outOfRange('topP', config.topP, 0, 1) ??
    outOfRange('maxTokens', config.maxTokens, 1, Number.POSITIVE_INFINITY);
  if (range) return range;
  if (Number(config.maxTokens ?? 0) > model.maxOutput) {
    return `The maximum tokens you requested exceeds the model limit of ${model.maxOutput}. Try again with a maximum tokens value that is lower than ${model.maxOutput}.`;
  }
  return list(config.stopSequences).some((one) => text(one) === '')
    ? 'stopSequences: each stop sequence must have at least 1 character.'
    : undefined;
}

function roles(messages: readonly unknown[]): Finding {
  if (object(messages[0]).role !== 'user') {
    return 'A conversation must start with a user message. Try again with a conversation that starts with a user message.';
  }
  const repeats = messages.some((message, i) => i > 0 && object(message).role === object(messages[i - 1]).role);
  return repeats
    ? 'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.'
    : undefined;
}

function blanks(messages: readonly unknown[]): Finding {
  for (const [m, message] of messages.entries()) {
    if (blocksOf(message).length === 0) {
      return `The content field in the Message object at messages.${m} is empty. Add a ContentBlock object to the content field and try again.`;
    }
    for (const [c, block] of blocksOf(message).entries()) {
      const said = object(block).text;
      if (typeof said === 'string' && said.trim() === '') {
        return `The text field in the ContentBlock object at ${at(m, c)} is blank. Add text to the text field, and try again.`;
      }
    }
  }
  return undefined;
}

const ID = /^[a-zA-Z0-9_-]{1,64}$/;

function toolPairs(messages: readonly unknown[], body: Json): Finding {
  const ids = messages.flatMap((one) => [...idsOf(one, 'toolUse'), ...idsOf(one, 'toolResult')]);
  if (ids.length === 0) return undefined;
  const odd = ids.find((id) => !ID.test(id));
  if (odd !== undefined) {
    return `1 validation error detected: Value '${odd}' at 'toolUseId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+`;
  }
  if (!isJson(body.toolConfig)) {
    return 'The toolConfig field must be defined when using toolUse and toolResult content blocks.';
  }
  for (const [m, message] of messages.entries()) {
    const asked = m > 0 ? idsOf(messages[m - 1], 'toolUse') : [];
    const answered = idsOf(message, 'toolResult');
    const missing = asked.filter((id) => !answered.includes(id));
    if (missing.length > 0)
      return `Expected toolResult blocks at messages.${m}.content for the following Ids: ${missing.join(', ')}`;
    if (answered.length > asked.length) {
      return `The number of toolResult blocks at messages.${m}.content exceeds the number of toolUse blocks of previous turn.`;
    }
  }
  return undefined;
}

/** Open models' reasoning has no signature, and does not go back (langchain-ai/langchain-aws#401, earendil-works/pi#1505). */
function reasoning(messages: readonly unknown[], model: Model): Finding {
  const has = messages.some((message) => blocksOf(message).some((block) => isJson(object(block).reasoningContent)));
  return has && /deepseek|moonshot|kimi|zai|glm/.test(model.id)
    ? 'User messages cannot contain reasoning content. Please remove the reasoning content and try again.'
    : undefined;
}

/** Images are in the turns of users, and only where the model sees them. */
function images(messages: readonly unknown[], model: Model): Finding {
  for (const [m, message] of messages.entries()) {
    const c = blocksOf(message).findIndex((block) => isJson(object(block).image));
    if (c < 0) continue;
    if (!model.images)
      return "This model doesn't support the image content block that you provided. Remove it and try again.";
    if (object(message).role !== 'user')
      return `The image field at ${at(m, c)} is allowed in messages of the user only.`;
  }
  return undefined;
}

const FILE_NAME = /^(?!.* {2})[a-zA-Z0-9 ()[\]-]{1,200}$/;

/** Documents are in the turns of users, each with a name of its own and with a text beside it. */
function documents(messages: readonly unknown[], model: Model): Finding {
  const names = new Set<string>();
  for (const [m, message] of messages.entries()) {
    const found = blocksOf(message).filter((block) => isJson(object(block).document));
    if (found.length === 0) continue;
    if (!model.documents)
      return "This model doesn't support documents. Remove the document content block and try again.";
    if (object(message).role !== 'user')
      return `The document field at messages.${m} is allowed in messages of the user only.`;
    if (found.length > 5) return `The message at messages.${m} has too many documents.`;
    if (!blocksOf(message).some((block) => typeof object(block).text === 'string')) {
      return `The message at messages.${m} has a document and no text. Add a text block.`;
    }
    for (const block of found) {
      const { name, format, source } = object(object(block).document);
      if (typeof name !== 'string' || !FILE_NAME.test(name)) return 'The document file name is not allowed.';
      if (names.has(name)) return 'Messages cannot contain duplicate document names.';
      names.add(name);
      if (format !== 'pdf' || typeof object(source).bytes !== 'string') return 'The document is not valid.';
    }
  }
  return undefined;
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

function tools(body: Json, model: Model, streaming: boolean): Finding {
  if (!isJson(body.toolConfig)) return undefined;
  const specs = list(body.toolConfig.tools).map((tool) => object(object(tool).toolSpec));
  if (specs.length === 0) return 'The toolConfig.tools field must have at least 1 tool.';
  for (const [i, spec] of specs.entries()) {
    if (!NAME.test(text(spec.name))) {
      return `1 validation error detected: Value '${text(spec.name)}' at 'toolConfig.tools.${i + 1}.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+`;
    }
    if (spec.description === '') return `toolConfig.tools.${i}.toolSpec.description: must have at least 1 character.`;
    if (object(object(spec.inputSchema).json).type !== 'object') {
      return `The value at toolConfig.tools.${i}.toolSpec.inputSchema.json.type must be one of the following: object.`;
    }
  }
  if (!model.tools) return "This model doesn't support tool use.";
  const choice = Object.keys(object(body.toolConfig.toolChoice)).find((name) => name !== 'auto');
  if (choice !== undefined && !model.toolChoice) {
    return `This model doesn't support the toolConfig.toolChoice.${choice} field. Remove toolConfig.toolChoice.${choice} and try again.`;
  }
  return streaming && !model.toolStream ? "This model doesn't support tool use in streaming mode." : undefined;
}

/** Members with the wrong JSON type do not even become a request. */
function shapes(body: Json): Finding {
  const wrong = (member: string, wanted: string) => `Unexpected field type at ${member}: ${wanted} expected.`;
  if (!Array.isArray(body.messages)) return wrong('messages', 'list');
  for (const [m, message] of body.messages.entries()) {
    if (!isJson(message) || !Array.isArray(message.content))
      return wrong(`messages.${m}`, 'structure with a list of content');
    for (const [c, block] of message.content.entries()) {
      if (!isJson(block) || Object.keys(block).length !== 1) return wrong(at(m, c), 'union with exactly one member');
      if ('text' in block && typeof block.text !== 'string') return wrong(`${at(m, c)}.text`, 'string');
      if (isJson(block.toolUse) && !isJson(block.toolUse.input))
        return wrong(`${at(m, c)}.toolUse.input`, 'document object');
    }
  }
  if (body.system !== undefined && !Array.isArray(body.system)) return wrong('system', 'list');
  const config = object(body.inferenceConfig);
  for (const name of ['temperature', 'topP', 'maxTokens']) {
    if (config[name] !== undefined && typeof config[name] !== 'number')
      return wrong(`inferenceConfig.${name}`, 'number');
  }
  return config.stopSequences === undefined || Array.isArray(config.stopSequences)
    ? undefined
    : wrong('inferenceConfig.stopSequences', 'list');
}

/** Converse's refusal of a request, if it has one: the wordings are those of public reports of each. */
export function check(body: unknown, model: Model, streaming: boolean): Answer | undefined {
  if (!isJson(body)) return refuse(400, { name: 'SerializationException', message: 'Unexpected end of JSON input.' });
  const shape = shapes(body);
  if (shape) return refuse(400, { name: 'SerializationException', message: shape });
  const messages = list(body.messages);
  const found =
    sampling(object(body.inferenceConfig), model) ??
    roles(messages) ??
    blanks(messages) ??
    toolPairs(messages, body) ??
    tools(body, model, streaming) ??
    images(messages, model) ??
    documents(messages, model) ??
    reasoning(messages, model) ??
    structuredTrouble(body, model) ??
    (list(body.system).length > 0 && !model.system
      ? "This model doesn't support system messages. Try again without system messages or use a model that supports them."
      : undefined);
  return found ? invalid(found) : undefined;
}
