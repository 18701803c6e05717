import { type Call, GatewayError, PROVIDER_IDS } from '../core/index.ts';
import { consider, isExclusion } from './consider.ts';
import { type Ranked, rank } from './rank.ts';
import { offersOf } from './source.ts';
import type { Candidate, Exclusion, ExclusionCode, OfferSheet, World } from './types.ts';

/** A misspelt provider would be ignored in silence, or leave nothing: better said. */
function assertKnownProviders(call: Call, world: World): void {
  const known = new Set([...PROVIDER_IDS, ...world.providers.keys()]);
  for (const field of ['order', 'only', 'ignore'] as const) {
    for (const [at, name] of (call.routing[field] ?? []).entries()) {
      if (known.has(name)) continue;
      const param = `provider.${field}[${at}]`;
      throw new GatewayError(
        'invalid_request',
        `${param}: there is no provider "${name.slice(0, 100)}" here. There are ${[...known].join(', ')}.`,
        { param },
      );
    }
  }
}

/** Why the caller does not want a provider, if it does not. */
function allowedBy(call: Call, pin: string | undefined): (provider: string) => string | undefined {
  const { only, ignore } = call.routing;
  return (provider) => {
    if (pin !== undefined && pin !== provider) return `The model name asks for ${pin}.`;
    if (only && !only.includes(provider)) return 'provider.only leaves it out.';
    if (ignore?.includes(provider)) return 'provider.ignore leaves it out.';
    return undefined;
  };
}

/**
 * Every offer of the models a call names, in the order in which they are to be tried, or left out with a reason. Pure: it
 * asks nobody. Throws `model_not_found` for a name nobody knows, and `no_eligible_offer` with all reasons if none is left.
 *
 * @param today the day, as `2026-11-22`, by which retirements are judged
 */
export function offerSheet(
  call: Call,
  world: World,
  today: string = new Date().toISOString().slice(0, 10),
): OfferSheet {
  assertKnownProviders(call, world);
  const eligible: Candidate[] = [];
  const excluded: Exclusion[] = [];
  for (const name of call.models) {
    const { sources, pin } = offersOf(name, world, today);
    const allowed = allowedBy(call, pin);
    const ranked: Ranked[] = [];
    for (const source of sources) {
      const considered = consider(call, source, world.providers.has(source.offer.provider), allowed, today);
      if (isExclusion(considered)) excluded.push(considered);
      else ranked.push({ candidate: considered, source });
    }
    eligible.push(...rank(ranked, call.routing));
  }
  if (eligible.length === 0) throw nothingLeft(call, excluded);
  return { eligible: call.routing.allowFallbacks === false ? eligible.slice(0, 1) : eligible, excluded };
}

const SHOWN = 4;

/** Which reasons a caller can use: what it ruled out itself it knows, and what ended long ago helps only if that is all. */
const TELLS: Readonly<Partial<Record<ExclusionCode, number>>> = { retired: 1, not_allowed: 2 };
const tells = ({ code }: Exclusion): number => TELLS[code] ?? 0;

function nothingLeft(call: Call, excluded: readonly Exclusion[]): GatewayError {
  const most = Math.min(...excluded.map(tells));
  const reasons = excluded
    .filter((one) => tells(one) === most)
    .slice(0, SHOWN)
    .map(({ message }) => message);
  return new GatewayError(
    'no_eligible_offer',
    `No offer of ${call.models.join(', ')} can serve this call. ${reasons.join(' ')}`,
    {
      offers: excluded.map(({ provider, model, upstream, code, message }) => ({
        provider,
        model,
        provider_model: upstream,
        reason: { code, message },
      })),
    },
  );
}
