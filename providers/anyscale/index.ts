export { configureAnyscale, configureOpenAiCompatible, SERVICE_VARIABLES } from './configure.ts';
