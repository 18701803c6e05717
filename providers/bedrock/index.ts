import type { ProviderModule } from '../../src/core/index.ts';
import { about } from './about.ts';
import { configureBedrock } from './provider.ts';

export { configureBedrock } from './provider.ts';
export const bedrock: ProviderModule = { about, configure: configureBedrock };
