/** The API of OpenAI's chat and legacy completions, as Together, Ray Serve, vLLM and others speak it. */
export { OPEN_CHAT, OPEN_SAMPLING, openAiCompatible } from './about.ts';
export { readAnswer } from './answer.ts';
export { askForModels, type Endpoint, endpoint, generateAt } from './endpoint.ts';
export { errorFromAnswer, type ReasoningField, type Upstream } from './errors.ts';
export { arrangeFor, type ServerProfile, type WireRequest, wireRequest } from './request.ts';
