import type { ProviderModule } from '../../src/core/index.ts';
import { about } from './about.ts';
import { configureTogether } from './provider.ts';

export { configureTogether } from './provider.ts';
export const together: ProviderModule = { about, configure: configureTogether };
