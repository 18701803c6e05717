/** Prompts and tokens: how a chat becomes the text that a model reads. */
export { bosOn, isRawWire, type RawWire } from './bos.ts';
export { type Infill, infillMarkersOf, renderInfill } from './infill.ts';
export {
  type FoundMarker,
  findMarkers,
  type MarkerMode,
  markersOf,
  neutraliseMessages,
  neutraliseTools,
} from './markers.ts';
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
export { type TemplateOptions, templateFamilies, variantsOf } from './templates/index.ts';
