/** The wire of OpenAI's chat and legacy completions, as Together, Ray Serve, vLLM and others speak it. */
export { OPEN_CHAT, OPEN_SAMPLING, openAiCompatible } from './about.ts';
export { readAnswer } from './answer.ts';
export type { WireDialect } from './dialect.ts';
export { errorFromAnswer } from './errors.ts';
export { askForModels } from './probe.ts';
export { type WireRequest, wireReads, wireRequest } from './request.ts';
export type { ReasoningField, Upstream } from './upstream.ts';
