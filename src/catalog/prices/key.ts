import { bedrockIdWithin } from '../bedrock.ts';
import { replicateModelOf } from '../replicate.ts';

/**
 * The name under which an offer is priced. It follows from the id that is sent: a Bedrock inference profile or ARN costs
 * what its model does, and a Replicate version what its model does. (AWS's 10 % premium of geographic profiles is for
 * Claude, of which there is no offer here.) A service of the user's own is told apart from its siblings by the
 * service's id, unless it is a provider by itself.
 */
export function offerKey(provider: string, upstream: string, service?: string): string {
  if (service !== undefined) return service === provider ? upstream : `${service}/${upstream}`;
  switch (provider) {
    case 'bedrock':
      return bedrockIdWithin(upstream) ?? upstream;
    case 'replicate':
      return replicateModelOf(upstream) ?? upstream;
    default:
      return upstream;
  }
}
