import type { Tool, ToolCall } from '../core/index.ts';
import { strip } from './strip.ts';
import type { Template } from './templates/index.ts';

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly text: string;
  readonly calls?: readonly ToolCall[];
  /** Of an answer: what was thought before it. */
  readonly thought?: string;
  /** Of a tool's result: the function that gave it. */
  readonly name?: string;
}

const isSystem = (turn: Turn): boolean => turn.role === 'system';

/** Texts as one, with a blank line between them. A text alone stays as it is. */
function merged(texts: readonly string[], stripped: boolean): string {
  if (texts.length < 2) return texts[0] ?? '';
  const parts = stripped ? texts.map(strip).filter((text) => text !== '') : texts;
  return parts.join('\n\n');
}

const mergeable = ({ role, calls }: Turn): boolean => (role === 'user' || role === 'assistant') && !calls?.length;

/** Neighbours of one role as one turn. */
function mergeNeighbours(turns: readonly Turn[], stripped: boolean): Turn[] {
  const groups: { turn: Turn; texts: string[] }[] = [];
  for (const turn of turns) {
    const last = groups.at(-1);
    if (last && last.turn.role === turn.role && mergeable(last.turn) && mergeable(turn)) last.texts.push(turn.text);
    else groups.push({ turn, texts: [turn.text] });
  }
  return groups.map(({ turn, texts }) => ({ ...turn, text: merged(texts, stripped) }));
}

/** Earlier answers without their thoughts. Those after the last question are steps of one answer and keep them. */
function forgetThoughts(turns: readonly Turn[], { afterThought }: Template): readonly Turn[] {
  if (!afterThought) return turns;
  const lastUser = turns.findLastIndex(({ role }) => role === 'user');
  return turns.map((turn, index) =>
    turn.role === 'assistant' && index < lastUser ? { ...turn, text: afterThought(turn.text) } : turn,
  );
}

/** All system text as one, put in front of a user's. */
function intoUser(turns: Turn[], system: readonly Turn[], template: Template): Turn[] {
  const at =
    template.systemIn === 'first-user'
      ? turns.findIndex(({ role }) => role === 'user')
      : turns.findLastIndex(({ role }) => role === 'user');
  const user = turns[at];
  if (!user || system.length === 0) return turns;
  const { before, after } = template.system;
  const text = merged(
    system.map((turn) => turn.text),
    template.strip,
  );
  return turns.with(at, { ...user, text: before + text + after + user.text });
}

/** The turns as the template needs them: merged, opened by whom it needs, and the system text at its place. */
export function arrange(given: readonly Turn[], template: Template): Turn[] {
  const turns = forgetThoughts(given, template);
  const told = turns.filter(isSystem);
  const system = template.dropsEmptySystem && told.every(({ text }) => text === '') ? [] : told;
  const apart = template.systemIn === 'message' ? turns : turns.filter((turn) => !isSystem(turn));
  const arranged = template.sameRole === 'merge' ? mergeNeighbours(apart, template.strip) : [...apart];

  if (template.opens === 'user') {
    // Strict turns begin with a user: where nobody has spoken yet, or the assistant first, an empty one does.
    const first = arranged.findIndex((turn) => !isSystem(turn));
    const at = first < 0 ? arranged.length : first;
    if (arranged[at]?.role !== 'user') arranged.splice(at, 0, { role: 'user', text: '' });
  }
  if (template.systemIn === 'first-user' || template.systemIn === 'last-user') {
    return intoUser(arranged, system, template);
  }
  if (template.systemIn === 'front' && system.length > 0) {
    const text = merged(
      system.map((turn) => turn.text),
      template.strip,
    );
    arranged.unshift({ role: 'system', text });
  }
  if (template.defaultSystem !== undefined && arranged[0]?.role !== 'system') {
    arranged.unshift({ role: 'system', text: template.defaultSystem });
  }
  return arranged;
}

/** Why the tools have no place in these turns, if so. */
export function toolTrouble(turns: readonly Turn[], template: Template, tools: readonly Tool[]): string | undefined {
  const form = template.tools;
  const used = tools.length > 0 || turns.some(({ role, calls }) => role === 'tool' || calls?.length);
  if (!used) return undefined;
  if (!form) return 'The chat has tools, for which this model’s prompt has no place.';
  if (form.knows && !form.knows(tools))
    return 'The chat has a tool whose schema this model’s prompt cannot be given exactly.';
  const most = form.maxCalls ?? Number.POSITIVE_INFINITY;
  if (turns.some(({ calls }) => (calls?.length ?? 0) > most)) {
    return `The chat holds an answer with several calls of tools, and this model’s prompt has a place for ${most}.`;
  }
  const first = turns.find((turn) => !isSystem(turn));
  if (tools.length > 0 && (form.user || form.before) && first?.role !== 'user') {
    return 'The chat has tools, which this model is told of in the first message, and that is no user’s.';
  }
  return undefined;
}
