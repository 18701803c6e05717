import { type Call, dayOf, GatewayError } from '../core/index.ts';
import { type Asked, type Moment, offerName, planFor, resolve, worthAsking } from '../offers/index.ts';
import { readyTokenizers } from '../tokens/index.ts';
import type { Gateway } from './gateway.ts';

/** What it takes to lay out a call's offers. */
export interface Prepared {
  readonly asked: Asked;
  readonly moment: Moment;
}

/** How long a caller should wait for a server that could not be asked which models it has. */
const LATER_MS = 5_000;

/**
 * Looks something up by the name of a model. A name that nobody knows may be that of a model which one of the user's own
 * servers has loaded since it was asked, so it is asked once more; and while one cannot be asked, nobody knows.
 */
export async function lookUp<T>({ services }: Gateway, look: () => T): Promise<T> {
  const unknown = (thrown: unknown) => thrown instanceof GatewayError && thrown.code === 'model_not_found';
  try {
    return look();
  } catch (thrown) {
    if (!services.open || !unknown(thrown)) throw thrown;
    await services.again();
  }
  try {
    return look();
  } catch (thrown) {
    const [first, ...others] = services.unread();
    if (!first || !(thrown instanceof GatewayError) || !unknown(thrown)) throw thrown;
    const which = [first, ...others].map(({ service }) => service).join(', ');
    const { upstreamMessage } = first.error.details;
    const why =
      upstreamMessage === undefined ? first.error.message : `${first.error.message} It says: ${upstreamMessage}`;
    throw new GatewayError(
      'provider_unavailable',
      `${thrown.message} But ${which} could not be asked for its models yet. ${why}`,
      {
        ...first.error.details,
        status: 503,
        param: 'model',
        retryAfterMs: first.error.details.retryAfterMs ?? LATER_MS,
      },
    );
  }
}

/** Looks up what a call asks for, and loads the tokenizers that it takes, which only the first call of an isolate does. */
export async function prepare(call: Call, gateway: Gateway): Promise<Prepared> {
  const { world, relay, load } = gateway;
  const now = relay.clock.now();
  const today = dayOf(now);
  const asked = await lookUp(gateway, () => resolve(call, world, today));
  const moment = { now, today, tokenizers: await readyTokenizers(asked.families, load) };
  if (asked.named.every(({ routing }) => routing.maxCost === undefined)) return { asked, moment };
  const told = await toldCounts(call, asked, gateway, moment);
  return { asked, moment: told ? { ...moment, told } : moment };
}

/** How long a call waits for a server to count a prompt, where its `max_cost` hangs on that. */
const COUNTING_MS = 2_000;

/** What servers count of a prompt that is only estimated here, where `max_cost` would leave them out for that alone. */
async function toldCounts(
  call: Call,
  asked: Asked,
  { world }: Gateway,
  moment: Moment,
): Promise<ReadonlyMap<string, number> | undefined> {
  const offers = worthAsking(call, asked, world, moment);
  if (offers.length === 0) return undefined;
  const told = new Map<string, number>();
  await Promise.all(
    offers.map(async (offer) => {
      const [only, ...others] = planFor({ ...call, n: 1, stream: false }, offer, COUNTING_MS).jobs;
      if (!only || others.length > 0) return;
      const count = await world.providers.get(offer.provider)?.countTokens?.(only, AbortSignal.timeout(COUNTING_MS));
      if (count !== undefined) told.set(offerName(offer), count);
    }),
  );
  return told;
}
