export { configureTogether } from './configure.ts';
