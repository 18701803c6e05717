export { converse } from './converse.ts';
