import type { ProviderModule } from '../../src/core/index.ts';
import { about } from './about.ts';
import { configureTogether } from './configure.ts';

export { configureTogether } from './configure.ts';
export const together: ProviderModule = { about, configure: configureTogether };
