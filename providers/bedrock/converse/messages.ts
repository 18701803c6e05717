import type { ContentBlock, ToolResultContentBlock, Message as WireMessage } from '@aws-sdk/client-bedrock-runtime';
import type { Piece } from './pieces.ts';
import type { ToolNames } from './tool-names.ts';
import { type MadeCall, PARAGRAPH, type Turn } from './turns.ts';

/** For a user who said nothing where a turn of theirs has to be. */
const NOTHING = '.';
/** For a tool that gave nothing back, or was never heard of again. */
const NO_OUTPUT = '(no output)';

type Document = NonNullable<NonNullable<ContentBlock['toolUse']>['input']>;

/** The model's own JSON text as the object Bedrock wants. What is no object is kept under a name, not lost. */
export function toolInput(text: string): Document {
  if (text.trim() === '') return {};
  try {
    const value: Document = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The model wrote something else than JSON.
  }
  return { rawInvalidInput: text };
}

const resultContent = (pieces: readonly Piece[] | undefined): ToolResultContentBlock[] =>
  pieces?.length ? pieces.map((piece) => ({ ...piece })) : [{ text: NO_OUTPUT }];

interface Named {
  readonly id: string;
  readonly made: MadeCall;
}

/** The end of a prefilled answer must not be blank. */
function trimEnd(blocks: ContentBlock[]): void {
  const last = blocks.at(-1);
  if (last?.text !== undefined) blocks[blocks.length - 1] = { text: last.text.trimEnd() };
}

/** Turns as Converse's messages: results before whatever else the user says, calls after what the assistant says. */
export function wireMessages(turns: readonly Turn[], names: ToolNames, idOf: (id: string) => string): WireMessage[] {
  const messages: WireMessage[] = [];
  let open: Named[] = [];
  for (const turn of turns) {
    const content: ContentBlock[] = [];
    if (turn.role === 'user') {
      for (const { id, made } of open) {
        content.push({ toolResult: { toolUseId: id, content: resultContent(made.result) } });
      }
      content.push(...turn.pieces);
      if (content.length === 0) content.push({ text: NOTHING });
    } else {
      content.push(...turn.pieces);
      open = turn.calls.map((made) => ({ id: idOf(made.call.id), made }));
      for (const { id, made } of open) {
        const { name, arguments: text } = made.call;
        content.push({ toolUse: { toolUseId: id, name: names.toWire(name), input: toolInput(text) } });
      }
    }
    messages.push({ role: turn.role, content });
  }
  const last = messages.at(-1);
  if (last?.role === 'assistant' && last.content) trimEnd(last.content);
  return messages;
}

/** Says in front of the user's first words what a model without a system role would not hear otherwise. */
export function foldSystem(turns: readonly Turn[], system: string): readonly Turn[] {
  const [first, ...rest] = turns;
  if (!system || first?.role !== 'user') return turns;
  const [opening, ...others] = first.pieces;
  const pieces: Piece[] =
    opening && 'text' in opening
      ? [{ text: system + PARAGRAPH + opening.text }, ...others]
      : [{ text: system }, ...first.pieces];
  return [{ role: 'user', pieces }, ...rest];
}
