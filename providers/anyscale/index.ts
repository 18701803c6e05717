export { configureAnyscale, configureOpenAiCompatible } from './configure.ts';
