export { BEDROCK_VARIABLES, configureBedrock } from './configure.ts';
