import { findModel } from '../catalog/index.ts';
import {
  asGatewayError,
  type Discovery,
  type GatewayError,
  type ProviderRegistry,
  providerNames,
  type ServiceOffer,
} from '../core/index.ts';

/**
 * Models on configured services (self-hosted or OpenAI-compatible): an index by name, and the live list of what their
 * servers have.
 */

/** Finds configured models by name in constant time. */
export interface ServiceIndex {
  /** The provider that a name means, configured or built in. */
  readonly providerOf: (name: string) => string | undefined;
  /**
   * By the name callers use, or with its provider in front: `mine/my-model`. Case is ignored where that is
   * unambiguous.
   */
  called(name: string): readonly ServiceOffer[];
  /** Whether a name, suffix included, is a configured model's. */
  readonly isName: (name: string) => boolean;
  /** Services of a catalogue model, under whichever of its names they are configured. */
  of(modelId: string): readonly ServiceOffer[];
}

/** No name is longer. Longer texts are not copied to compare them. */
const LONGEST = 512;

function add(map: Map<string, ServiceOffer[]>, key: string, offer: ServiceOffer): void {
  const offers = map.get(key);
  if (!offers) map.set(key, [offer]);
  else if (!offers.includes(offer)) offers.push(offer);
}

/** Names in lower case; an empty list where several models' names differ only by case. */
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

function indexOf(services: readonly ServiceOffer[], registry: ProviderRegistry): ServiceIndex {
  const named = new Map<string, ServiceOffer[]>();
  const known = new Map<string, ServiceOffer[]>();
  const providerOf = providerNames([...registry.ids, ...services.map(({ provider }) => provider)], registry.known);
  for (const offer of services) {
    const { provider, model, upstream } = offer;
    for (const name of [model, `${provider}/${model}`, `${provider}/${upstream}`]) add(named, name, offer);
    const match = findModel(model, registry);
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

/** The index of a list of services, made once for each list. */
export function serviceIndex(services: readonly ServiceOffer[], registry: ProviderRegistry): ServiceIndex {
  let index = indexes.get(services);
  if (!index) {
    index = indexOf(services, registry);
    indexes.set(services, index);
  }
  return index;
}

/** How long a server's list is used before it is read again, in the background. */
const FRESH_MS = 60_000;
/** Earliest time after which a server that failed, or does not know a name yet, is asked again. */
const AGAIN_MS = 2_000;
/** Longest time that a call waits for lists. */
const WAIT_MS = 3_000;

/** The models on configured services as of now: those of the configuration and those the servers list. */
export interface Services {
  /** Returns at once. It is the same list object as long as nothing changes. */
  offers(): readonly ServiceOffer[];
  /**
   * Waits until every server has been asked once. Later, lists older than a minute are read again in the background.
   */
  ready(): Promise<void>;
  /** Asks again, for an unknown name: a model may just have been loaded. */
  again(): Promise<void>;
  /** Services that could not be asked yet, and why. */
  unread(): readonly { readonly service: string; readonly error: GatewayError }[];
  /** Whether any server lists its models: then an unknown name may be known to it. */
  readonly open: boolean;
}

export interface ServicesOptions {
  readonly registry: ProviderRegistry;
  /** As configured. */
  readonly offers: readonly ServiceOffer[];
  readonly discoveries: readonly Discovery[];
  /** Keeps the isolate alive for background work (`waitUntil`). */
  readonly background: (work: Promise<void>) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

interface State {
  readonly discovery: Discovery;
  listed?: readonly ServiceOffer[];
  error?: GatewayError;
  askedAt: number;
  asking?: Promise<void>;
}

/** A model under a name of its own whose weights the catalogue knows gets their family, context and capabilities. */
function recognised(offer: ServiceOffer, registry: ProviderRegistry): ServiceOffer {
  const { model, weights } = offer;
  if (weights === undefined || findModel(model, registry).kind === 'model') return offer;
  const match = findModel(weights, registry);
  if (match.kind === 'unknown') return offer;
  const { family, contextLength, capabilities } = match.model;
  const { vision, tools } = capabilities;
  return {
    family,
    ...(contextLength === undefined ? {} : { contextLength }),
    ...offer,
    capabilities: { vision, tools, ...offer.capabilities },
  };
}

const textOf = (offers: readonly ServiceOffer[]): string =>
  JSON.stringify(offers, (_key, value) => (typeof value === 'bigint' ? String(value) : value));

export function liveServices({
  registry,
  offers: configured,
  discoveries,
  background,
  now = Date.now,
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: ServicesOptions): Services {
  const states: readonly State[] = discoveries.map((discovery) => ({
    discovery,
    askedAt: Number.NEGATIVE_INFINITY,
  }));
  let all = configured;

  function gather(): void {
    const read = states.filter(({ listed }) => listed);
    const isRead = ({ provider, service }: ServiceOffer) =>
      read.some(({ discovery }) => discovery.provider === provider && discovery.service === service);
    // A server's list includes what is configured for its service.
    all = [...configured.filter((offer) => !isRead(offer)), ...read.flatMap(({ listed }) => listed ?? [])];
  }

  async function read(state: State): Promise<void> {
    try {
      const listed = (await state.discovery.list(AbortSignal.timeout(WAIT_MS))).map((offer) =>
        recognised(offer, registry),
      );
      delete state.error;
      if (state.listed && textOf(state.listed) === textOf(listed)) return;
      state.listed = listed;
      gather();
    } catch (thrown) {
      // The previous list is kept until the server can be asked again.
      state.error = asGatewayError(thrown);
    } finally {
      delete state.asking;
    }
  }

  function ask(state: State): Promise<void> {
    // Also limited by time: the platform may drop a request's background work, and then `asking` would never end.
    if (state.asking && now() - state.askedAt < WAIT_MS) return state.asking;
    state.askedAt = now();
    state.asking = read(state);
    background(state.asking);
    return state.asking;
  }

  /** Bounded, whatever becomes of the request that asked first. */
  const wait = (asked: readonly Promise<void>[]): Promise<void> =>
    asked.length === 0 ? Promise.resolve() : Promise.race([Promise.all(asked).then(() => undefined), sleep(WAIT_MS)]);

  return {
    open: states.length > 0,
    offers: () => all,
    unread: () =>
      states.flatMap(({ discovery: { service }, listed, error }) => (error && !listed ? [{ service, error }] : [])),
    async ready() {
      const first: Promise<void>[] = [];
      for (const state of states) {
        if (!state.listed && !state.error) first.push(ask(state));
        else if (now() - state.askedAt > (state.listed ? FRESH_MS : AGAIN_MS)) ask(state);
      }
      await wait(first);
    },
    again: () => wait(states.filter(({ askedAt, asking }) => asking || now() - askedAt > AGAIN_MS).map(ask)),
  };
}
