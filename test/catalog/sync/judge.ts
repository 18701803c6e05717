import { type CatalogOffer, isServed, type PriceRow } from '../../../src/catalog/index.ts';
import { byCodeUnits, formatDollars } from '../../../src/core/index.ts';
import type { Heard, Listing, Pair, Remarks, Unlisted, Verdict } from './types.ts';

/** Sources that copied the provider's own page: what lists say, that copy one another, is no reason to leave them. */
const PROVIDERS_OWN: ReadonlySet<string> = new Set(['aws-cache', 'together-docs', 'together-api', 'replicate-pricing']);

const same = (a: Pair, b: Pair): boolean => a.input === b.input && a.output === b.output;
const written = ({ input, output }: Pair): string => `${formatDollars(input)}/${formatDollars(output)}`;

interface Said extends Listing {
  readonly source: string;
  readonly authority: Heard['authority'];
}

/** How people call the lists. */
const NAMES: Readonly<Record<string, string>> = { litellm: 'LiteLLM', modelsdev: 'models.dev' };
const nameOf = (source: string): string => NAMES[source] ?? source;

/** What each source says of an offer, under any of its ids; its own id before the others. */
function saidOf(offer: CatalogOffer, heard: readonly Heard[]): Said[] {
  return heard.flatMap(({ source, authority, listings }) => {
    const own = listings.filter(({ provider }) => provider === offer.provider);
    const found = [offer.id, ...offer.otherIds].map((id) => own.find((one) => one.offer === id)).find(Boolean);
    return found ? [{ source, authority, ...found }] : [];
  });
}

/** What the row of a price ought to say of the sources, which is nothing where several agree. */
function noteFor(said: readonly Said[], price: Said): string | undefined {
  const others = said.filter((one) => !same(one, price));
  if (others.length > 0) return `${others.map((one) => `${nameOf(one.source)} says ${written(one)}`).join(', ')}.`;
  return said.length === 1 && price.authority === 'list' ? `${nameOf(price.source)} alone.` : undefined;
}

const cachedText = (amount: bigint | undefined): string => (amount === undefined ? 'none' : formatDollars(amount));

/** What a person may want to take over by hand: prices of cached tokens, and ends. */
function besides(said: readonly Said[], offer: CatalogOffer, current: PriceRow | undefined): string[] {
  const known = current?.price.kind === 'token' ? current.price.cacheRead : undefined;
  return said.flatMap(({ source, cacheRead, ends }) => [
    ...(cacheRead === undefined || cacheRead === known
      ? []
      : [`${nameOf(source)}: cached tokens cost ${cachedText(cacheRead)}, the book says ${cachedText(known)}`]),
    ...(ends === undefined || ends === offer.status.date
      ? []
      : [`${nameOf(source)}: it ends on ${ends}, the catalogue says ${offer.status.date ?? 'nothing'}`]),
  ]);
}

/** The price that may be believed: the provider's word, or what at least two lists say and no other two contradict. */
function believed(said: readonly Said[]): Said | { readonly reason: string } {
  const provider = said.find(({ authority }) => authority === 'provider');
  if (provider) return provider;
  const groups = Map.groupBy(said, written);
  const agreed = [...groups.values()].filter((group) => group.length >= 2);
  const winner = agreed[0]?.[0];
  const all = said.map((one) => `${one.source} ${written(one)}`).join(', ');
  if (!winner || agreed.length > 1) {
    return { reason: said.length === 1 ? `only one source: ${all}` : `sources disagree: ${all}` };
  }
  return winner;
}

/** A change in percent, at most so much without a person. */
const MAX_CHANGE = 25n;

const changed = (before: bigint, after: bigint): string | undefined => {
  const off = after > before ? after - before : before - after;
  if (off * 100n <= before * MAX_CHANGE) return undefined;
  const ratio = after >= before * 10n || after * 10n <= before ? ', a unit taken for another?' : '';
  return `from ${formatDollars(before)} to ${formatDollars(after)} is more than ${MAX_CHANGE} %${ratio}`;
};

/** Whether a row is the provider's word and what would replace it is not. */
const outranked = (current: PriceRow | undefined, price: Said): boolean =>
  price.authority === 'list' && current !== undefined && PROVIDERS_OWN.has(current.source);

/** What a person has to look at before a price is taken over. */
function doubts(price: Said, current: PriceRow | undefined): string[] {
  const reasons: string[] = [];
  if (price.input === 0n || price.output === 0n) reasons.push('a price of zero');
  if (price.output * 2n < price.input) reasons.push('output costs less than half of input');
  if (current?.price.kind !== 'token') return reasons;
  for (const part of ['input', 'output'] as const) {
    const doubt = changed(current.price[part], price[part]);
    if (doubt) reasons.push(`${part} ${doubt}`);
  }
  if (outranked(current, price) && !same(price, current.price)) {
    reasons.push(`lists say ${written(price)}, the provider (${current.source}, ${current.checkedAt}) said otherwise`);
  }
  return reasons;
}

/** Whether a source that would have to name an offer does. */
function presence(offer: CatalogOffer, heard: readonly Heard[]): string[] {
  return heard.flatMap(({ source, served }) => {
    if (served?.provider !== offer.provider) return [];
    const state = [offer.id, ...offer.otherIds].map((id) => served.offers.get(id)).find(Boolean);
    if (state === undefined) return [`${source} does not list it any more`];
    return state === 'ending' && offer.status.date === undefined ? [`${source} says that it is ending`] : [];
  });
}

/**
 * One verdict for each offer that may still be served and is billed by the token.
 *
 * @param listed the newest price that the book has of an offer
 */
export function judge(
  offers: readonly CatalogOffer[],
  listed: (provider: string, offer: string) => PriceRow | undefined,
  heard: readonly Heard[],
  today: string,
): Verdict[] {
  return offers
    .filter((offer) => offer.billing === 'token' && offer.provider !== 'anyscale' && isServed(offer, today))
    .map((offer) => {
      const { provider, id } = offer;
      const at = { provider, offer: id };
      const current = listed(provider, id);
      const said = saidOf(offer, heard);
      const missing = presence(offer, heard);
      if (said.length === 0 && missing.length === 0) return { ...at, kind: 'unseen' };
      if (said.length === 0) return { ...at, kind: 'held', reasons: missing };
      const extra = besides(said, offer, current);
      const remarks: Remarks = extra.length > 0 ? { besides: extra } : {};
      const before = current?.price.kind === 'token' ? current.price : undefined;
      // One list may repeat what the book has of it, and change nothing.
      const [only] = said;
      const repeats = said.length === 1 && only && before && same(only, before) && only.source === current?.source;
      const price = repeats ? only : believed(said);
      if ('reason' in price) return { ...at, kind: 'held', reasons: [...missing, price.reason], ...remarks };
      const reasons = [...missing, ...doubts(price, current)];
      const pair: Pair = { input: price.input, output: price.output };
      if (reasons.length > 0) return { ...at, kind: 'held', reasons, price: pair, ...remarks };
      const note = noteFor(said, price);
      const found = { price: pair, source: price.source, ...remarks, ...(note === undefined ? {} : { note }) };
      return before && same(before, pair)
        ? { ...at, kind: 'confirmed', refresh: !outranked(current, price), ...found }
        : { ...at, kind: 'changed', from: before, ...found };
    });
}

/** Whose weights are open, by how providers begin their ids. Everybody's at Together is. */
const OPEN: Readonly<Record<string, RegExp>> = {
  bedrock: /^(?:deepseek|google\.gemma|meta|minimax|mistral|moonshot(?:ai)?|nvidia|openai\.gpt-oss|qwen|zai)\b/,
  replicate: /^(?:deepseek-ai|ibm-granite|meta|mistralai|qwen|openai\/gpt-oss)\b/,
  // Size classes of LiteLLM's are no models.
  together: /\//,
};

/** A profile's id without its geography. */
const bare = (offer: string): string => offer.replace(/^(?:us|eu|apac|jp|au|ca|in|global|us-gov)\./, '');

/** What sources offer of open weights and the catalogue has under no id, retired or not. */
export function unlisted(offers: readonly CatalogOffer[], heard: readonly Heard[]): Unlisted[] {
  const known = new Set(
    offers.flatMap(({ provider, id, otherIds }) => [id, ...otherIds].map((one) => `${provider} ${one}`)),
  );
  const found = new Map<string, Unlisted>();
  for (const { source, listings, served } of heard.filter(({ loose }) => !loose)) {
    const named = [
      ...listings.map(({ provider, offer }) => ({ provider, offer })),
      // Of Together's own list the prices are enough: it has images and voices, too.
      ...(served?.provider === 'bedrock'
        ? [...served.offers.keys()].map((offer) => ({ provider: served.provider, offer }))
        : []),
    ];
    for (const { provider, offer: id } of named) {
      const offer = bare(id);
      const key = `${provider} ${offer}`;
      if (known.has(key) || !OPEN[provider]?.test(offer)) continue;
      found.set(key, { provider, offer, sources: [...new Set([...(found.get(key)?.sources ?? []), source])] });
    }
  }
  return [...found.values()].sort((a, b) => byCodeUnits(a.provider + a.offer, b.provider + b.offer));
}
