import { findModel } from '../catalog/index.ts';
import { PROVIDER_IDS, providerNames, type ServiceOffer } from '../core/index.ts';

/** Looks up models on the user's own services by name, however many there are. */
export interface ServiceIndex {
  /** The provider that a name means: the user's own, or one of those built in. */
  readonly providerOf: (name: string) => string | undefined;
  /** By the name callers use, or with its provider before it: `mine/my-model`. In another case only where that is one model. */
  called(name: string): readonly ServiceOffer[];
  /** Whether a whole name, whatever stands at its end, is a model of the user's own. */
  readonly isName: (name: string) => boolean;
  /** Services of a model of the catalogue, by whichever of its names they are configured. */
  of(modelId: string): readonly ServiceOffer[];
}

/** No name is longer, and a text that nobody bounded is not copied. */
const LONGEST = 512;

function add(map: Map<string, ServiceOffer[]>, key: string, offer: ServiceOffer): void {
  const offers = map.get(key);
  if (!offers) map.set(key, [offer]);
  else if (!offers.includes(offer)) offers.push(offer);
}

/** Names in lower case; none where several models' names differ by case alone. */
function foldedNames(
  named: ReadonlyMap<string, readonly ServiceOffer[]>,
): ReadonlyMap<string, readonly ServiceOffer[]> {
  const folded = new Map<string, readonly ServiceOffer[]>();
  for (const [name, offers] of named) {
    const low = name.toLowerCase();
    const before = folded.get(low);
    const same = !before || [...before, ...offers].every(({ model }) => model === offers[0]?.model);
    folded.set(low, same ? offers : []);
  }
  return folded;
}

function indexOf(services: readonly ServiceOffer[]): ServiceIndex {
  const named = new Map<string, ServiceOffer[]>();
  const known = new Map<string, ServiceOffer[]>();
  const providerOf = providerNames([...PROVIDER_IDS, ...services.map(({ provider }) => provider)]);
  for (const offer of services) {
    const { provider, model, upstream } = offer;
    for (const name of [model, `${provider}/${model}`, `${provider}/${upstream}`]) add(named, name, offer);
    const match = findModel(model);
    if (match.kind === 'model' && !match.pin) add(known, match.model.id, offer);
  }
  const folded = foldedNames(named);
  return {
    providerOf,
    called: (name) => named.get(name) ?? (name.length <= LONGEST ? folded.get(name.toLowerCase()) : undefined) ?? [],
    isName: (name) => named.has(name),
    of: (modelId) => known.get(modelId) ?? [],
  };
}

const indexes = new WeakMap<readonly ServiceOffer[], ServiceIndex>();

/** The index of a list of services. Made once for each list: a call asks for it, and none pays for it. */
export function serviceIndex(services: readonly ServiceOffer[]): ServiceIndex {
  let index = indexes.get(services);
  if (!index) {
    index = indexOf(services);
    indexes.set(services, index);
  }
  return index;
}
