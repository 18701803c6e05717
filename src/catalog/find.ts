import { PROVIDER_IDS, providerNames } from '../core/index.ts';
import { bedrockIdWithin } from './bedrock.ts';
import { modelCalled, names } from './names.ts';
import { replicateModelOf } from './replicate.ts';
import { suggest } from './suggest.ts';
import type { CatalogModel } from './types.ts';

/** What a name says beyond the model: which provider must serve it and, where `upstream` is set, by exactly which id. */
export interface Pin {
  readonly provider: string;
  readonly upstream?: string;
}

export type Match =
  | { readonly kind: 'model'; readonly model: CatalogModel; readonly pin?: Pin }
  /** `suggestions` compares the name with every model's, so it is worked out only when it is read: for an error. */
  | { readonly kind: 'unknown'; readonly suggestions: readonly string[] };

type Found = Extract<Match, { kind: 'model' }>;

const pinned = (model: CatalogModel | undefined, pin: Pin): Found | undefined => model && { kind: 'model', model, pin };

/** The provider that a name means, as `providerNames` looks it up. */
type ProviderOf = (name: string) => string | undefined;

const builtIn: ProviderOf = providerNames(PROVIDER_IDS);

/** A name with no provider before it. */
function findPlain(name: string): Found | undefined {
  const { bedrock, replicate } = names();
  const model = modelCalled(name);
  if (model) return { kind: 'model', model };
  const versioned = replicateModelOf(name);
  if (versioned !== undefined)
    return pinned(replicate.get(versioned)?.model, { provider: 'replicate', upstream: name });
  const within = bedrockIdWithin(name);
  if (within !== undefined) return pinned(bedrock.get(within)?.model, { provider: 'bedrock', upstream: name });
  return undefined;
}

/** `provider/name`. A name that pins another provider by itself contradicts it, and is no match. */
function findAt(name: string, providerOf: ProviderOf): Found | undefined {
  const slash = name.indexOf('/');
  const provider = slash > 0 ? providerOf(name.slice(0, slash)) : undefined;
  if (provider === undefined) return undefined;
  const found = findPlain(name.slice(slash + 1));
  if (!found || (found.pin && found.pin.provider !== provider)) return undefined;
  return { ...found, pin: { ...found.pin, provider } };
}

/**
 * The model that a name means. Names match whole, never by part: `llama-3-8b` is a base model and `llama-3-8b-instruct` is
 * not. Case matters only where two names differ by nothing else. Known are:
 *
 * - canonical ids, aliases and OpenRouter's slugs (`llama-2-70b-chat`, `meta-llama/Llama-2-70b-chat-hf`);
 * - any provider's own id (`meta.llama3-8b-instruct-v1:0`): it means the model, wherever it is served;
 * - `owner/name:version` on Replicate, and Bedrock's inference profiles and ARNs: they pin provider and id;
 * - each of these behind `provider/`, which pins the provider. A whole name comes before that reading.
 *
 * Linear in the name, however long.
 *
 * @param providerOf knows the providers of the user's own beside those of the catalogue
 */
export function findModel(name: string, providerOf = builtIn): Match {
  const found = findPlain(name) ?? findAt(name, providerOf);
  if (found) return found;
  return {
    kind: 'unknown',
    get suggestions() {
      return suggest(name);
    },
  };
}
