export { converse } from './converse.ts';
export { objectionTo } from './pieces.ts';
export { converseReads } from './read.ts';
export { fitSchema } from './schema.ts';
