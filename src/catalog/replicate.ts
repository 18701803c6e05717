import type { CatalogOffer, Upstream } from './types.ts';

const VERSIONED = /^([^:]+):[0-9a-f]{64}$/;

/** `owner/name` of `owner/name:version`, where the version is 64 hexadecimal digits. */
export const replicateModelOf = (name: string): string | undefined => VERSIONED.exec(name)?.[1];

/**
 * How Replicate wants this offer named. An official model, priced by the token, goes by its name; any other only by one of
 * its versions (replicate.com/docs/topics/models/official-models).
 */
export function replicateId(offer: CatalogOffer): Upstream {
  if (offer.billing !== 'time') return { id: offer.id };
  const [version] = offer.versions;
  if (version) return { id: `${offer.id}:${version.hash}` };
  return { reason: `Replicate runs ${offer.id} by version only. Ask for ${offer.id}:<version>, as its page shows it.` };
}
