import type { ProviderModule } from '../../src/core/index.ts';
import { about, COMPATIBLE_VARIABLES } from './about.ts';
import { configureAnyscale, configureOpenAiCompatible } from './services.ts';

export { configureAnyscale, configureOpenAiCompatible } from './services.ts';
export const anyscale: ProviderModule = { about, configure: configureAnyscale };
/** Services that are no provider of ours: each is a provider of its own, under its entry's id. */
export const compatible = { configure: configureOpenAiCompatible, variables: COMPATIBLE_VARIABLES };
