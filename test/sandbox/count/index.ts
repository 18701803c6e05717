export { turnTrouble } from './chat.ts';
export { chatPrompt, type Prompt, rawPrompt } from './prompt.ts';
export { type Tokenizer, tokenizerOf } from './tokenizer.ts';
export type { Chat, Message } from './types.ts';
