export { configureBedrock } from './configure.ts';
