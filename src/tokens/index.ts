/** Prompts and tokens: how a chat becomes the text that a model reads. */
export { type FoundMarker, findMarkers } from './markers.ts';
export { type Bos, hasTemplate, type Rendered, renderChat } from './render.ts';
