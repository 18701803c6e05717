import data from './models.json';

export interface Model {
  readonly name: string;
  /** 64 hex digits where one version is pinned. */
  readonly version: string | undefined;
  readonly base: boolean;
  readonly context: number;
}

interface Listed {
  readonly context: number | null;
  readonly base: boolean;
  readonly versions: readonly string[];
}

const MODELS: Readonly<Record<string, Listed | undefined>> = data.models;
const OWNERS = new Map(
  Object.entries(MODELS).flatMap(([name, listed]) => (listed?.versions ?? []).map((hash) => [hash, name] as const)),
);
const DEFAULT_CONTEXT = 8192;

const describe = (name: string, version: string | undefined): Model | undefined => {
  const listed = MODELS[name];
  return listed && { name, version, base: listed.base, context: listed.context ?? DEFAULT_CONTEXT };
};

export const official = (name: string): Model | undefined => describe(name, undefined);

/** `owner/name`, `owner/name:hash` or the hash alone, which is all that the `version` field takes. */
export function versioned(reference: string): Model | undefined {
  const [, name, hash] = /^(?:([\w.-]+\/[\w.-]+):?)?([0-9a-f]{64})?$/.exec(reference) ?? [];
  if (hash === undefined) return name === undefined ? undefined : official(name);
  const owner = OWNERS.get(hash);
  return owner === undefined || (name !== undefined && name !== owner) ? undefined : describe(owner, hash);
}
