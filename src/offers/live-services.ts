import { findModel } from '../catalog/index.ts';
import { asGatewayError, type Discovery, type GatewayError, type ServiceOffer } from '../core/index.ts';

/** How long an isolate goes on with what a server has listed before it asks again, behind a call's back. */
const FRESH_MS = 60_000;
/** A server that could not be asked, or does not know a name yet, is asked again after this time at the earliest. */
const AGAIN_MS = 2_000;
/** Longest time that a call waits for lists. */
const WAIT_MS = 3_000;

/** Models on the user's own services, as they are now: those of the configuration, and those that the servers list. */
export interface Services {
  /** At once. The same list, and not only an equal one, as long as nothing changes. */
  offers(): readonly ServiceOffer[];
  /** Waits until every server has been asked once. Then lists older than a minute are read again without anybody's waiting. */
  ready(): Promise<void>;
  /** Asks again, for a name that nobody knows: a model may just have been loaded. */
  again(): Promise<void>;
  /** Services that could not be asked so far, and why. */
  unread(): readonly { readonly service: string; readonly error: GatewayError }[];
  /** Whether servers are asked at all: then a name that is not known here may be known to them. */
  readonly open: boolean;
}

export interface ServicesOptions {
  /** As configured. */
  readonly offers: readonly ServiceOffer[];
  readonly discoveries: readonly Discovery[];
  /** Keeps the isolate alive for work that nobody waits for (`waitUntil`). */
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

/** Weights that the catalogue knows, under a name that it does not: they are read and counted as what they are. */
function recognised(offer: ServiceOffer): ServiceOffer {
  const { model, weights } = offer;
  if (weights === undefined || findModel(model).kind === 'model') return offer;
  const match = findModel(weights);
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
    // A list has what is configured of its service, too.
    all = [...configured.filter((offer) => !isRead(offer)), ...read.flatMap(({ listed }) => listed ?? [])];
  }

  async function read(state: State): Promise<void> {
    try {
      const listed = (await state.discovery.list(AbortSignal.timeout(WAIT_MS))).map(recognised);
      delete state.error;
      if (state.listed && textOf(state.listed) === textOf(listed)) return;
      state.listed = listed;
      gather();
    } catch (thrown) {
      // What it listed before holds until it can be asked again.
      state.error = asGatewayError(thrown);
    } finally {
      delete state.asking;
    }
  }

  function ask(state: State): Promise<void> {
    // By time as well: the platform may drop what a request left behind, and then nobody would ever ask again.
    if (state.asking && now() - state.askedAt < WAIT_MS) return state.asking;
    state.askedAt = now();
    state.asking = read(state);
    background(state.asking);
    return state.asking;
  }

  /** Never longer than that, whatever becomes of the request that asked first. */
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
