import { bedrockId } from './bedrock.ts';
import { replicateId } from './replicate.ts';
import type { CatalogOffer, Upstream } from './types.ts';

/** The id to send for an offer. `region` is the Bedrock region that the gateway is configured for. */
export function upstreamId(offer: CatalogOffer, region: string): Upstream {
  switch (offer.provider) {
    case 'bedrock':
      return bedrockId(offer, region);
    case 'replicate':
      return replicateId(offer);
    case 'together':
    case 'anyscale':
      return { id: offer.id };
  }
}
