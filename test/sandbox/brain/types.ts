import type { Json } from '../json.ts';

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly text: string;
  /** On a tool's turn: which tool it was. */
  readonly tool?: string;
}

export interface Tool {
  readonly name: string;
  /** JSON Schema of its arguments. */
  readonly parameters: Json;
}

/** What a wire asks the brain, in no wire's own words. */
export interface Ask {
  readonly model: string;
  readonly turns: readonly Turn[];
  /** What the assistant has said already: the answer goes on from there. */
  readonly begun: string;
  readonly temperature?: number | undefined;
  readonly seed?: number | undefined;
  readonly maxTokens?: number | undefined;
  readonly stop: readonly string[];
  readonly tools: readonly Tool[];
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallelTools: boolean;
  /** `object`: any JSON; a schema: JSON that keeps to it. */
  readonly format?: 'object' | Json | undefined;
  /** Thinks aloud first, where the wire has a place for it. */
  readonly reasons?: boolean;
  /** Which of the `n` choices of one request. */
  readonly choice: number;
}

export interface ToolUse {
  readonly name: string;
  /** JSON text. */
  readonly input: string;
}

export interface Reply {
  /** The text in the pieces it is streamed by: tokens, those of one character together. */
  readonly pieces: readonly string[];
  readonly reasoning: readonly string[];
  readonly toolUses: readonly ToolUse[];
  readonly finish: 'end' | 'length' | 'stop' | 'tools';
  /** The stop string, where one ended it. */
  readonly stoppedBy?: string;
  readonly completionTokens: number;
}

/** What every wire asks unless its request says otherwise. */
export const PLAIN: Omit<Ask, 'model' | 'turns'> = {
  begun: '',
  stop: [],
  tools: [],
  toolChoice: 'auto',
  parallelTools: true,
  choice: 0,
};
