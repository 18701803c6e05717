import type { ProviderModule } from '../../src/core/index.ts';
import { about } from './about.ts';
import { configureBedrock } from './configure.ts';

export { configureBedrock } from './configure.ts';
export const bedrock: ProviderModule = { about, configure: configureBedrock };
