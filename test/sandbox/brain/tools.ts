import { type Json, object } from '../json.ts';
import { fill, INERT, isDangerous, wordsIn } from './schema.ts';
import type { Ask, Tool, ToolUse } from './types.ts';
import { escaped, places, saysWords } from './values.ts';

/** Calls of one answer at most. */
const MAX_CALLS = 8;

/** Characters of a prompt that are looked at. */
const MAX_READ = 20_000;

/** Words of a tool's name that tell nothing of what it is about. */
const GENERIC = new Set('get set the for and use run call tool function all new one this that current'.split(' '));
/** Tools whose names say that they run or write something, whatever their arguments are called. */
const POWERFUL =
  /bash|shell|terminal|command|exec|eval|python|script|code|sql|write|edit|patch|delete|remove|file|push|deploy|reset|drop|kill|stop|send|publish|commit|install|restart|pay|buy/i;
/** Of tools that take no arguments, those that only look. */
const LOOKS = /^(?:get|show|read|fetch|list|current|now)(?![a-z])/;

/** Tools by which an agent ends that must call one in each turn: smolagents' `final_answer`, others' by such names. */
const ENDS = /^(?:final_answer|finish|submit|attempt_completion|complete_task|task_complete)$/i;

/** The command by which mini-swe-agent's model ends its work. It is called again and again until it is given. */
const LAST_COMMAND = 'echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT';

/** What harnesses put into a user's turn for the model alone: it names many tools and asks for none. */
const withoutAsides = (text: string): string => text.slice(0, MAX_READ).replace(/<([\w-]{1,60})>[\s\S]*?<\/\1>/g, ' ');

/** Whether a prompt asks for a tool by its name: `get_weather`, "the bash tool", "use read", `add(1, 2)`. */
function asksFor({ name }: Tool, prompt: string): boolean {
  // A name that is no word of prose is enough, unless one may be asking what the thing does.
  if (wordsIn(name).length > 1 && !POWERFUL.test(name) && saysWords(prompt, name)) return true;
  const plain = escaped(name);
  return new RegExp(
    String.raw`(?<![\p{L}\p{N}])(?:(?:use|using|call|calling|invoke|via)(?: the)?(?: tool| function)? ["'\x60]?${plain}(?![\p{L}\p{N}_])|(?:tool|function)(?: called| named)? ["'\x60]?${plain}(?![\p{L}\p{N}_])|["'\x60]?${plain}["'\x60]? (?:tool|function)(?![\p{L}])|${plain}\((?=[^)]{0,200}\)))`,
    'iu',
  ).test(prompt);
}

interface Call {
  readonly tool: Tool;
  readonly input: Json;
  readonly madeUp: readonly string[];
  readonly dangerous: readonly string[];
}

function callOf(tool: Tool, prompt: string): Call {
  // The tool's own name in quotes is no value.
  const rest = prompt.replace(new RegExp(`["'\`]${escaped(tool.name)}["'\`]`, 'g'), ' ');
  const { value, ...how } = fill({ type: 'object', ...tool.parameters }, rest, undefined, POWERFUL.test(tool.name));
  return { tool, input: object(value), ...how };
}

/** Whether a prompt is about what a harmless tool does, and says all that the tool must know: "the weather in Lima". */
function isAbout({ tool, input, madeUp }: Call, prompt: string): boolean {
  if (POWERFUL.test(tool.name) || madeUp.length > 0 || isDangerous({ type: 'object', ...tool.parameters }))
    return false;
  const nothingToKnow = Object.keys(object(tool.parameters.properties)).length === 0 && LOOKS.test(tool.name);
  return (
    (nothingToKnow || Object.keys(input).length > 0) &&
    wordsIn(tool.name).some((word) => word.length > 2 && !GENERIC.has(word) && saysWords(prompt, word))
  );
}

/** The tools that a prompt leads to, in the order in which they are offered. */
function chosen({ tools, toolChoice, turns }: Ask, prompt: string): Call[] {
  const calls = tools.map((tool) => callOf(tool, prompt));
  if (typeof toolChoice === 'object') return calls.filter(({ tool }) => tool.name === toolChoice.name).slice(0, 1);
  const asked = calls.filter(({ tool }) => asksFor(tool, prompt));
  if (toolChoice !== 'required') {
    // A command that does nothing is run for who asks for it; files are not written for the sake of an example.
    const able = asked.filter(({ dangerous, input }) => dangerous.every((name) => isInert(input[name])));
    if (asked.length > 0) return able;
    return calls.filter((call) => isAbout(call, prompt)).slice(0, 1);
  }
  if (asked.length > 0) return asked;
  const ending = turns.some(({ role }) => role === 'assistant') && calls.find(({ tool }) => ENDS.test(tool.name));
  if (ending) return [ending];
  const about = calls.find((call) => isAbout(call, prompt)) ?? calls.find(({ dangerous }) => dangerous.length === 0);
  return [about ?? calls[0]].filter((call) => call !== undefined);
}

const isInert = (value: unknown): boolean => value === INERT || (Array.isArray(value) && value.join(' ') === INERT);

/** Arguments with the command that ends the work in place of the one that does nothing. Both are the sandbox's own. */
const ended = (input: Json): Json =>
  Object.fromEntries(Object.entries(input).map(([key, value]) => [key, value === INERT ? LAST_COMMAND : value]));

/**
 * The calls a question leads to. None where nobody asked for one, by `tool_choice` or by name; nothing of the question but plain
 * values is in their arguments, because whoever called may run them: see `fill`.
 */
export function toolUses(ask: Ask, question: string): ToolUse[] {
  if (ask.toolChoice === 'none' || ask.tools.length === 0) return [];
  const prompt = withoutAsides(question);
  const named = places(prompt);
  const ends = prompt.includes(LAST_COMMAND) && ask.turns.some(({ role }) => role === 'assistant');
  const uses = chosen(ask, prompt).flatMap(({ tool, input }) => {
    // One for each place that is named.
    const at = Object.keys(input).find((key) => typeof input[key] === 'string' && input[key] === named[0]);
    const inputs = at ? named.map((place) => ({ ...input, [at]: place })) : [input];
    return inputs.map((one) => ({ name: tool.name, input: JSON.stringify(ends ? ended(one) : one) }));
  });
  return uses.slice(0, ask.parallelTools ? MAX_CALLS : 1);
}

/** Why a tool that was asked for by name was not called, if one was. */
export function unfilled(ask: Ask, question: string): string | undefined {
  if (ask.toolChoice !== 'auto') return undefined;
  const prompt = withoutAsides(question);
  const tool = ask.tools.find((one) => asksFor(one, prompt));
  const [name] = tool ? callOf(tool, prompt).dangerous : [];
  return tool && name && `The sandbox makes up no "${name}" for the tool ${tool.name}; tool_choice forces a call.`;
}
