import type { Prices } from '../catalog/index.ts';
import type { Config } from '../config.ts';
import type { Services, World } from '../offers/index.ts';
import type { Relay } from '../relay/index.ts';
import type { LoadVocabulary } from '../tokens/index.ts';

/** What every route works with; made once for each isolate. */
export interface Gateway {
  readonly config: Config;
  readonly relay: Relay;
  /** What there is to offer, at what prices, and how it has been doing. */
  readonly world: World;
  readonly prices: Prices;
  /** Models on the user's own services. */
  readonly services: Services;
  /** Where tokenizers' vocabularies come from. */
  readonly load: LoadVocabulary;
}
