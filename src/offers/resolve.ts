import { models, nearestOf } from '../catalog/index.ts';
import {
  type Call,
  type Family,
  GatewayError,
  providerNames,
  type RetrievalCall,
  type Routing,
  type ServiceOffer,
} from '../core/index.ts';
import { templateFamilies } from '../tokens/index.ts';
import { lookUp, type ModelOffer, offersOf, unknownName } from './model-offers.ts';
import { expand } from './routes.ts';
import { serviceIndex } from './services.ts';
import type { World } from './types.ts';

/** The first step of a call: its model names become offers, and the provider names in its preferences are checked. */

/** A model that a call names, or that a configured name stands for, with its routing and its offers. */
interface RequestedModel {
  readonly model: string;
  readonly routing: Routing;
  /** The configured name that led here. */
  readonly route?: string;
  readonly offers: readonly ModelOffer[];
  /** The provider that the model's name asks for. */
  readonly pin?: string;
}

/** A call whose names have been looked up. */
export interface ResolvedCall {
  readonly models: readonly RequestedModel[];
  /** Provider preferences that have no effect, in words for the caller. */
  readonly ignored: readonly string[];
  /** The families whose tokenizers are needed to count the prompt. */
  readonly families: ReadonlySet<Family>;
  /** Milliseconds for the whole call: the least of what the transport, the caller and its routes allow. */
  readonly timeoutMs?: number;
}

/**
 * Looks up the offers of the models a call names, and expands configured names. Throws `model_not_found` for a name
 * that nobody knows, and `invalid_request` for an unknown provider or template.
 *
 * @param today the day, as `2026-11-22`, by which retirements are judged
 */
export function resolve(call: Call | RetrievalCall, world: World, today: string): ResolvedCall {
  const services = serviceIndex(world.services, world.registry);
  const { routing, ignored } = checkedProviders(
    call.routing,
    (name) => services.providerOf(name) ?? (world.providers.has(name) ? name : undefined),
    () => [...new Set([...world.registry.ids, ...world.providers.keys()])],
  );
  if ('templating' in call) assertKnownTemplate(call);
  const requested: RequestedModel[] = [];
  const families = new Set<Family>();
  let timeoutMs = call.timeoutMs;
  for (const name of call.models) {
    for (const target of expand(name, routing, world.routes, world)) {
      const { offers, pin } = requestedOffers(target.model, target.route, world, today);
      assertKind(call, target.model, offers);
      requested.push(pin === undefined ? { ...target, offers } : { ...target, offers, pin });
      for (const { family } of offers) families.add(family);
      const { deadlineMs } = target.routing;
      if (deadlineMs !== undefined) timeoutMs = Math.min(timeoutMs ?? deadlineMs, deadlineMs);
    }
  }
  if (call.kind === 'embedding' || call.kind === 'rerank') assertOneModel(requested);
  const [first] = requested;
  // Every name is unknown or retired: throw the error of the first one.
  if (first && requested.every(({ offers }) => offers.length === 0)) offersOf(first.model, world, today);
  return { models: requested, ignored, families, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** What each kind of model is for, and where it is asked. */
const USES: Readonly<Record<'embedding' | 'rerank' | 'writes', { does: string; path: string }>> = {
  embedding: { does: 'makes embeddings', path: 'POST /v1/embeddings' },
  rerank: { does: 'orders documents', path: 'POST /v1/rerank' },
  writes: { does: 'writes text', path: 'POST /v1/chat/completions' },
};

const useOf = (kind: ModelOffer['kind'] | Call['kind']): keyof typeof USES =>
  kind === 'embedding' || kind === 'rerank' ? kind : 'writes';

/** Throws `invalid_request` for a chat with a model that makes embeddings, and the like. */
function assertKind({ kind }: Call | RetrievalCall, model: string, offers: readonly ModelOffer[]): void {
  const asked = useOf(kind);
  const [first] = offers;
  if (!first || offers.some((offer) => offer.kind === 'unknown' || useOf(offer.kind) === asked)) return;
  const { does, path } = USES[useOf(first.kind)];
  const own = offers.some(({ standing }) => standing === 'own');
  const way =
    asked === 'writes'
      ? ''
      : ` GET /v1/models shows which models are of kind "${asked}".${own ? ` A service of your own can say so: "kind": "${asked}" in its models.` : ''}`;
  throw new GatewayError('invalid_request', `model: ${model.slice(0, 200)} ${does}: send it to ${path}.${way}`, {
    param: 'model',
  });
}

/** A route over several models would mix vectors that cannot be compared. */
function assertOneModel(requested: readonly RequestedModel[]): void {
  const names = [...new Set(requested.map(({ offers, model }) => offers[0]?.model ?? model))];
  if (names.length < 2) return;
  throw new GatewayError(
    'invalid_request',
    `model: it stands for several models (${names.join(', ')}), whose results cannot be compared. Name one.`,
    { param: 'model' },
  );
}

/** In a route a model may be retired, or not loaded on its server: it is skipped, and the next of the route serves. */
function requestedOffers(model: string, route: string | undefined, world: World, today: string) {
  if (route === undefined) return offersOf(model, world, today);
  return unknownName(model, world) ? { offers: [], pin: undefined } : offersOf(model, world, today, true);
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

/**
 * OpenRouter's providers that are not built in here, as its SDK lists them (npm @openrouter/sdk, `ProviderName`) and
 * by the slugs of its routing docs. A request written for OpenRouter may name them. Any other unknown name is a
 * mistake.
 */
const NAMES_ELSEWHERE = `AI21, AionLabs, Alibaba, Amazon Nova, Anthropic, Arcee, Arcee AI, AtlasCloud, Atoma, Avian, Azure, Baidu,
  BaseTen, Black Forest Labs, ByteDance, Cerebras, Chutes, Cirrascale, Clarifai, Cloudflare, Cohere, CrofAI, Crusoe, DeepInfra,
  DeepSeek, Enfer, Featherless, Fireworks, Friendli, GMICloud, Google, Google AI Studio, Google Vertex, Groq, Hyperbolic,
  Inception, Inceptron, InferenceNet, Infermatic, Inflection, io.net, Kluster, Lambda, Liquid, Mancer, Mancer 2, Meta,
  Minimax, Mistral, ModelRun, Modular, Moonshot AI, Morph, NCompass, Nebius, NextBit, Nineteen, Novita, Nvidia, OpenAI,
  OpenInference, Parasail, Perplexity, Phala, Relace, SambaNova, SiliconFlow, Stealth, StepFun, StreamLake, Switchpoint,
  Targon, Ubicloud, Venice, WandB, xAI, Xiaomi, Z.AI`;

let elsewhere: ReturnType<typeof providerNames> | undefined;

/** `deepinfra/turbo` is a variant of one: https://openrouter.ai/docs/guides/routing/provider-selection */
const baseOf = (name: string): string => name.split('/', 1)[0] ?? '';

function isElsewhere(name: string): boolean {
  elsewhere ??= providerNames(NAMES_ELSEWHERE.split(',').map((one) => one.trim()));
  return elsewhere(baseOf(name)) !== undefined;
}

const PROVIDER_FIELDS = ['order', 'only', 'ignore'] as const;

/**
 * Replaces the provider names in `order`, `only` and `ignore` by ids. Providers that OpenRouter has and this
 * deployment has not are removed, as OpenRouter skips providers that do not serve a model, and the caller is told.
 * `invalid_request` for a name that nobody knows, and for an `only` of which nothing is left.
 *
 * @param known the providers of this deployment and those built in
 */
function checkedProviders(
  routing: Routing,
  providerOf: (name: string) => string | undefined,
  known: () => readonly string[],
): { readonly routing: Routing; readonly ignored: readonly string[] } {
  if (PROVIDER_FIELDS.every((field) => routing[field] === undefined)) return { routing, ignored: [] };
  const ignored: string[] = [];
  const checked: { -readonly [K in (typeof PROVIDER_FIELDS)[number]]?: string[] } = {};
  for (const field of PROVIDER_FIELDS) {
    const names = routing[field];
    if (!names) continue;
    const ids = new Set<string>();
    for (const [at, name] of names.entries()) {
      const id = providerOf(name);
      if (id !== undefined) {
        ids.add(id);
        continue;
      }
      const param = `provider.${field}[${at}]`;
      const shown = name.slice(0, 100);
      const whole = name.includes('/') ? providerOf(baseOf(name)) : undefined;
      // Variants (a quantization, a region) are not told apart here: the whole provider is used, and the caller told.
      if (whole !== undefined) {
        ids.add(whole);
        ignored.push(`${param} (${shown} is all of ${whole} here)`);
      } else if (!isElsewhere(name))
        throw unknownProvider(`${param}: there is no provider "${shown}" here.`, param, known());
      // To ignore a provider that is not here changes nothing, so that needs no notice.
      else if (field !== 'ignore') ignored.push(`${param} (no ${shown} here)`);
    }
    if (field === 'only' && names.length > 0 && ids.size === 0) {
      const param = 'provider.only';
      throw unknownProvider(`${param}: none of the providers it names is here.`, param, known());
    }
    checked[field] = [...ids];
  }
  return { routing: { ...routing, ...checked }, ignored };
}

const unknownProvider = (what: string, param: string, known: readonly string[]): GatewayError =>
  new GatewayError('invalid_request', `${what} There are ${known.join(', ')}.`, { param });

/** For a configured family name: how a sentence that names the field goes on if there is no such family. */
export function familyMistake(family: string): string | undefined {
  const known = [...new Set([...templateFamilies(), ...models().map((model) => model.family)])].sort();
  if (known.includes(family)) return undefined;
  const near = nearestOf(family, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  return `must be the name of a family of models.${hint} There are ${known.join(', ')}`;
}

/** The configured services that serve what a name stands for, those of its first model first. */
export const servicesNamed = (name: string, world: World): readonly ServiceOffer[] =>
  expand(name, {}, world.routes, world).flatMap(({ model }) => lookUp(model, world).own);

/**
 * The model that a name without a suffix means, as the catalogue calls it or else its owner, and the provider that the
 * name asks for. Throws `model_not_found`.
 */
export function modelOf(name: string, world: World): { readonly model: string; readonly pin?: string } {
  const { offers, pin } = offersOf(name, world, '', true);
  const model = lookUp(name, world).known?.id ?? offers[0]?.model ?? name;
  return pin === undefined ? { model } : { model, pin };
}

/** What counting tokens needs to know of a model. */
export interface NamedModel {
  readonly model: string;
  readonly family: Family;
  readonly contextLength?: number;
}

/** The models of a name, retired ones too; several for a route. Throws `model_not_found`. */
export const modelsNamed = (name: string, world: World): readonly NamedModel[] =>
  expand(name, {}, world.routes, world).map(({ model }) => modelNamed(model, world));

function modelNamed(name: string, world: World): NamedModel {
  const { known } = lookUp(name, world);
  if (known) {
    const { id, family, contextLength } = known;
    return { model: id, family, ...(contextLength === undefined ? {} : { contextLength }) };
  }
  // Throws for a name that no configured service has either.
  const [offer] = offersOf(name, world, '').offers;
  if (!offer) return { model: name, family: 'unknown' };
  const { model, family, contextLength } = offer;
  return { model, family, ...(contextLength === undefined ? {} : { contextLength }) };
}
