import { countTokens, countTurns, type Turn } from '../brain/index.ts';
import { renderChat } from './chat.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { Chat } from './types.ts';

/** What reaches the model. */
export interface Prompt {
  /** Undefined for chats whose template the sandbox does not have. */
  readonly text: string | undefined;
  /** Undefined where the count is an estimate. */
  readonly ids: readonly number[] | undefined;
  readonly tokens: number;
}

/** A prompt that comes as a text. Most engines put the token that begins every text before it, a second one if need be. */
export function rawPrompt(tokenizer: Tokenizer, text: string, addsBos: boolean): Prompt {
  const { family } = tokenizer;
  // Where the tokenizer is not known, as most have it.
  const added = addsBos && family?.bos !== null ? 1 : 0;
  const ids = tokenizer.encode(text);
  if (!ids) return { text, ids, tokens: countTokens(text) + added };
  const whole = addsBos && typeof family?.bos === 'number' ? [family.bos, ...ids] : ids;
  return { text, ids: whole, tokens: whole.length };
}

/** A chat in its model's template, whose own mark begins it. */
export function chatPrompt(tokenizer: Tokenizer, chat: Chat, turns: readonly Turn[]): Prompt {
  const text = tokenizer.family && renderChat(tokenizer.family, chat);
  const ids = text === undefined ? undefined : tokenizer.encode(text);
  if (ids) return { text, ids, tokens: ids.length };
  const offered = chat.tools.length > 0 ? countTokens(JSON.stringify(chat.tools)) : 0;
  return { text, ids, tokens: countTurns(turns) + offered };
}
