export { converse } from './converse.ts';
export { converseReads } from './read.ts';
