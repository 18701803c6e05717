import type { Ask, ToolUse } from './types.ts';

/**
 * Scenes that a test of an agent asks for by name: "Play the sandbox scene knots." The sandbox then plays a model that works
 * with tools, one call in each turn. What it calls is written here: nothing of the prompt is ever in it, because agents run it.
 */

/** One turn: a call in the words of each agent whose tools are known, of which the first that is offered is made. */
type Step = readonly { readonly tool: string; readonly input: Readonly<Record<string, unknown>> }[];

interface Scene {
  readonly steps: readonly Step[];
  /** What is said at the end. */
  readonly end: string;
}

const FILE = 'knots.txt';
/** As Codex's tool takes it. */
const PATCH = `*** Begin Patch\n*** Update File: ${FILE}\n@@\n-cord: red\n+cord: blue\n*** End Patch\n`;

const SCENES: Readonly<Record<string, Scene>> = {
  /** Reads a file in the working folder, replaces a word in it, and looks whether it worked. */
  knots: {
    steps: [
      [
        { tool: 'Read', input: { file_path: FILE } },
        { tool: 'exec_command', input: { cmd: `cat ${FILE}` } },
      ],
      [
        { tool: 'Edit', input: { file_path: FILE, old_string: 'red', new_string: 'blue' } },
        { tool: 'apply_patch', input: { input: PATCH } },
        { tool: 'exec_command', input: { cmd: `sed -i.old s/red/blue/ ${FILE}` } },
      ],
      [
        { tool: 'Read', input: { file_path: FILE } },
        { tool: 'exec_command', input: { cmd: `cat ${FILE}` } },
      ],
    ],
    end: 'The cord is blue now.',
  },
  /** Reads a long file, page after page. */
  pages: {
    steps: [1, 401, 801, 1201, 1601, 2001].map((offset) => [
      { tool: 'Read', input: { file_path: FILE, offset, limit: 400 } },
      { tool: 'exec_command', input: { cmd: `sed -n ${offset},${offset + 399}p ${FILE}` } },
    ]),
    end: 'That was all of it.',
  },
};

/** What a harness puts into a user's turn for the model alone, beside what the user says. */
const REMINDER = /<system-reminder>[\s\S]*?<\/system-reminder>/g;
export const withoutReminders = (text: string): string => text.replace(REMINDER, '').trim();

const ASKED = /\bsandbox scene (\w{1,30})\b/;

/** What the scene says next, if one is asked for: a call, or the words at its end. */
export function scene({ turns, tools, toolChoice }: Ask): ToolUse | string | undefined {
  if (tools.length === 0 || toolChoice === 'none') return undefined;
  // Whoever asks for something else meanwhile, a summary for instance, gets that.
  const at = turns.findLastIndex(({ role, text }) => role === 'user' && withoutReminders(text) !== '');
  const name = ASKED.exec(turns[at]?.text ?? '')?.[1] ?? '';
  const found = Object.hasOwn(SCENES, name) ? SCENES[name] : undefined;
  if (!found) return undefined;
  const done = turns.slice(at).filter(({ role }) => role === 'tool').length;
  const step = found.steps[done];
  if (!step) return found.end;
  const call = step.find(({ tool }) => tools.some((offered) => offered.name === tool));
  return call && { name: call.tool, input: JSON.stringify(call.input) };
}
