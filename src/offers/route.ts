import type { Routing, Sort } from '../core/index.ts';

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

/** OpenRouter's suffixes. */
const SUFFIXES: Readonly<Record<string, Sort>> = { ':floor': 'price', ':nitro': 'throughput' };

/** A name without its suffix, and what the suffix asks for. */
export function suffixOf(name: string): { readonly plain: string; readonly asks: Pick<Routing, 'sort'> } {
  for (const [suffix, sort] of Object.entries(SUFFIXES)) {
    if (name.endsWith(suffix)) return { plain: name.slice(0, -suffix.length), asks: { sort } };
  }
  return { plain: name, asks: {} };
}

/**
 * The models that a name comes to, in order. A configured name wins over a model's. Each field of `own`, which is the
 * caller's `provider`, wins over the same field of the route, and the suffix of the name over both.
 */
export function expand(name: string, own: Routing, routes: Routes): readonly Wanted[] {
  const { plain, asks } = suffixOf(name);
  const route = routes.get(plain);
  if (!route) return [{ model: plain, routing: { ...own, ...asks } }];
  return route.targets.map(({ model, routing }) => ({
    model,
    routing: { ...routing, ...own, ...asks },
    route: plain,
  }));
}
