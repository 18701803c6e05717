import { formatDollars } from '../../../src/core/index.ts';
import type { Verdict } from './types.ts';

/** A line of `prices.json`, as far as it is touched. */
type Line = Record<string, string>;

const dayBefore = (day: string): string => new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);

/** The price that is in force: of the usual region and tier, and without an end. */
const isCurrent = (line: Line, { provider, offer }: Verdict): boolean =>
  line.provider === provider &&
  (line.offer === offer || line.offer === `us.${offer}`) &&
  line.tier === undefined &&
  (line.region === undefined || line.region === 'us') &&
  line.validTo === undefined;

/** Which sources say otherwise, or that only one speaks. */
const noted = ({ note }: { readonly note?: string }): Line => (note === undefined ? {} : { note });

function applied(lines: readonly Line[], verdict: Verdict, today: string): Line[] {
  const at = lines.findIndex((line) => isCurrent(line, verdict));
  const current = lines[at];
  if (verdict.kind === 'confirmed' && verdict.refresh && current) {
    const { note: _, ...rest } = current;
    return lines.with(at, { ...rest, source: verdict.source, checkedAt: today, ...noted(verdict) });
  }
  if (verdict.kind !== 'changed') return [...lines];
  const { provider, price, source } = verdict;
  const offer = current?.offer ?? verdict.offer;
  const region: Line = provider === 'bedrock' && offer === verdict.offer ? { region: 'us' } : {};
  const next: Line = {
    provider,
    offer,
    validFrom: today,
    ...region,
    inputPerMtok: formatDollars(price.input),
    outputPerMtok: formatDollars(price.output),
    source,
    checkedAt: today,
    ...noted(verdict),
    ...(current?.profile === undefined ? {} : { profile: current.profile }),
  };
  if (current === undefined) {
    const last = lines.findLastIndex((line) => line.provider === provider);
    return lines.toSpliced(last + 1, 0, next);
  }
  // Two prices of one day would overlap: then the earlier one was not in force for a day.
  if (current.validFrom === today) return lines.with(at, next);
  const { provider: _, offer: __, validFrom = today, ...rest } = current;
  const ended: Line = { provider, offer, validFrom, validTo: dayBefore(today), ...rest };
  return lines.toSpliced(at, 1, ended, next);
}

/** `prices.json` with what was decided written into it, still a line for each row, so that the difference can be reviewed. */
export function apply(text: string, verdicts: readonly Verdict[], today: string): string {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw new Error('prices.json is not a list');
  const lines = verdicts.reduce<Line[]>((all, verdict) => applied(all, verdict, today), parsed);
  const spaced = (line: Line) =>
    `{${Object.entries(line)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(', ')}}`;
  return `[\n${lines.map(spaced).join(',\n')}\n]\n`;
}
