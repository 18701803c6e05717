/** DeepSeek V4's prompt format, whose tool calls are written in tags (DSML). */
import { isObject, type Tool, type ToolCall } from '../../core/index.ts';
import { deepseekV3 } from './qwen-deepseek.ts';
import { type ChatLayout, type Part, respaced, type Template, toolJson } from './template.ts';

const DSML = '｜DSML｜';

/** `REASONING_EFFORT_PROMPTS`. There is none for less, which is the default. */
const EFFORTS: Readonly<Record<string, string>> = {
  high:
    'Reasoning Effort: Absolute maximum with no shortcuts permitted.\n' +
    'You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, ' +
    'rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.\n' +
    'Explicitly write out your entire deliberation process, documenting every intermediate step, considered ' +
    'alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.\n\n',
  max:
    'Reasoning Effort: Beyond maximum — exhaustive, relentless, and uncompromising.\n' +
    'You MUST reason with the utmost depth and rigor, leaving absolutely nothing to chance: exhaustively decompose ' +
    'the problem into its most fundamental components, trace every causal chain to its root, and resolve the ' +
    'underlying cause rather than any surface symptom.\n' +
    'Do not stop reasoning until you have independently verified the solution from multiple angles and are certain ' +
    'that no assumption remains unchecked and no error remains undiscovered.\n\n',
};

const TOOLS_BEFORE =
  "## Tools\n\nYou have access to a set of tools to help answer the user's question. You can invoke tools by writing a " +
  `"<${DSML}tool_calls>" block like the following:\n\n<${DSML}tool_calls>\n<${DSML}invoke name="$TOOL_NAME">\n` +
  `<${DSML}parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</${DSML}parameter>\n...\n` +
  `</${DSML}invoke>\n<${DSML}invoke name="$TOOL_NAME2">\n...\n</${DSML}invoke>\n</${DSML}tool_calls>\n\n` +
  'String parameters should be specified as is and set `string="true"`. For all other types (numbers, booleans, ' +
  'arrays, objects), pass the value in JSON format and set `string="false"`.\n\n' +
  'If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside ' +
  '<think>...</think> BEFORE any tool calls or final response.\n\n' +
  'Otherwise, output directly after </think> with tool calls or final response.\n\n### Available Tool Schemas\n\n';
const TOOLS_AFTER =
  '\n\nYou MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.\n';

const toolParts = (tools: readonly Tool[]): readonly Part[] => [
  { mark: '\n\n' },
  { mark: TOOLS_BEFORE },
  { text: tools.map((tool) => toolJson(tool)).join('\n') },
  { mark: TOOLS_AFTER },
];

/** The JSON text of each argument. Undefined if they are no object. */
function argumentsOf(json: string): readonly (readonly [name: string, value: unknown])[] | undefined {
  try {
    const given: unknown = JSON.parse(json);
    return isObject(given) ? Object.entries(given) : undefined;
  } catch {
    // A model can write invalid arguments.
    return undefined;
  }
}

function parameter([name, value]: readonly [name: string, value: unknown]): readonly Part[] {
  const isText = typeof value === 'string';
  return [
    { mark: `<${DSML}parameter name="` },
    { text: name },
    { mark: `" string="${isText}">` },
    { text: isText ? value : respaced(JSON.stringify(value)) },
    { mark: `</${DSML}parameter>` },
  ];
}

const LINE: Part = { mark: '\n' };
const lines = (groups: readonly (readonly Part[])[]): readonly Part[] =>
  groups.flatMap((parts, at) => (at === 0 ? parts : [LINE, ...parts]));

/** A call whose arguments are no object is shown as it is: the reference refuses it. */
const invoke = ({ name, arguments: json }: ToolCall): readonly Part[] => [
  { mark: `<${DSML}invoke name="` },
  { text: name },
  { mark: '">\n' },
  ...lines(argumentsOf(json)?.map(parameter) ?? [[{ text: json }]]),
  { mark: `\n</${DSML}invoke>` },
];

const callParts = (calls: readonly ToolCall[]): readonly Part[] => [
  { mark: `\n\n<${DSML}tool_calls>\n` },
  ...lines(calls.map(invoke)),
  { mark: `\n</${DSML}tool_calls>` },
];

/** The turns with the results of each answer in the order of its calls. */
function inCallOrder(turns: ChatLayout['turns']): ChatLayout['turns'] {
  const sorted = [...turns];
  let order = new Map<string, number>();
  for (const [at, { role, calls }] of turns.entries()) {
    if (calls) order = new Map(calls.map(({ id }, place) => [id, place]));
    if (role !== 'tool' || turns[at - 1]?.role === 'tool') continue;
    let end = at;
    while (turns[end]?.role === 'tool') end++;
    const results = turns.slice(at, end);
    const place = ({ callId = '' }: (typeof results)[number]): number => order.get(callId) ?? 0;
    sorted.splice(at, results.length, ...results.toSorted((a, b) => place(a) - place(b)));
  }
  return sorted;
}

const layout =
  (thinking: boolean) =>
  ({ turns: given, tools, open }: ChatLayout): readonly Part[] => {
    const turns = inCallOrder(given);
    const parts: Part[] = [];
    const lastUser = turns.findLastIndex(({ role }) => role === 'user' || role === 'tool');
    /** With tools all reasoning is kept, else that since the last question or result. */
    const isKept = (at: number): boolean => thinking && (tools.length > 0 || at > lastUser);
    const opens = (at: number): Part => ({ mark: `<｜Assistant｜>${isKept(at) ? '<think>' : '</think>'}` });
    if (tools.length > 0 && turns[0]?.role !== 'system') parts.push(...toolParts(tools));
    for (const [at, { role, text, calls, thought = '' }] of turns.entries()) {
      const before = turns[at - 1]?.role;
      if (role === 'system') {
        parts.push({ text }, ...(tools.length > 0 && at === 0 ? toolParts(tools) : []));
      } else if (role === 'assistant') {
        if (before !== 'assistant' && (at > 0 || tools.length > 0)) parts.push(opens(at));
        if (isKept(at)) parts.push({ text: thought }, { mark: '</think>' });
        parts.push({ text }, ...(calls ? callParts(calls) : []));
        if (!(open && at === turns.length - 1)) parts.push({ mark: '<｜end▁of▁sentence｜>' });
      } else {
        parts.push({ mark: before === 'user' || before === 'tool' ? '\n\n' : '<｜User｜>' });
        if (role === 'user') parts.push({ text });
        else parts.push({ mark: '<tool_result>' }, { text }, { mark: '</tool_result>' });
      }
    }
    if (turns.at(-1)?.role !== 'assistant') parts.push(opens(turns.length));
    return parts;
  };

/**
 * DeepSeek V4: `encode_messages` in encoding/encoding_dsv4.py of https://huggingface.co/deepseek-ai/DeepSeek-V4-Pro,
 * as vLLM has it (vllm/tokenizers/deepseek_v4_encoding.py). Tools follow the system text. Results are part of the
 * user's turn.
 */
export const deepseekV4 = (thinking: boolean, effort: string | undefined): Template => ({
  ...deepseekV3,
  preamble: thinking && effort !== undefined && Object.hasOwn(EFFORTS, effort) ? (EFFORTS[effort] ?? '') : '',
  // Calls are tags in the answer.
  answerIsMarked: true,
  answer: thinking ? '<｜Assistant｜><think>' : '<｜Assistant｜></think>',
  layout: layout(thinking),
  specials: [...deepseekV3.specials, DSML],
  markers: [...deepseekV3.markers, DSML, '<dsml:', '</dsml:'],
});
