/** What every HTTP provider needs and no package does well: reading bodies and server-sent events, bounded and linear. */
export { type BodyReader, bodyReader, bodyText } from './body.ts';
export { MAX_EVENT_LENGTH, OversizedEvent, type SseReader, sseReader } from './sse.ts';
