/** The input of a request: what OpenAI's types allow, and the same in our vocabulary. */
import * as v from 'valibot';
import { type ContentPart, type GatewayError, isObject, type Message, type ToolCall } from '../../core/index.ts';
import { freeformArguments } from '../freeform-tools.ts';
import { readCarrier } from '../reasoning-carrier.ts';
import { invalid, optional } from '../validation.ts';
import { content, partsOf, toContent, unsupported, type WireContent } from './content.ts';
import { modelsName, tools } from './tools.ts';

const anything = optional(v.unknown());
const filled = v.pipe(v.string(), v.minLength(1, 'must not be empty'));

/** What items say of themselves in OpenAI's answers. Clients send them back as they came. */
const itsOwn = { id: anything, status: anything, internal_chat_message_metadata_passthrough: anything };

const message = v.object({
  type: optional(v.literal('message')),
  role: v.picklist(
    ['user', 'assistant', 'system', 'developer'],
    'must be "user", "assistant", "system" or "developer"',
  ),
  content,
  phase: anything,
  ...itsOwn,
});

const callFields = {
  call_id: filled,
  name: filled,
  namespace: optional(v.string()),
  async: anything,
  caller: anything,
  ...itsOwn,
};
const outputFields = {
  call_id: filled,
  output: content,
  name: anything,
  namespace: anything,
  caller: anything,
  ...itsOwn,
};

const reasoningText = v.looseObject({ type: v.string(), text: v.string() });

/** Items of what OpenAI's servers do by themselves, or of tools that no model here is shown. */
const FOREIGN = [
  'apply_patch_call',
  'apply_patch_call_output',
  'code_interpreter_call',
  'computer_call',
  'computer_call_output',
  'configuration_update',
  'file_search_call',
  'image_generation_call',
  'local_shell_call',
  'local_shell_call_output',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'mcp_list_tools',
  'program',
  'program_output',
  'shell_call',
  'shell_call_output',
  'tool_search_call',
  'tool_search_output',
  'web_search_call',
] as const;
type ForeignType = (typeof FOREIGN)[number];

const other = v.variant(
  'type',
  [
    v.object({ type: v.literal('function_call'), arguments: v.string(), ...callFields }),
    v.object({ type: v.literal('custom_tool_call'), input: v.string(), ...callFields }),
    v.object({ type: v.literal('function_call_output'), ...outputFields }),
    v.object({ type: v.literal('custom_tool_call_output'), ...outputFields }),
    v.object({
      type: v.literal('reasoning'),
      summary: optional(v.array(reasoningText)),
      content: optional(v.array(reasoningText)),
      encrypted_content: optional(v.string()),
      ...itsOwn,
    }),
    v.object({ type: v.literal('additional_tools'), role: anything, tools, ...itsOwn }),
    v.looseObject({ type: v.literal('item_reference') }),
    // What one of Codex's agents says to another.
    v.object({
      type: v.literal('agent_message'),
      author: anything,
      recipient: anything,
      content: v.array(v.looseObject({ type: v.string(), text: optional(v.string()) })),
      ...itsOwn,
    }),
    v.looseObject({ type: v.literal('compaction') }),
    v.looseObject({ type: v.literal('context_compaction') }),
    v.looseObject({ type: v.literal('compaction_trigger') }),
    ...FOREIGN.map((type) => v.looseObject({ type: v.literal(type) })),
  ],
  'must be the type of an input item, such as "message", "function_call" or "function_call_output"',
);

const isMessage = (item: unknown): boolean => isObject(item) && (item.type == null || item.type === 'message');

const MAX_ITEMS = 100_000;

export const input = v.union(
  [
    v.string(),
    v.pipe(
      v.array(v.lazy((item) => (isMessage(item) ? message : other))),
      v.minLength(1, 'must have at least one item'),
      v.maxLength(MAX_ITEMS, `must have at most ${MAX_ITEMS} items`),
    ),
  ],
  'must be a string or a list of items',
);

export type WireInput = v.InferOutput<typeof input>;
type WireItem = Exclude<WireInput, string>[number];

/** Where a message of ours comes from in the caller's body. */
export interface ItemOrigin {
  readonly path: string;
  /** Of its reasoning. */
  reasoning?: string;
  /** Of each tool call. */
  readonly calls: string[];
}

export interface ReadInput {
  readonly messages: readonly Message[];
  /** What no model is sent, by the caller's names. */
  readonly dropped: ReadonlySet<string>;
  readonly origins: readonly ItemOrigin[];
}

const STATELESS = 'This gateway stores no answers. Resend the full input, and set "store": false.';

export const stateless = (param: string): GatewayError => unsupported(param, STATELESS);

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Turn = Omit<Writable<Extract<Message, { role: 'assistant' }>>, 'toolCalls'> & { toolCalls?: ToolCall[] };

const isForeign = (type: string): type is ForeignType => FOREIGN.some((one) => one === type);

/**
 * Reads items in order. What a model said in one answer are several items, and one message of ours: its reasoning,
 * its text and its calls.
 */
class Reader {
  readonly messages: Message[] = [];
  readonly origins: ItemOrigin[] = [];
  readonly dropped = new Set<string>();
  private readonly calls = new Set<string>();
  private turn: Turn | undefined;
  private parts: ContentPart[] | undefined;
  private origin: ItemOrigin = { path: '', calls: [] };

  push(one: Message, path: string): void {
    this.turn = undefined;
    this.messages.push(one);
    this.origins.push({ path, calls: [] });
  }

  /** The assistant's turn that an item goes on with, or a new one. */
  private assistant(path: string, goesOn: (turn: Turn) => boolean): Turn {
    if (this.turn && goesOn(this.turn)) return this.turn;
    const turn: Turn = { role: 'assistant', content: '' };
    this.push(turn, path);
    this.turn = turn;
    this.origin = this.origins.at(-1) ?? this.origin;
    return turn;
  }

  said(wire: WireContent, path: string): void {
    const said = toContent(wire, `${path}.content`);
    const turn = this.assistant(
      `${path}.content`,
      ({ content: before, toolCalls }) => before === '' || toolCalls != null,
    );
    if (turn.content === '') turn.content = said;
    else if (typeof turn.content === 'string' && typeof said === 'string') turn.content += said;
    else if (said !== '') {
      // One list that grows: a hostile body may have very many of them.
      if (!this.parts || turn.content !== this.parts) this.parts = [...partsOf(turn.content)];
      for (const one of partsOf(said)) this.parts.push(one);
      turn.content = this.parts;
    }
  }

  called(call: ToolCall, path: string): void {
    const turn = this.assistant(path, () => true);
    turn.toolCalls ??= [];
    turn.toolCalls.push(call);
    this.origin.calls.push(path);
    this.calls.add(call.id);
  }

  /** @param path of the item */
  returned(id: string, output: WireContent, path: string): void {
    if (!this.calls.has(id)) {
      throw invalid(
        `${path}.call_id`,
        'no call with this call_id comes before it. Send the function_call or custom_tool_call item, too.',
      );
    }
    this.push({ role: 'tool', content: toContent(output, `${path}.output`), toolCallId: id }, `${path}.output`);
  }

  reasoned(wire: Extract<WireItem, { type: 'reasoning' }>, path: string): void {
    const carrier = wire.encrypted_content;
    const texts = (wire.content ?? []) as readonly { readonly text: string }[];
    // Without a carrier nobody says whose reasoning it is; with another maker's it is nobody's here.
    const carried = carrier ? readCarrier(carrier) : undefined;
    const reasoning = carrier ? carried?.reasoning : texts.map((one) => one.text).join('');
    const family = carried?.reasoningFamily;
    if (!reasoning) {
      // An item without anything in it loses nothing.
      if (carrier || (wire.summary?.length ?? 0) > 0) this.dropped.add('input[] (reasoning)');
      return;
    }
    const turn = this.assistant(path, ({ content: before, toolCalls }) => before === '' || toolCalls != null);
    if (turn.reasoning !== undefined && turn.reasoningFamily !== family) {
      this.dropped.add('input[] (reasoning)');
      return;
    }
    turn.reasoning = (turn.reasoning ?? '') + reasoning;
    if (family !== undefined) turn.reasoningFamily = family;
    this.origin.reasoning ??= path;
  }

  read(item: WireItem, path: string): void {
    if (!('type' in item) || item.type == null || item.type === 'message') {
      const { role, content: wire } = item as v.InferOutput<typeof message>;
      if (role === 'assistant') this.said(wire, path);
      else {
        const ours = role === 'user' ? 'user' : 'system';
        this.push({ role: ours, content: toContent(wire, `${path}.content`) }, `${path}.content`);
      }
      return;
    }
    const one = item as v.InferOutput<typeof other>;
    switch (one.type) {
      case 'function_call':
        this.called({ id: one.call_id, name: modelsName(one.name, one.namespace), arguments: one.arguments }, path);
        break;
      case 'custom_tool_call': {
        const args = freeformArguments(one.input);
        this.called({ id: one.call_id, name: modelsName(one.name, one.namespace), arguments: args }, path);
        break;
      }
      case 'function_call_output':
      case 'custom_tool_call_output':
        this.returned(one.call_id, one.output, path);
        break;
      case 'reasoning':
        this.reasoned(one, path);
        break;
      case 'additional_tools':
        break;
      case 'item_reference':
        throw unsupported(path, `a reference to an earlier item cannot be followed. ${STATELESS}`);
      case 'agent_message': {
        const said = one.content.flatMap(({ text: words }) => words ?? []);
        if (said.length < one.content.length) this.dropped.add('input[].content[] (encrypted_content)');
        if (said.length > 0) this.push({ role: 'user', content: said.join('\n') }, `${path}.content`);
        break;
      }
      case 'compaction':
      case 'context_compaction':
      case 'compaction_trigger':
        throw unsupported(
          path,
          'nothing here can compact a conversation, or read what OpenAI compacted. Send the items.',
        );
      default:
        if (isForeign(one.type)) this.dropped.add(`input[] (${one.type})`);
    }
  }
}

/** The chat of a body. */
export function readInput(instructions: string | null | undefined, wire: WireInput): ReadInput {
  const reader = new Reader();
  if (instructions) reader.push({ role: 'system', content: instructions }, 'instructions');
  if (typeof wire === 'string') reader.push({ role: 'user', content: wire }, 'input');
  else for (const [at, item] of wire.entries()) reader.read(item, `input[${at}]`);
  const { messages, dropped, origins } = reader;
  if (messages.length === (instructions ? 1 : 0)) throw invalid('input', 'has nothing in it that a model can be sent.');
  return { messages, dropped, origins };
}

/** The lists of tools within an input, each with its path. */
export function toolsIn(wire: WireInput): (readonly [path: string, tools: v.InferOutput<typeof tools>])[] {
  if (typeof wire === 'string') return [];
  const lists: (readonly [string, v.InferOutput<typeof tools>])[] = [];
  for (const [at, item] of wire.entries()) {
    if (item.type !== 'additional_tools') continue;
    lists.push([`input[${at}].tools`, (item as { tools: v.InferOutput<typeof tools> }).tools]);
  }
  return lists;
}
