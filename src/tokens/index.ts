/** Prompts and tokens: how a chat becomes the text that a model reads, and what it comes to. */
export { bosAdded, bosOn, isRawWire, type RawWire, reportsExtra } from './bos.ts';
export { tokenizerFamily } from './families.ts';
export { type Infill, infillMarkersOf, renderInfill } from './infill.ts';
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
export { type Counted, type PromptCounter, promptCounter } from './prompt-counter.ts';
export { countPrompt, encodePrompt } from './prompt-tokens.ts';
export { readyTokenizers, type Tokenizers } from './ready.ts';
export {
  type Bos,
  hasTemplate,
  type Rendered,
  type RenderedSegments,
  type RenderOptions,
  renderChat,
  renderSegments,
} from './render.ts';
export { type Segment, writtenOut } from './segments.ts';
export { strictTurns } from './strict-turns.ts';
export { type TemplateOptions, templateFamilies, variantsOf } from './templates/index.ts';
export {
  type CountOptions,
  type Encoding,
  type TextOptions,
  type Tokenizer,
  type TokenizerFamily,
  tokenizerFor,
} from './tokenizer.ts';
export { type Assets, type LoadVocabulary, vocabularies } from './vocab/index.ts';
