/** Prompts and tokens: how a chat becomes the text that a model reads, and how many tokens it has. */
export { tokenizerFamily } from './families.ts';
export {
  broken,
  type FoundMarker,
  findMarkers,
  findMarkersIn,
  markedFields,
  markersOf,
  neutraliseMessages,
  neutraliseTools,
} from './markers.ts';
export {
  type Counted,
  countPrompt,
  encodePrompt,
  type PromptCounter,
  type PromptPart,
  partsOf,
  promptCounter,
} from './prompt-counter.ts';
export {
  hasTemplate,
  type Infill,
  infillMarkersOf,
  type Rendered,
  type RenderedSegments,
  type RenderOptions,
  renderChat,
  renderInfill,
  renderSegments,
} from './render.ts';
export {
  type Bos,
  beginOf,
  bosAdded,
  bosOn,
  type TemplateOptions,
  templateFamilies,
  variantsOf,
} from './templates/index.ts';
export { type Segment, writtenOut } from './templates/template.ts';
export { promptAtMost, tokensAtMost } from './token-bounds.ts';
export {
  areLoaded,
  type CountOptions,
  type Encoding,
  NotLoaded,
  pendingTokenizers,
  readyTokenizers,
  type TextOptions,
  type Tokenizer,
  type TokenizerFamily,
  type Tokenizers,
  tokenizerFor,
} from './tokenizer.ts';
export { placeSystem, strictTurns } from './turns.ts';
export { type Assets, type LoadVocabulary, vocabularies } from './vocab/index.ts';
