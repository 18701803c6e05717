import type { Event } from '../../../src/core/index.ts';
import type { Said } from './finish.ts';

/** What must be known of a request to read its answer. */
export interface Reading {
  /** The caller's name of a tool, from Bedrock's. */
  nameOf(wireName: string): string;
  /** Calls of tools are not to be passed on. */
  readonly toolsForbidden: boolean;
}

/** One client tool call as it is being told. */
export interface ToolVoice {
  input(json: string, out: Event[]): void;
  /** The call is complete: a tool without arguments is called with none, which is `{}`. */
  end(out: Event[]): void;
}

/** Says what Bedrock says as events, and remembers what has been said. */
export interface Voice {
  text(text: string | undefined, out: Event[]): void;
  reasoning(text: string | undefined, out: Event[]): void;
  /** Undefined for a call that is not the caller's to see. */
  tool(use: ToolUse, out: Event[]): ToolVoice | undefined;
  said(): Said;
}

export interface ToolUse {
  readonly toolUseId: string | undefined;
  readonly name: string | undefined;
  /** `server_tool_use`: Bedrock runs it by itself. */
  readonly type?: string | undefined;
}

/** Indices of calls are counted here: Bedrock's block indices count texts too. */
export function voice(reading: Reading): Voice {
  let calls = 0;
  let anything = false;
  const ids = new Set<string>();
  /** An id that no other call has: callers answer calls by it. */
  const idFor = (given: string | undefined, index: number): string => {
    const id = given && !ids.has(given) ? given : `call_${index}`;
    ids.add(id);
    return id;
  };
  return {
    text(text, out) {
      if (!text) return;
      anything = true;
      out.push({ type: 'text', choice: 0, text });
    },
    reasoning(text, out) {
      if (!text) return;
      anything = true;
      out.push({ type: 'reasoning', choice: 0, text });
    },
    tool({ toolUseId, name, type }, out) {
      if (reading.toolsForbidden || type === 'server_tool_use') return undefined;
      const index = calls++;
      anything = true;
      out.push({
        type: 'tool',
        choice: 0,
        index,
        // Both are required members; an id is made up if there is none, because callers send it back.
        id: idFor(toolUseId, index),
        name: reading.nameOf(name ?? ''),
        arguments: '',
      });
      let spoke = false;
      return {
        input(json, into) {
          if (!json) return;
          spoke = true;
          into.push({ type: 'tool', choice: 0, index, arguments: json });
        },
        end(into) {
          if (!spoke) into.push({ type: 'tool', choice: 0, index, arguments: '{}' });
          spoke = true;
        },
      };
    },
    said: () => ({ calls, anything }),
  };
}
