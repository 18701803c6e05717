import type { CatalogOffer, Upstream } from './types.ts';

/**
 * Prefixes of inference profiles (Bedrock user guide, "Supported Regions and models for inference profiles"). Only these
 * are stripped: ids of different models contain one another, so nothing looser than a whole id may match.
 */
const GEOGRAPHIES: ReadonlySet<string> = new Set(['us', 'eu', 'apac', 'jp', 'au', 'ca', 'in', 'global', 'us-gov']);

/** Which profiles to prefer in a region: the nearest geography first, so that data travels no further than it must. */
const PREFERENCE: readonly (readonly [region: RegExp, geographies: readonly string[]])[] = [
  [/^us-gov-/, ['us-gov']],
  [/^us-/, ['us', 'global']],
  [/^ca-/, ['ca', 'us', 'global']],
  [/^eu-/, ['eu', 'global']],
  [/^ap-northeast-[13]$/, ['jp', 'apac', 'global']],
  [/^ap-southeast-[24]$/, ['au', 'apac', 'global']],
  [/^ap-south-/, ['in', 'apac', 'global']],
  [/^ap-/, ['apac', 'global']],
];

const preferredIn = (region: string): readonly string[] =>
  PREFERENCE.find(([regions]) => regions.test(region))?.[1] ?? ['global'];

const geographyOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf('.')));

/** `us.meta.llama3-3-70b-instruct-v1:0` without its `us.`; undefined where there is no such prefix. */
const withoutGeography = (id: string): string | undefined => {
  const geography = geographyOf(id);
  return GEOGRAPHIES.has(geography) ? id.slice(geography.length + 1) : undefined;
};

const ARN =
  /^arn:aws(?:-us-gov|-cn)?:bedrock:[a-z0-9-]{1,32}:\d{0,12}:(?:foundation-model|inference-profile)\/([^/]+)$/;

/**
 * The geographies of the inference profiles that a call can go through, the likeliest first: the one that the id names, else
 * those that are preferred in the region.
 */
export function geographiesFor(id: string, region: string): readonly string[] {
  const named = geographyOf(ARN.exec(id)?.[1] ?? id);
  return GEOGRAPHIES.has(named) ? [named] : preferredIn(region);
}

/** The model's id inside a name that says exactly what to call: an inference profile's id, or an ARN of either kind. */
export function bedrockIdWithin(name: string): string | undefined {
  const segment = ARN.exec(name)?.[1];
  return segment === undefined ? withoutGeography(name) : (withoutGeography(segment) ?? segment);
}

/**
 * How Bedrock wants this offer named in a region: the bare id where the region takes it on demand, else the inference
 * profile that can be called from there.
 */
export function bedrockId(offer: CatalogOffer, region: string): Upstream {
  const profiles = Object.entries(offer.profiles);
  if (offer.regions === undefined && profiles.length === 0) return { id: offer.id };
  if (offer.regions?.includes(region)) return { id: offer.id };

  const preferred = preferredIn(region);
  const rank = (id: string): number => {
    const at = preferred.indexOf(geographyOf(id));
    return at < 0 ? preferred.length : at;
  };
  const reachable = profiles.filter(([, regions]) => regions.includes(region)).map(([id]) => id);
  const [best] = reachable.sort((a, b) => rank(a) - rank(b));
  if (best !== undefined) return { id: best };

  const served = new Set([...(offer.regions ?? []), ...profiles.flatMap(([, regions]) => regions)]);
  return {
    reason: `Bedrock does not serve ${offer.id} from ${region}. Set AWS_REGION to one of ${[...served].sort().join(', ')}.`,
  };
}
