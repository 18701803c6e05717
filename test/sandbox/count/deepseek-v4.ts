import { type Json, object } from '../json.ts';
import type { Chat, Message } from './types.ts';

/**
 * DeepSeek V4's prompt: a transcription of `encode_messages` in test/tokens/makers/deepseek_v4_encoding.py. What that makes of
 * many chats is in test/tokens/golden.
 */

const TAG = '｜DSML｜';

const TOOLS = `## Tools

You have access to a set of tools to help answer the user's question. You can invoke tools by writing a "<${TAG}tool_calls>" block like the following:

<${TAG}tool_calls>
<${TAG}invoke name="$TOOL_NAME">
<${TAG}parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</${TAG}parameter>
...
</${TAG}invoke>
<${TAG}invoke name="$TOOL_NAME2">
...
</${TAG}invoke>
</${TAG}tool_calls>

String parameters should be specified as is and set \`string="true"\`. For all other types (numbers, booleans, arrays, objects), pass the value in JSON format and set \`string="false"\`.

If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside <think>...</think> BEFORE any tool calls or final response.

Otherwise, output directly after </think> with tool calls or final response.

### Available Tool Schemas

{schemas}

You MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.
`;

const EFFORTS: Readonly<Record<string, string>> = {
  high: `Reasoning Effort: Absolute maximum with no shortcuts permitted.
You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.
Explicitly write out your entire deliberation process, documenting every intermediate step, considered alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.

`,
  max: `Reasoning Effort: Beyond maximum — exhaustive, relentless, and uncompromising.
You MUST reason with the utmost depth and rigor, leaving absolutely nothing to chance: exhaustively decompose the problem into its most fundamental components, trace every causal chain to its root, and resolve the underlying cause rather than any surface symptom.
Do not stop reasoning until you have independently verified the solution from multiple angles and are certain that no assumption remains unchecked and no error remains undiscovered.

`,
};

/** Python's `json.dumps(…, ensure_ascii=False)`. */
export function dumps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${dumps(one)}`);
  return `{${members.join(', ')}}`;
}

const parameters = (given: Json): string =>
  Object.entries(given)
    .map(([key, value]) => {
      const isText = typeof value === 'string';
      const shown = isText ? value : dumps(value);
      return `<${TAG}parameter name="${key}" string="${isText}">${shown}</${TAG}parameter>`;
    })
    .join('\n');

const invocations = (calls: NonNullable<Message['tool_calls']>): string => {
  const each = calls.map(
    ({ function: called }) => `<${TAG}invoke name="${called.name}">\n${parameters(called.arguments)}\n</${TAG}invoke>`,
  );
  return `\n\n<${TAG}tool_calls>\n${each.join('\n')}\n</${TAG}tool_calls>`;
};

interface Entry {
  readonly role: 'system' | 'user' | 'assistant';
  readonly message: Message;
  /** Of a user's entry: what was said, and results, by the ids of their calls. */
  readonly blocks: { readonly text: string; readonly id?: string }[];
}

/** `merge_tool_messages` and `sort_tool_results_by_call_order`. */
function merged(messages: readonly Message[]): Entry[] {
  const entries: Entry[] = [];
  for (const message of messages) {
    const { role, content, tool_call_id: id } = message;
    if (role !== 'user' && role !== 'tool') {
      entries.push({ role: role === 'assistant' ? 'assistant' : 'system', message, blocks: [] });
      continue;
    }
    const block = role === 'tool' ? { text: `<tool_result>${content}</tool_result>`, id: id ?? '' } : { text: content };
    const last = entries.at(-1);
    if (last?.role === 'user') last.blocks.push(block);
    else entries.push({ role: 'user', message, blocks: [block] });
  }
  let order: readonly (string | undefined)[] = [];
  for (const { message, blocks } of entries) {
    if (message.tool_calls) order = message.tool_calls.map(({ id }) => id);
    const results = blocks.filter(({ id }) => id !== undefined);
    const place = ({ id }: (typeof blocks)[number]): number => Math.max(0, order.indexOf(id));
    const sorted = results.toSorted((a, b) => place(a) - place(b));
    for (const [at, { id }] of blocks.entries()) {
      const next = id === undefined ? undefined : sorted.shift();
      if (next) blocks[at] = next;
    }
  }
  return entries;
}

export function deepseekV4({ messages, tools, thinking = true, effort, begun }: Chat): string {
  const [first] = messages;
  const opened: readonly Message[] =
    tools.length > 0 && first?.role !== 'system' ? [{ role: 'system', content: '' }, ...messages] : messages;
  const entries = merged(opened);
  const keepsAll = tools.length > 0;
  const lastUser = entries.findLastIndex(({ role }) => role === 'user');
  let out = `<｜begin▁of▁sentence｜>${thinking ? (EFFORTS[effort ?? ''] ?? '') : ''}`;
  for (const [at, { role, message, blocks }] of entries.entries()) {
    const next = entries[at + 1]?.role;
    if (role === 'system') {
      out += message.content;
      if (at === 0 && keepsAll) {
        out += `\n\n${TOOLS.replace('{schemas}', () => tools.map((tool) => dumps(object(tool.function))).join('\n'))}`;
      }
    } else if (role === 'user') {
      out += `<｜User｜>${blocks.map((block) => block.text).join('\n\n')}`;
    } else {
      if (thinking && (keepsAll || at > lastUser)) out += `${message.reasoning_content ?? ''}</think>`;
      out += message.content + (message.tool_calls ? invocations(message.tool_calls) : '');
      if (!(begun && next === undefined)) out += '<｜end▁of▁sentence｜>';
    }
    const opens = role !== 'assistant' && (next === 'assistant' || next === undefined);
    if (opens) out += `<｜Assistant｜>${thinking && (keepsAll || at >= lastUser) ? '<think>' : '</think>'}`;
  }
  return out;
}
