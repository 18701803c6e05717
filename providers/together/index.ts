export { configureTogether, TOGETHER_VARIABLES } from './configure.ts';
