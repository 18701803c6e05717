import type { Routing } from '../core/index.ts';

/** One model that a name comes to, and how the name's owner wants its calls routed. */
export interface Target {
  /** Without a suffix: that is in `routing`. */
  readonly model: string;
  readonly routing: Routing;
}

/** A name that configuration gives to one model (an alias) or to several in order of preference (a route). */
export interface Route {
  readonly kind: 'route' | 'alias';
  /** As they are written; each may be such a name itself. */
  readonly models: readonly string[];
  /** The defaults of `provider`, as they are written. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** What it comes to when every name in it is followed to its end. At least one. */
  readonly targets: readonly Target[];
}

export type Routes = ReadonlyMap<string, Route>;

/** A model that a call asks for, and by which configured name, if by any. */
export interface Wanted extends Target {
  readonly route?: string;
}

/** OpenRouter's variants that can be had of any model: how its offers are ordered, or which of them are taken. */
const SUFFIXES: Readonly<Record<string, Routing>> = {
  ':floor': { sort: 'price' },
  ':nitro': { sort: 'throughput' },
  ':free': { maxPrice: { prompt: 0n, completion: 0n } },
};

/** Variants that OpenRouter has and this gateway has not (openrouter.ai/docs/guides/routing/model-variants). */
const OTHER_SUFFIX = /:(?:batch|beta|exacto|extended|online|thinking)$/;

/** What to say of a name with a variant of OpenRouter's that is not served; undefined where it has none. */
export function otherSuffix(name: string): string | undefined {
  const [suffix] = OTHER_SUFFIX.exec(name) ?? [];
  return suffix && `There is no ${suffix} here, but ${Object.keys(SUFFIXES).join(', ')}; leave it out.`;
}

/** A name without its suffix, and what the suffix asks for. */
export function suffixOf(name: string, isWhole: IsWhole = NEVER): { readonly plain: string; readonly asks: Routing } {
  if (!name.includes(':') || isWhole(name)) return { plain: name, asks: {} };
  for (const [suffix, asks] of Object.entries(SUFFIXES)) {
    if (name.endsWith(suffix)) return { plain: name.slice(0, -suffix.length), asks };
  }
  return { plain: name, asks: {} };
}

/** A model of the user's own may be called `…:free`, as OpenRouter's are. */
type IsWhole = (name: string) => boolean;
const NEVER: IsWhole = () => false;

/**
 * The models that a name comes to, in order. A configured name wins over a model's. Each field of `own`, which is the
 * caller's `provider`, wins over the same field of the route, and the suffix of the name over both.
 */
export function expand(name: string, own: Routing, routes: Routes, isWhole: IsWhole = NEVER): readonly Wanted[] {
  const { plain, asks } = suffixOf(name, isWhole);
  const route = routes.get(plain);
  if (!route) return [{ model: plain, routing: { ...own, ...asks } }];
  return route.targets.map(({ model, routing }) => ({
    model,
    routing: { ...routing, ...own, ...asks },
    route: plain,
  }));
}
