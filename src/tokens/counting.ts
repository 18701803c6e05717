/** The part of this room that needs vocabularies, apart from what renders, so that only who counts loads them. */
export { tokenizerFamily } from './families.ts';
export { countPrompt, encodePrompt } from './prompt-tokens.ts';
export {
  type CountOptions,
  type Encoding,
  type TextOptions,
  type Tokenizer,
  type TokenizerFamily,
  tokenizerFor,
} from './tokenizer.ts';
export type { LoadVocabulary } from './vocab/index.ts';
