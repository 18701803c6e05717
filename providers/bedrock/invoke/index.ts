export { invoke } from './invoke.ts';
