import { isObject, type ProviderRegistry, providerNames, type Routing, type ServiceOffer } from '../core/index.ts';
import { isModelName, splitSuffix, unknownName } from './model-offers.ts';
import { serviceIndex } from './services.ts';
import type { Route, Routes, Target, World } from './types.ts';

/** Configured names for models (`CHASQUI_ROUTES`): reads and checks them at the start, and expands them in calls. */

const ANY = '*';

export const isPattern = (name: string): boolean => name.includes(ANY);

/** Whether a name is of the form `claude-*-haiku-*`, where each `*` stands for any text or none. In linear time. */
function matches(pieces: readonly string[], name: string): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= name.length - last.length;
}

interface Pattern {
  readonly name: string;
  readonly pieces: readonly string[];
}

const lengthOf = ({ pieces }: Pattern): number => pieces.reduce((sum, { length }) => sum + length, 0);

const patterns = new WeakMap<ReadonlyMap<string, unknown>, readonly Pattern[]>();

/** The most specific first: what has the most letters, and of those the one configured first. */
function patternsIn(routes: ReadonlyMap<string, unknown>): readonly Pattern[] {
  let known = patterns.get(routes);
  if (!known) {
    known = [...routes.keys()]
      .filter(isPattern)
      .map((name) => ({ name, pieces: name.split(ANY) }))
      .sort((a, b) => lengthOf(b) - lengthOf(a));
    patterns.set(routes, known);
  }
  return known;
}

/**
 * The configured name under which a name is found: itself, or the pattern that fits best. A pattern never hides a model
 * that is known here, so `gpt-*` leaves `gpt-oss-120b` alone.
 */
export function routeName(
  name: string,
  routes: ReadonlyMap<string, unknown>,
  world: Pick<World, 'services' | 'registry'>,
): string | undefined {
  if (routes.has(name)) return name;
  const fits = patternsIn(routes).find(({ pieces }) => matches(pieces, name));
  return fits && !isModelName(name, world) ? fits.name : undefined;
}

/**
 * The models a name stands for, in order. A configured name wins over a model's own. Each field of `own`, the caller's
 * `provider`, wins over the same field of the route, and the name's suffix wins over both.
 *
 * @param declared the names that there are, where `routes` does not have all of them yet
 */
export function expand(
  name: string,
  own: Routing,
  routes: Routes,
  world: Pick<World, 'services' | 'registry'>,
  declared: ReadonlyMap<string, unknown> = routes,
): readonly Target[] {
  const { plain, asks } = splitSuffix(name, serviceIndex(world.services, world.registry).isName);
  const found = routeName(plain, declared, world) ?? '';
  const route = routes.get(found);
  if (!route) return [{ model: plain, routing: plain === name ? own : { ...own, ...asks } }];
  return route.targets.map(({ model, routing }) => ({
    model,
    routing: { ...routing, ...own, ...asks },
    route: found,
  }));
}

/** What routes are checked against. */
interface RoutesContext {
  readonly registry: ProviderRegistry;
  readonly services: readonly ServiceOffer[];
  readonly providers: readonly string[];
  /** Some services list their own models, so a name that is unknown now may become known later. */
  readonly open?: boolean;
  /** Parses a `provider` object as in a request. */
  readonly routing: (
    value: unknown,
    path: string,
  ) => { readonly routing: Routing; readonly mistakes: readonly string[] };
}

/** A route as configured, before its names are expanded. */
interface WrittenRoute extends Omit<Route, 'targets'> {
  readonly path: string;
  readonly routing: Routing;
}

type Report = (mistake: string) => void;

const MAX_MODELS = 32;
const MAX_NAME = 512;
const FIELDS = ['models', 'provider'];

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_NAME;

const member = (path: string, key: string): string =>
  /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 80))}]`;

/** Reads the `provider` defaults of a route, and reports unknown fields and providers. */
function readDefaults(value: unknown, path: string, context: RoutesContext, report: Report): Routing {
  if (!isObject(value)) {
    report(`${path} must be an object, as in a request.`);
    return {};
  }
  const { routing, mistakes } = context.routing(value, path);
  mistakes.forEach(report);
  const known = [...new Set([...context.registry.ids, ...context.providers])];
  const providerOf = providerNames(known, context.registry.known);
  const named: { -readonly [K in 'order' | 'only' | 'ignore']?: string[] } = {};
  for (const field of ['order', 'only', 'ignore'] as const) {
    const names = routing[field];
    if (!names) continue;
    named[field] = names.flatMap((name, at) => {
      const id = providerOf(name);
      if (id !== undefined) return [id];
      report(
        `${path}.${field}[${at}]: there is no provider "${name.slice(0, 80)}" here. There are ${known.join(', ')}.`,
      );
      return [];
    });
  }
  return { ...routing, ...named };
}

function readEntry(entry: unknown, path: string, context: RoutesContext, report: Report): WrittenRoute | undefined {
  if (isName(entry)) return { kind: 'alias', models: [entry], path, routing: {} };
  if (!isObject(entry)) {
    report(`${path} must be the name of a model, or an object with models and, if you like, provider.`);
    return undefined;
  }
  for (const field of Object.keys(entry)) {
    if (!FIELDS.includes(field)) report(`${member(path, field)} is not known: a route has ${FIELDS.join(' and ')}.`);
  }
  const { models, provider } = entry;
  const routing = provider == null ? {} : readDefaults(provider, `${path}.provider`, context, report);
  if (!Array.isArray(models) || models.length === 0 || models.length > MAX_MODELS || !models.every(isName)) {
    report(`${path}.models must be a list of 1 to ${MAX_MODELS} names of models.`);
    return undefined;
  }
  return { kind: 'route', models, path, routing, ...(isObject(provider) ? { provider } : {}) };
}

/** Reports names in a route that are neither a model's nor another route's. */
function checkTargets(
  written: WrittenRoute,
  declared: ReadonlyMap<string, unknown>,
  context: RoutesContext,
  report: Report,
): void {
  const { models, path, kind } = written;
  for (const [at, name] of models.entries()) {
    const { plain } = splitSuffix(name, serviceIndex(context.services, context.registry).isName);
    const isRoute = routeName(plain, declared, context) !== undefined;
    const unknown = isRoute || context.open ? undefined : unknownName(plain, context);
    const place = kind === 'alias' ? path : `${path}.models[${at}]`;
    if (unknown) report(`${place} names ${JSON.stringify(name.slice(0, 80))}, which is not known here.${unknown.hint}`);
  }
}

/** Expands every route, nested ones first. A route that contains itself is reported and left out. */
function expandAll(all: ReadonlyMap<string, WrittenRoute>, context: RoutesContext, report: Report): Map<string, Route> {
  const { isName } = serviceIndex(context.services, context.registry);
  const done = new Map<string, Route>();
  const visit = (asked: string, trail: readonly string[]): void => {
    const name = routeName(asked, all, context) ?? asked;
    const written = all.get(name);
    if (!written || done.has(name)) return;
    const circle = trail.indexOf(name);
    if (circle >= 0) {
      const round = [...trail.slice(circle), name].join(' → ');
      report(`${written.path} comes back to itself: ${round}. For the model of that name use another of its names.`);
      return;
    }
    for (const model of written.models) visit(splitSuffix(model, isName).plain, [...trail, name]);
    const { path: _path, routing, ...route } = written;
    const targets = written.models.flatMap((model) =>
      expand(model, routing, done, context, all).map((wanted) => ({ model: wanted.model, routing: wanted.routing })),
    );
    if (targets.length > MAX_MODELS) report(`${written.path} comes to more than ${MAX_MODELS} models.`);
    // Cut here, or nested routes would multiply.
    done.set(name, { ...route, targets: targets.slice(0, MAX_MODELS) });
  };
  for (const name of all.keys()) visit(name, []);
  return done;
}

/**
 * Reads configured names, `{"gpt-4o-mini": "llama-3.3-70b-instruct", "cheap": {"models": [...], "provider": {...}}}`.
 * Each mistake is a whole sentence that names its place. If there is any, none of the routes should be used.
 *
 * @param path where `value` stands: `CHASQUI_ROUTES`
 */
export function readRoutes(
  value: unknown,
  path: string,
  context: RoutesContext,
): { readonly routes: ReadonlyMap<string, Route>; readonly mistakes: readonly string[] } {
  if (!isObject(value)) {
    const like = '{"cheap-chat": {"models": ["gpt-oss-120b", "llama-3.3-70b-instruct"]}}';
    return { routes: new Map(), mistakes: [`${path} must be a JSON object of names, like ${like}.`] };
  }
  const mistakes: string[] = [];
  const report: Report = (mistake) => mistakes.push(mistake);
  const all = new Map<string, WrittenRoute>();
  for (const [name, entry] of Object.entries(value)) {
    const place = member(path, name);
    const { plain } = splitSuffix(name);
    if (!isName(name)) report(`${place}: a name has 1 to ${MAX_NAME} characters.`);
    if (plain !== name) report(`${place}: leave the suffix to callers, who can add it to ${plain || 'any name'}.`);
    const written = readEntry(entry, place, context, report);
    if (written) all.set(name, written);
  }
  const declared = new Map(Object.entries(value));
  for (const written of all.values()) checkTargets(written, declared, context, report);
  return { routes: expandAll(all, context, report), mistakes };
}
