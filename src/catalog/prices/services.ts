import type { ServiceOffer } from '../../core/index.ts';
import { offerKey } from './key.ts';
import { ALWAYS, type PriceRow, type Rate } from './types.ts';

function rateOf({ price, hourly }: ServiceOffer): Rate | undefined {
  if (price.known) return { kind: 'token', input: price.inputPerMtok, output: price.outputPerMtok };
  return hourly && { kind: 'hour', perHour: hourly.perHour, tokensPerSecond: hourly.tokensPerSecond };
}

/** What services of the user's own cost, as far as their configuration says. Two names of one upstream are one offer. */
export function serviceRows(services: readonly ServiceOffer[], checkedAt: string): PriceRow[] {
  const rows = new Map<string, PriceRow>();
  for (const service of services) {
    const { provider } = service;
    const price = rateOf(service);
    const offer = offerKey(provider, service.upstream, service.service);
    const id = `${provider}/${offer}@service`;
    if (!price) continue;
    rows.set(id, {
      id,
      layer: 'configuration',
      provider,
      offer,
      tier: 'standard',
      region: '*',
      validFrom: ALWAYS,
      source: 'configuration',
      checkedAt,
      price,
    });
  }
  return [...rows.values()];
}
