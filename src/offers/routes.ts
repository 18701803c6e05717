import { isObject, type ProviderRegistry, providerNames, type Routing, type ServiceOffer } from '../core/index.ts';
import { serviceIndex } from './services.ts';
import { suffixOf, unknownName } from './sources.ts';
import type { Route, Routes, Target } from './types.ts';

/** A model that a call asks for, and by which configured name, if by any. */
export interface Wanted extends Target {
  readonly route?: string;
}

/**
 * The models that a name comes to, in order. A configured name wins over a model's. Each field of `own`, which is the
 * caller's `provider`, wins over the same field of the route, and the suffix of the name over both.
 */
export function expand(
  name: string,
  own: Routing,
  routes: Routes,
  isWhole?: (name: string) => boolean,
): readonly Wanted[] {
  const { plain, asks } = suffixOf(name, isWhole);
  const route = routes.get(plain);
  if (!route) return [{ model: plain, routing: { ...own, ...asks } }];
  return route.targets.map(({ model, routing }) => ({
    model,
    routing: { ...routing, ...own, ...asks },
    route: plain,
  }));
}

/** What names in routes can stand for, and how their `provider` is read. */
export interface RoutesReading {
  readonly registry: ProviderRegistry;
  readonly services: readonly ServiceOffer[];
  readonly providers: readonly string[];
  /** Some services list their models themselves: a name that is not known here may be one of them. */
  readonly open?: boolean;
  readonly routing: (
    value: unknown,
    path: string,
  ) => { readonly routing: Routing; readonly mistakes: readonly string[] };
}

/** A route as it is written, before its names are followed. */
interface Written extends Omit<Route, 'targets'> {
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

/** The defaults of a route, and what in them is no `provider` of any caller or names a provider that is not here. */
function readDefaults(value: unknown, path: string, reading: RoutesReading, report: Report): Routing {
  if (!isObject(value)) {
    report(`${path} must be an object, as in a request.`);
    return {};
  }
  const { routing, mistakes } = reading.routing(value, path);
  mistakes.forEach(report);
  const known = [...new Set([...reading.registry.ids, ...reading.providers])];
  const providerOf = providerNames(known, reading.registry.known);
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

function readEntry(entry: unknown, path: string, reading: RoutesReading, report: Report): Written | undefined {
  if (isName(entry)) return { kind: 'alias', models: [entry], path, routing: {} };
  if (!isObject(entry)) {
    report(`${path} must be the name of a model, or an object with models and, if you like, provider.`);
    return undefined;
  }
  for (const field of Object.keys(entry)) {
    if (!FIELDS.includes(field)) report(`${member(path, field)} is not known: a route has ${FIELDS.join(' and ')}.`);
  }
  const { models, provider } = entry;
  const routing = provider == null ? {} : readDefaults(provider, `${path}.provider`, reading, report);
  if (!Array.isArray(models) || models.length === 0 || models.length > MAX_MODELS || !models.every(isName)) {
    report(`${path}.models must be a list of 1 to ${MAX_MODELS} names of models.`);
    return undefined;
  }
  return { kind: 'route', models, path, routing, ...(isObject(provider) ? { provider } : {}) };
}

/** Whatever a name in a route must not be: unknown here, and no other route's either. */
function checkTargets(written: Written, declared: ReadonlySet<string>, reading: RoutesReading, report: Report): void {
  const { models, path, kind } = written;
  for (const [at, name] of models.entries()) {
    const { plain } = suffixOf(name, serviceIndex(reading.services, reading.registry).isName);
    const unknown = declared.has(plain) || reading.open ? undefined : unknownName(plain, reading);
    const place = kind === 'alias' ? path : `${path}.models[${at}]`;
    if (unknown) report(`${place} names ${JSON.stringify(name.slice(0, 80))}, which is not known here.${unknown.hint}`);
  }
}

/** Follows every name to its end, the names within first. One that comes back to itself is reported, and ends there. */
function follow(
  all: ReadonlyMap<string, Written>,
  isWhole: (name: string) => boolean,
  report: Report,
): Map<string, Route> {
  const done = new Map<string, Route>();
  const visit = (name: string, trail: readonly string[]): void => {
    const written = all.get(name);
    if (!written || done.has(name)) return;
    const circle = trail.indexOf(name);
    if (circle >= 0) {
      const round = [...trail.slice(circle), name].join(' → ');
      report(`${written.path} comes back to itself: ${round}. For the model of that name use another of its names.`);
      return;
    }
    for (const model of written.models) visit(suffixOf(model, isWhole).plain, [...trail, name]);
    const { path: _path, routing, ...route } = written;
    const targets = written.models.flatMap((model) =>
      expand(model, routing, done, isWhole).map((wanted) => ({ model: wanted.model, routing: wanted.routing })),
    );
    if (targets.length > MAX_MODELS) report(`${written.path} comes to more than ${MAX_MODELS} models.`);
    // No more than that, or routes of routes would multiply.
    done.set(name, { ...route, targets: targets.slice(0, MAX_MODELS) });
  };
  for (const name of all.keys()) visit(name, []);
  return done;
}

/**
 * Names for models, `{"gpt-4o-mini": "llama-3.3-70b-instruct", "cheap": {"models": [...], "provider": {...}}}`. Every mistake is a
 * whole sentence that names the place; with any of them no route should be used.
 *
 * @param path where `value` stands: `CHASQUI_ROUTES`
 */
export function readRoutes(
  value: unknown,
  path: string,
  reading: RoutesReading,
): { readonly routes: ReadonlyMap<string, Route>; readonly mistakes: readonly string[] } {
  if (!isObject(value)) {
    const like = '{"cheap-chat": {"models": ["gpt-oss-120b", "llama-3.3-70b-instruct"]}}';
    return { routes: new Map(), mistakes: [`${path} must be a JSON object of names, like ${like}.`] };
  }
  const mistakes: string[] = [];
  const report: Report = (mistake) => mistakes.push(mistake);
  const all = new Map<string, Written>();
  for (const [name, entry] of Object.entries(value)) {
    const place = member(path, name);
    const { plain } = suffixOf(name);
    if (!isName(name)) report(`${place}: a name has 1 to ${MAX_NAME} characters.`);
    if (plain !== name) report(`${place}: leave the suffix to callers, who can add it to ${plain || 'any name'}.`);
    const written = readEntry(entry, place, reading, report);
    if (written) all.set(name, written);
  }
  const declared = new Set(Object.keys(value));
  for (const written of all.values()) checkTargets(written, declared, reading, report);
  return { routes: follow(all, serviceIndex(reading.services, reading.registry).isName, report), mistakes };
}
