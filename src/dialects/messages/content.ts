/** The messages and system texts of a request: what Anthropic's types allow, and the same in our vocabulary. */
import * as v from 'valibot';
import type { Content, ContentPart, GatewayError, Message, ToolCall } from '../../core/index.ts';
import { readCarrier } from '../reasoning-carrier.ts';
import { assertShallow, invalid, optional } from '../validation.ts';
import { BETWEEN, block, innerParts, isForeign, text, toContent, type WireBlock, type WireText } from './blocks.ts';

const content = v.union([v.string(), v.array(block)], 'must be a string or a list of blocks');

export const message = v.variant(
  'role',
  [
    v.object({ role: v.literal('user'), content }),
    v.object({ role: v.literal('assistant'), content }),
    v.object({
      role: v.literal('system'),
      content: optional(content),
      clear_at: optional(v.picklist(['next_user_message', 'never'], 'must be "next_user_message" or "never"')),
      output_config: optional(v.object({ effort: optional(v.string()) })),
    }),
  ],
  'must be "user", "assistant" or "system"',
);

export const system = v.union([v.string(), v.array(text)], 'must be a string or a list of text blocks');

type WireMessage = v.InferOutput<typeof message>;
/** Where a message of ours comes from in the caller's body. */
export interface Origin {
  readonly path: string;
  /** Of each tool call. */
  readonly calls: readonly string[];
}

/** The chat of a body. */
export interface ReadChat {
  readonly messages: Message[];
  /** What no model is sent, by the caller's names. */
  readonly dropped: ReadonlySet<string>;
  /** Set by the last system message that carries nothing but an effort. */
  readonly effort?: string;
}

/**
 * Claude Code's note on itself, the first of its system blocks. It changes from request to request, so no prefix
 * cache would ever hold with it, and it is not meant for a model.
 */
const BILLING = 'x-anthropic-billing-header:';

function systemText(wire: string | readonly WireText[]): string {
  if (typeof wire === 'string') return wire.startsWith(BILLING) ? '' : wire;
  let joined = '';
  for (const { text: one } of wire) {
    if (one === '' || one.startsWith(BILLING)) continue;
    joined += joined === '' ? one : BETWEEN + one;
  }
  return joined;
}

type ToolResult = Extract<WireBlock, { type: 'tool_result' }>;

function resultContent({ content: wire }: ToolResult, path: string, dropped: Set<string>): Content {
  if (wire == null || typeof wire === 'string') return wire ?? '';
  const parts: ContentPart[] = [];
  for (const [at, one] of wire.entries()) {
    if (one.type === 'tool_reference') parts.push({ type: 'text', text: one.tool_name });
    else if (isForeign(one)) dropped.add(`messages[].content[].content[] (${one.type})`);
    else parts.push(...innerParts(one, `${path}.content[${at}]`));
  }
  return toContent(parts);
}

const misplaced = (path: string, type: string, role: string): GatewayError =>
  invalid(`${path}.type`, `"${type}" cannot stand in a message of the ${role}.`);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads messages in order. Consecutive ones of the same role are one turn, as in Anthropic's API. */
class Reader {
  readonly messages: Message[] = [];
  readonly origins: Origin[] = [];
  readonly dropped = new Set<string>();
  effort: string | undefined;
  /** A tool has been called. Templates and providers each do something else with a result before that. */
  #called = false;
  readonly traced: boolean;

  constructor(traced: boolean) {
    this.traced = traced;
  }

  push(one: Message, path: string, calls: readonly string[] = []): void {
    this.messages.push(one);
    if (this.traced) this.origins.push({ path, calls });
  }

  /** A run of user messages: first the results of tools, as models expect them, then the rest as one message. */
  user(run: readonly WireMessage[], from: number): void {
    const [only] = run;
    if (run.length === 1 && typeof only?.content === 'string') {
      this.push({ role: 'user', content: only.content }, `messages[${from}].content`);
      return;
    }
    const parts: ContentPart[] = [];
    let results = 0;
    let place = from;
    for (const [offset, { content: wire }] of run.entries()) {
      const path = `messages[${from + offset}].content`;
      if (typeof wire === 'string') {
        if (wire !== '') parts.push({ type: 'text', text: wire });
        continue;
      }
      for (const [at, one] of (wire ?? []).entries()) {
        if (one.type === 'tool_result') {
          const where = `${path}[${at}]`;
          if (!this.#called) throw invalid(where, 'a tool_result must follow a message with its tool_use.');
          const answer = resultContent(one, where, this.dropped);
          results += 1;
          const failed = one.is_error ? { isError: true as const } : {};
          this.push({ role: 'tool', content: answer, toolCallId: one.tool_use_id, ...failed }, `${where}.content`);
        } else if (isForeign(one)) this.dropped.add(`messages[].content[] (${one.type})`);
        else if (one.type === 'thinking' || one.type === 'tool_use')
          throw misplaced(`${path}[${at}]`, one.type, 'user');
        else {
          if (parts.length === 0) place = from + offset;
          parts.push(...innerParts(one, `${path}[${at}]`));
        }
      }
    }
    if (parts.length > 0 || results === 0) {
      this.push({ role: 'user', content: toContent(parts) }, `messages[${place}].content`);
    }
  }

  assistant(run: readonly WireMessage[], from: number): void {
    let said = '';
    let reasoning = '';
    let reasoningFamily: string | undefined;
    const toolCalls: ToolCall[] = [];
    const paths: string[] = [];
    for (const [offset, { content: wire }] of run.entries()) {
      if (typeof wire === 'string') {
        said += wire;
        continue;
      }
      const path = `messages[${from + offset}].content`;
      for (const [at, one] of (wire ?? []).entries()) {
        if (one.type === 'text') said += one.text;
        else if (one.type === 'tool_use') {
          assertShallow(one.input, `${path}[${at}].input`);
          toolCalls.push({ id: one.id, name: one.name, arguments: JSON.stringify(one.input ?? {}) });
          if (this.traced) paths.push(`${path}[${at}]`);
        } else if (one.type === 'thinking') {
          // Without our signature nobody knows which model thought it.
          const carried = readCarrier(one.signature ?? '');
          if (!carried || (reasoningFamily !== undefined && reasoningFamily !== carried.reasoningFamily)) {
            this.dropped.add('messages[].content[] (thinking)');
            continue;
          }
          ({ reasoningFamily } = carried);
          reasoning += carried.reasoning;
        } else if (isForeign(one)) this.dropped.add(`messages[].content[] (${one.type})`);
        else throw misplaced(`${path}[${at}]`, one.type, 'assistant');
      }
    }
    const turn: Writable<Extract<Message, { role: 'assistant' }>> = { role: 'assistant', content: said };
    if (reasoningFamily !== undefined) {
      turn.reasoning = reasoning;
      turn.reasoningFamily = reasoningFamily;
    }
    if (toolCalls.length > 0) {
      turn.toolCalls = toolCalls;
      this.#called = true;
    }
    this.push(turn, `messages[${from}].content`, paths);
  }

  system(wire: Extract<WireMessage, { role: 'system' }>, at: number): void {
    const effort = wire.output_config?.effort;
    if (effort) this.effort = effort;
    const path = `messages[${at}].content`;
    const texts: WireText[] = [];
    for (const one of typeof wire.content === 'string' ? [] : (wire.content ?? [])) {
      if (one.type === 'text') texts.push(one);
      else if (isForeign(one)) this.dropped.add(`messages[].content[] (${one.type})`);
      else throw misplaced(path, one.type, 'system');
    }
    const said = systemText(typeof wire.content === 'string' ? wire.content : texts);
    if (said !== '') this.push({ role: 'system', content: said }, path);
  }
}

/** The chat of a body, and where each of its messages comes from if that is asked for. */
export function readChat(
  top: v.InferOutput<typeof system> | null | undefined,
  wire: readonly WireMessage[],
  traced = false,
): ReadChat & { readonly origins: readonly Origin[] } {
  const reader = new Reader(traced);
  const said = top == null ? '' : systemText(top);
  if (said !== '') reader.push({ role: 'system', content: said }, 'system');
  const lastUser = wire.findLastIndex(({ role }) => role === 'user');
  for (let at = 0; at < wire.length; ) {
    const one = wire[at];
    if (!one) break;
    if (one.role === 'system') {
      // Said only until the user's next message.
      if (one.clear_at !== 'next_user_message' || lastUser < at) reader.system(one, at);
      at += 1;
      continue;
    }
    let end = at + 1;
    while (wire[end]?.role === one.role) end += 1;
    const run = wire.slice(at, end);
    if (one.role === 'user') reader.user(run, at);
    else reader.assistant(run, at);
    at = end;
  }
  const { messages, dropped, effort, origins } = reader;
  return { messages, dropped, origins, ...(effort === undefined ? {} : { effort }) };
}
