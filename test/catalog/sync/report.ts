import { formatDollars } from '../../../src/core/index.ts';
import type { Pair, Unlisted, Verdict } from './types.ts';

const written = (price: Pair | undefined): string =>
  price ? `${formatDollars(price.input)} in, ${formatDollars(price.output)} out` : 'unknown';

const besidesOf = (verdict: Verdict): readonly string[] => ('besides' in verdict ? (verdict.besides ?? []) : []);

function line(verdict: Verdict): string {
  const name = `${verdict.provider}/${verdict.offer}`;
  switch (verdict.kind) {
    case 'confirmed':
      return `${name}: ${written(verdict.price)} (${verdict.source})`;
    case 'changed':
      return `${name}: ${written(verdict.from)} -> ${written(verdict.price)} (${verdict.source})`;
    case 'held':
      return [
        `${name}${verdict.price ? `: ${written(verdict.price)}` : ''}`,
        ...verdict.reasons.map((reason) => `    ${reason}`),
      ].join('\n');
    case 'unseen':
      return name;
  }
}

const TITLES: Readonly<Record<Verdict['kind'], string>> = {
  changed: 'Changed, and accepted',
  held: 'Held for a person: edit src/catalog/prices.json by hand if it is right',
  unseen: 'Named by no source',
  confirmed: 'Confirmed',
};

/** What was found, the most urgent first. */
export function report(verdicts: readonly Verdict[]): string {
  const kinds: Verdict['kind'][] = ['changed', 'held', 'unseen', 'confirmed'];
  return kinds
    .map((kind) => ({ kind, found: verdicts.filter((verdict) => verdict.kind === kind) }))
    .filter(({ found }) => found.length > 0)
    .map(
      ({ kind, found }) =>
        `${TITLES[kind]} (${found.length})\n${found.map((one) => `  ${[line(one), ...besidesOf(one).map((text) => `    ${text}`)].join('\n')}`).join('\n')}`,
    )
    .join('\n\n');
}

/** What is offered and not in the catalogue; empty where there is nothing. */
export const reportUnlisted = (found: readonly Unlisted[]): string =>
  found.length === 0
    ? ''
    : `Offered, and not in the catalogue (${found.length})\n${found
        .map(({ provider, offer, sources }) => `  ${provider}/${offer} (${sources.join(', ')})`)
        .join('\n')}`;
