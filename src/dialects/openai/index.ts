export { chatAnswer, completionAnswer, type Envelope } from './answer.ts';
export { toAlternatives, toCost, type WireCost } from './cost.ts';
export { type ErrorBody, errorBody, retryAfter } from './errors.ts';
export { type CallContext, type Parsed, parseCall, parseChat, parseCompletion } from './parse.ts';
export { readRouting } from './routing.ts';
export { chatStream, completionStream, type StreamEncoder } from './stream.ts';
export { parseCountText, parseDetokenize, parseTokenize, type TokenizeRequest } from './token-bodies.ts';
