import { models, nearestOf } from '../catalog/index.ts';
import { type Call, type Family, GatewayError, providerNames, type Routing, type ServiceOffer } from '../core/index.ts';
import { templateFamilies } from '../tokens/index.ts';
import { expand, type Wanted } from './routes.ts';
import { serviceIndex } from './services.ts';
import { familyOf, lookUp, offersOf, type Sources, unknownName } from './sources.ts';
import type { World } from './types.ts';

/**
 * Providers of OpenRouter's that are not built in here, as its SDK lists them (npm @openrouter/sdk, `ProviderName`) and by
 * the slugs of its routing docs. A request written for OpenRouter may name them; a name that is not here is a slip.
 */
const ELSEWHERE = providerNames(
  `AI21, AionLabs, Alibaba, Amazon Nova, Anthropic, Arcee, Arcee AI, AtlasCloud, Atoma, Avian, Azure, Baidu, BaseTen,
  Black Forest Labs, ByteDance, Cerebras, Chutes, Cirrascale, Clarifai, Cloudflare, Cohere, CrofAI, Crusoe, DeepInfra,
  DeepSeek, Enfer, Featherless, Fireworks, Friendli, GMICloud, Google, Google AI Studio, Google Vertex, Groq, Hyperbolic,
  Inception, Inceptron, InferenceNet, Infermatic, Inflection, io.net, Kluster, Lambda, Liquid, Mancer, Mancer 2, Meta,
  Minimax, Mistral, ModelRun, Modular, Moonshot AI, Morph, NCompass, Nebius, NextBit, Nineteen, Novita, Nvidia, OpenAI,
  OpenInference, Parasail, Perplexity, Phala, Relace, SambaNova, SiliconFlow, Stealth, StepFun, StreamLake, Switchpoint,
  Targon, Ubicloud, Venice, WandB, xAI, Xiaomi, Z.AI`
    .split(',')
    .map((name) => name.trim()),
);

/** `deepinfra/turbo` is a variant of one: https://openrouter.ai/docs/guides/routing/provider-selection */
const baseOf = (name: string): string => name.split('/', 1)[0] ?? '';
const isElsewhere = (name: string): boolean => ELSEWHERE(baseOf(name)) !== undefined;

/** A caller's preferences by provider, in the names that are used here. */
export interface NamedProviders {
  readonly routing: Routing;
  /** Wishes that came to nothing, for the caller to be told: the field, and why. */
  readonly ignored: readonly string[];
}

const FIELDS = ['order', 'only', 'ignore'] as const;

/**
 * Finds the providers that `order`, `only` and `ignore` name. What OpenRouter has and this deployment has not is left out of
 * the lists, as OpenRouter leaves out what does not serve a model. A name that nobody knows is `invalid_request`, and so is
 * an `only` of which nothing is left: it would be ignored in silence, or leave nothing without a word.
 *
 * @param known the providers of this deployment and those built in
 */
export function namedProviders(
  routing: Routing,
  providerOf: (name: string) => string | undefined,
  known: () => readonly string[],
): NamedProviders {
  if (FIELDS.every((field) => routing[field] === undefined)) return { routing, ignored: [] };
  const ignored: string[] = [];
  const named: { -readonly [K in (typeof FIELDS)[number]]?: string[] } = {};
  for (const field of FIELDS) {
    const names = routing[field];
    if (!names) continue;
    const ids = new Set<string>();
    for (const [at, name] of names.entries()) {
      const id = providerOf(name);
      const param = `provider.${field}[${at}]`;
      const shown = name.slice(0, 100);
      const whole = id === undefined && name.includes('/') ? providerOf(baseOf(name)) : undefined;
      if (id !== undefined) ids.add(id);
      // Its variants (a quantization, a region) are not told apart here: all of it is meant then, and that is said.
      else if (whole !== undefined) {
        ids.add(whole);
        ignored.push(`${param} (${shown} is all of ${whole} here)`);
      } else if (!isElsewhere(name))
        throw unknownProvider(`${param}: there is no provider "${shown}" here.`, param, known());
      // Not to ask whom nobody can ask is no wish left undone.
      else if (field !== 'ignore') ignored.push(`${param} (no ${shown} here)`);
    }
    if (field === 'only' && names.length > 0 && ids.size === 0) {
      const param = 'provider.only';
      throw unknownProvider(`${param}: none of the providers it names is here.`, param, known());
    }
    named[field] = [...ids];
  }
  return { routing: { ...routing, ...named }, ignored };
}

const unknownProvider = (what: string, param: string, known: readonly string[]): GatewayError =>
  new GatewayError('invalid_request', `${what} There are ${known.join(', ')}.`, { param });

/** What goes on after where a family is named, if there is no family of that name. */
export function familyMistake(family: string): string | undefined {
  const known = [...new Set([...templateFamilies(), ...models().map((model) => model.family)])].sort();
  if (known.includes(family)) return undefined;
  const near = nearestOf(family, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  return `must be the name of a family of models.${hint} There are ${known.join(', ')}`;
}

function assertKnownTemplate(call: Call): void {
  const { name } = call.templating;
  if (name === undefined || templateFamilies().includes(name)) return;
  const param = 'template.name';
  const known = templateFamilies().join(', ');
  throw new GatewayError('invalid_request', `${param}: there is no template of that name. There are ${known}.`, {
    param,
  });
}

/** One model that a call asks for, with how it is to be routed, and its offers. */
export interface Named extends Wanted, Sources {}

/** What a call asks for, looked up: its offers, and what it takes to say what each would do. */
export interface Asked {
  readonly named: readonly Named[];
  /** Wishes about providers that came to nothing, as callers are told of them. */
  readonly ignored: readonly string[];
  /** Families whose tokenizers must be ready. */
  readonly families: ReadonlySet<Family>;
  /** Milliseconds for the whole call: the least of what the transport, the caller and the routes it names allow. */
  readonly timeoutMs?: number;
}

/**
 * What a route names retires without its callers' doing, and a model of one's own may not be loaded: it is left out then, and
 * the next of the route serves.
 */
function sourcesOf({ model, route }: Wanted, world: World, today: string): Sources {
  if (route !== undefined && unknownName(model, world)) return { sources: [] };
  return offersOf(model, world, today, route !== undefined);
}

/**
 * Looks up the offers of the models a call names, configured names followed to the models that they stand for. Throws `model_not_found` for a name nobody knows, and `invalid_request`
 * for a provider or a template nobody knows.
 *
 * @param today the day, as `2026-11-22`, by which retirements are judged
 */
export function resolve(call: Call, world: World, today: string): Asked {
  const services = serviceIndex(world.services, world.registry);
  const { routing, ignored } = namedProviders(
    call.routing,
    (name) => services.providerOf(name) ?? (world.providers.has(name) ? name : undefined),
    () => [...new Set([...world.registry.ids, ...world.providers.keys()])],
  );
  assertKnownTemplate(call);
  const named = call.models
    .flatMap((name) => expand(name, routing, world.routes, services.isName))
    .map((wanted) => ({ ...wanted, ...sourcesOf(wanted, world, today) }));
  const [none] = named;
  // Nothing that a route names is known, or ever was: its first name says so.
  if (none && named.every(({ sources }) => sources.length === 0)) offersOf(none.model, world, today);
  const limits = [call.timeoutMs, ...named.map(({ routing }) => routing.deadlineMs)].filter((ms) => ms !== undefined);
  return {
    named,
    ignored,
    families: new Set(named.flatMap(({ sources }) => sources.map(familyOf))),
    ...(limits.length > 0 ? { timeoutMs: Math.min(...limits) } : {}),
  };
}

/** The user's own services that serve what a name comes to, its first model's first. */
export const servicesNamed = (name: string, world: World): readonly ServiceOffer[] =>
  expand(name, {}, world.routes, serviceIndex(world.services, world.registry).isName).flatMap(
    ({ model }) => lookUp(model, world).own,
  );

/** What a name means for who counts its tokens. */
export interface NamedModel {
  readonly model: string;
  readonly family: Family;
  readonly contextLength?: number;
}

/** The models of a name, retired ones too: several for a route. Throws `model_not_found`. */
export const modelsNamed = (name: string, world: World): readonly NamedModel[] =>
  expand(name, {}, world.routes, serviceIndex(world.services, world.registry).isName).map(({ model }) =>
    modelNamed(model, world),
  );

function modelNamed(name: string, world: World): NamedModel {
  const { known } = lookUp(name, world);
  if (known) {
    const { id, family, contextLength } = known;
    return { model: id, family, ...(contextLength === undefined ? {} : { contextLength }) };
  }
  // Throws for what is no model of the user's own either.
  const [source] = offersOf(name, world, '').sources;
  if (source?.kind !== 'service') return { model: name, family: 'unknown' };
  const { model, family = 'unknown', contextLength } = source.offer;
  return { model, family, ...(contextLength === undefined ? {} : { contextLength }) };
}
