import {
  type ArrangedChat,
  type ChatParts,
  type Content,
  type ContentPart,
  GatewayError,
  type Message,
  type ToolCall,
  toolIdForm,
  toolIds,
} from '../../src/core/index.ts';
import { acceptedName, argumentsObject, arrangeTool, isAcceptedName, isBlank, wrongRole } from './converse-request.ts';
import { formatInstruction } from './converse-schema.ts';

/**
 * A chat as Converse takes it, in our own vocabulary: one system text comes first, then turns of user and assistant
 * alternate, each tool result follows the call it answers, and tool names and call ids are ones that Bedrock accepts.
 * Tokens are counted from it, and `converse-request.ts` maps it to JSON one to one.
 * Converse's rules: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, and the errors
 * that break them get: "A conversation must start with a user message", "must alternate between user and assistant
 * roles", "Expected toolResult blocks … for the following Ids", "The text field in the ContentBlock object … is
 * blank".
 */

/** Between texts that were several messages and become one. */
const PARAGRAPH = '\n\n';
/** Stands for a user turn that Converse requires and the caller did not send. */
const NOTHING = '.';
/** For models that may call no tool, although earlier turns show some. */
const CALL_NO_TOOL = 'Do not call any tool. Answer in text.';
/** For a tool that returned nothing, or whose result is missing. */
const NO_OUTPUT = '(no output)';

type ImagePaths = Map<ContentPart, string>;

/** A content's parts: neighbouring texts are joined, blank ones left out because Bedrock refuses blank blocks. */
function partsOf(content: Content, path: string, images: ImagePaths): ContentPart[] {
  if (typeof content === 'string') return isBlank(content) ? [] : [{ type: 'text', text: content }];
  const parts: ContentPart[] = [];
  let text = '';
  const flush = () => {
    if (!isBlank(text)) parts.push({ type: 'text', text });
    text = '';
  };
  for (const [at, part] of content.entries()) {
    if (part.type === 'text') {
      text += part.text;
      continue;
    }
    flush();
    images.set(part, part.type === 'image' ? `${path}[${at}].image_url` : `${path}[${at}].file.file_data`);
    parts.push(part);
  }
  flush();
  return parts;
}

/** The text of a message that can hold nothing else on Bedrock. */
function textOnly({ role, content }: Message, path: string): string {
  if (typeof content === 'string') return content;
  let text = '';
  for (const [at, part] of content.entries()) {
    if (part.type !== 'text') {
      throw new GatewayError('unsupported_parameter', wrongRole(role), {
        provider: 'bedrock',
        param: `${path}[${at}]`,
      });
    }
    text += part.text;
  }
  return text;
}

/** Adds what another message says to a turn. */
function append(parts: ContentPart[], more: readonly ContentPart[]): void {
  const last = parts.at(-1);
  const [first, ...rest] = more;
  if (!first) return;
  if (last?.type === 'text' && first.type === 'text') {
    parts[parts.length - 1] = { type: 'text', text: last.text + PARAGRAPH + first.text };
    parts.push(...rest);
  } else {
    parts.push(...more);
  }
}

/** Parts as a content: text alone is a string. */
function contentOf(parts: readonly ContentPart[]): Content {
  const [first, second] = parts;
  if (!first) return '';
  return second === undefined && first.type === 'text' ? first.text : parts;
}

// Turns: the consecutive messages of one side.

/** A call that an assistant made, and the tool's answer to it, if any came. */
interface MadeCall {
  readonly call: ToolCall;
  result?: { readonly message: Message; readonly parts: readonly ContentPart[] };
}

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: ContentPart[];
  readonly calls: MadeCall[];
  /** The calls by their id, and how many of them have their result: a search for each result would take too long. */
  readonly byId: Map<string, { readonly calls: MadeCall[]; answered: number }>;
  /** The message that the turn is, while it is only one. */
  source: Message | undefined;
}

interface Conversation {
  readonly system: string[];
  readonly turns: Turn[];
  /** The one system message, if it came first. */
  readonly systemSource: Message | undefined;
  /** Where the caller wrote each image. */
  readonly images: ImagePaths;
}

/**
 * Any list of messages as alternating turns: neighbours of one role are merged, and a tool's result is attached to
 * its call. A result without a call becomes what the user says. So does system text after the first turn: Converse
 * only takes it in front of the whole chat, which would be too early and would change the beginning of every prompt.
 * @throws GatewayError for an image in a message that can hold text only
 */
function turnsOf(messages: readonly Message[]): Conversation {
  const system: string[] = [];
  const turns: Turn[] = [];
  const images: ImagePaths = new Map();
  let systemSource: Message | undefined;
  const open = (role: Turn['role'], source?: Message): Turn => {
    const last = turns.at(-1);
    if (last?.role === role) {
      last.source = undefined;
      return last;
    }
    if (!last && role === 'assistant') open('user');
    const turn: Turn = { role, parts: [], calls: [], byId: new Map(), source };
    turns.push(turn);
    return turn;
  };
  /** The call of the assistant's turn before the user's that waits for this result. */
  const waiting = (id: string): MadeCall | undefined => {
    const same = turns.at(-2)?.byId.get(id);
    return same?.calls[same.answered++];
  };

  for (const [at, message] of messages.entries()) {
    const path = `messages[${at}].content`;
    switch (message.role) {
      case 'system': {
        const text = textOnly(message, path);
        if (isBlank(text)) break;
        if (turns.length > 0) {
          append(open('user').parts, [{ type: 'text', text }]);
          break;
        }
        systemSource = at === 0 ? message : undefined;
        system.push(text);
        break;
      }
      case 'user':
        append(open('user', message).parts, partsOf(message.content, path, images));
        break;
      case 'assistant': {
        const text = textOnly(message, path);
        const calls = message.toolCalls ?? [];
        if (isBlank(text) && calls.length === 0) break;
        const turn = open('assistant', message);
        if (!isBlank(text)) append(turn.parts, [{ type: 'text', text }]);
        for (const call of calls) {
          const made: MadeCall = { call };
          turn.calls.push(made);
          const same = turn.byId.get(call.id);
          if (same) same.calls.push(made);
          else turn.byId.set(call.id, { calls: [made], answered: 0 });
        }
        break;
      }
      case 'tool': {
        const turn = open('user');
        const parts = partsOf(message.content, path, images);
        const made = waiting(message.toolCallId);
        if (made) made.result = { message, parts };
        else append(turn.parts, parts);
      }
    }
  }
  if (turns.length === 0) open('user');
  // The user's turn has to give a result for every call, also for one that never returned.
  if (turns.at(-1)?.calls.length) open('user');
  return { system, turns, systemSource, images };
}

/** Puts the system text in front of the user's first words, for models without a system role. */
function foldSystem(turns: readonly Turn[], system: string): void {
  const first = turns[0];
  if (!system || !first) return;
  const said = first.parts.splice(0);
  const opening = said[0];
  first.source = undefined;
  first.parts.push({ type: 'text', text: system });
  if (opening?.type === 'text') append(first.parts, said);
  else first.parts.push(...said);
}

// The arranged chat.

/** The source message itself if nothing changed, so that caches keyed by the message still hit. */
function userMessage({ parts, source }: Turn): Message {
  const content = contentOf(parts);
  return source?.content === content && !('name' in source) ? source : { role: 'user', content };
}

function resultMessage({ result }: MadeCall, toolCallId: string): Message {
  const content = contentOf(result?.parts ?? []) || NO_OUTPUT;
  const source = result?.message;
  return source?.role === 'tool' && source.content === content && source.toolCallId === toolCallId
    ? source
    : { role: 'tool', content, toolCallId };
}

function assistantMessage({ parts, calls, source }: Turn, ids: readonly string[], isLast: boolean): Message {
  const text = parts[0]?.type === 'text' ? parts[0].text : '';
  // A prefilled answer must not end in white space.
  const content = isLast ? text.trimEnd() : text;
  let same = source?.role === 'assistant' && source.content === content && !('name' in source || 'reasoning' in source);
  const toolCalls = calls.map(({ call }, at): ToolCall => {
    const sent = {
      id: ids[at] ?? call.id,
      name: acceptedName(call.name),
      arguments: JSON.stringify(argumentsObject(call.arguments)),
    };
    if (sent.id === call.id && sent.name === call.name && sent.arguments === call.arguments) return call;
    same = false;
    return sent;
  });
  if (same && source) return source;
  return { role: 'assistant', content, ...(toolCalls.length > 0 ? { toolCalls } : {}) };
}

const sameItems = <T>(one: readonly T[], other: readonly T[]): boolean =>
  one.length === other.length && one.every((item, at) => item === other[at]);

/** Most chats need nothing: a system text, then plain texts of user and assistant by turns. */
function isArranged({ messages, tools, systemRole, responseFormat }: ChatParts): boolean {
  if (tools.length > 0 || (responseFormat && responseFormat.type !== 'text')) return false;
  const first = messages[0]?.role === 'system' ? 1 : 0;
  if ((first === 1 && !systemRole) || messages.length <= first) return false;
  for (const [at, message] of messages.entries()) {
    const role = at < first ? 'system' : (at - first) % 2 === 0 ? 'user' : 'assistant';
    if (message.role !== role || typeof message.content !== 'string' || 'name' in message) return false;
    if (isBlank(message.content)) return false;
    if (message.role === 'assistant' && (message.toolCalls || message.reasoning !== undefined)) return false;
  }
  return messages.at(-1)?.role === 'user';
}

/**
 * Arranges a chat for Converse. Lists, messages and tools that need no change are the caller's own objects.
 * @throws GatewayError for an image in a system or assistant message, to which `objectionTo` objects as well
 */
export function arrange(chat: ChatParts): ArrangedChat {
  if (isArranged(chat)) return { messages: chat.messages, tools: chat.tools };
  const { system: said, turns, systemSource, images } = turnsOf(chat.messages);
  const called = new Set(turns.flatMap(({ calls }) => calls.map(({ call }) => call.name)));
  const mayCall = chat.toolChoice !== 'none' && chat.tools.length > 0;
  // Earlier calls need their tools declared even where none may be called now: "The toolConfig field must be defined
  // when using toolUse and toolResult content blocks."
  const declared = mayCall || called.size > 0;
  const given = chat.tools.length > 0 ? chat.tools : [...called].map((name) => ({ name }));
  const tools = declared
    ? given.map((tool) => arrangeTool(tool, acceptedName(tool.name), chat.structured === true))
    : [];
  const dropsToolCalls = declared && !mayCall;

  const added = [formatInstruction(chat), dropsToolCalls ? CALL_NO_TOOL : undefined];
  const system = [...said, ...added].filter((text) => text !== undefined).join(PARAGRAPH);
  const messages: Message[] = [];
  if (!chat.systemRole) foldSystem(turns, system);
  else if (system && systemSource?.content === system && !('name' in systemSource)) messages.push(systemSource);
  else if (system) messages.push({ role: 'system', content: system });

  // Its ids have no room for Kimi's.
  const idOf = toolIds(toolIdForm(chat.family) === 'mistral' ? 'mistral' : 'plain');
  let unanswered: MadeCall[] = [];
  let ids: string[] = [];
  for (const [at, turn] of turns.entries()) {
    if (turn.role === 'assistant') {
      unanswered = turn.calls;
      ids = unanswered.map(({ call }) => idOf(call));
      messages.push(assistantMessage(turn, ids, at === turns.length - 1));
      continue;
    }
    for (const [n, made] of unanswered.entries()) messages.push(resultMessage(made, ids[n] ?? made.call.id));
    if (turn.parts.length > 0) messages.push(userMessage(turn));
    else if (unanswered.length === 0) messages.push({ role: 'user', content: NOTHING });
    unanswered = [];
  }

  const renamed = [...given.map(({ name }) => name), ...called].filter((name) => !isAcceptedName(name));
  return {
    messages: sameItems(messages, chat.messages) ? chat.messages : messages,
    tools: sameItems(tools, chat.tools) ? chat.tools : tools,
    ...(renamed.length > 0 ? { toolNames: new Map(renamed.map((name) => [acceptedName(name), name])) } : {}),
    ...(dropsToolCalls ? { dropsToolCalls } : {}),
    ...(images.size > 0 ? { imagePaths: images } : {}),
  };
}
