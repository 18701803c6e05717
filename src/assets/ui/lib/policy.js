/**
 * What traffic would have cost under a policy, worked out in the page from the lines of `/v1/whatif?detail=offers`. The
 * amounts of a line are rounded by the gateway; here they are chosen and added up, so that sums equal those of the API.
 *
 * @example
 * underPolicy(report.traffic, report.offer_prices, { out: ['bedrock'], order: ['together'], cap: parseMoney('0.60') })
 */
import { parseMoney } from './money.js';

const amount = (text) => parseMoney(text) ?? 0n;
const MILLION = 1_000_000n;
const milli = (number) => BigInt(Math.round(number * 1000));
const divideHalfUp = (dividend, divisor) => (2n * dividend + divisor) / (2n * divisor);

/** Nano-dollars for a million completion tokens at a price; null where it is not known. */
export function completionPrice(price) {
  if (!price) return null;
  if (price.output_per_mtok !== undefined) return parseMoney(price.output_per_mtok);
  const { tokens_per_second: speed, usd_per_second: second, usd_per_hour: hour } = price;
  if (speed === undefined) return null;
  const [period, seconds] = second === undefined ? [hour, 3600n] : [second, 1n];
  return divideHalfUp(amount(period) * MILLION * 1000n, seconds * milli(speed));
}

/** The share of an hour's price that tokens take at a speed, rounded half up as the gateway does. */
export const hourShare = (perHour, tokens, perSecond) =>
  divideHalfUp(perHour * BigInt(tokens) * 1000n, 3600n * milli(perSecond));

/** What prices most requests; of those the fastest if that is wanted, else what costs least. */
function best(offers, speedOf) {
  let found;
  for (const offer of offers) {
    const more = found ? offer.requests - found.requests : 1;
    const faster = found && speedOf ? speedOf(offer) - speedOf(found) : 0;
    if (more > 0 || (more === 0 && (faster > 0 || (faster === 0 && amount(offer.cost) < amount(found.cost)))))
      found = offer;
  }
  return found;
}

/** The offer of a line that a policy takes; undefined where none that it allows has a price. */
function chosenOf(line, prices, { out = [], order = [], cap, speed }) {
  const within = (offer) => {
    if (cap === undefined) return true;
    const price = completionPrice(prices[offer.price]);
    return price !== null && price <= cap;
  };
  const speedOf = speed && ((offer) => speed(offer.provider, line.model) ?? 0);
  const allowed = line.offers.filter((offer) => !out.includes(offer.provider) && within(offer));
  const whole = allowed.filter(({ unpriced }) => unpriced.length === 0);
  const first = order.find((name) => whole.some(({ provider }) => provider === name));
  const from = first === undefined ? whole : whole.filter(({ provider }) => provider === first);
  const found = best(from, speedOf) ?? best(allowed, speedOf);
  return found && found.requests > 0 ? found : undefined;
}

/** How much more than it did cost: null if some of that is not known, or there is nothing to compare. */
export const deltaOf = ({ requests, cost, was }) =>
  requests === 0 || was.unknown > 0 ? null : cost - was.cost - was.bound;

const none = () => ({ requests: 0, cost: 0n, estimate: false, was: { cost: 0n, bound: 0n, unknown: 0 } });

function add(sum, { requests, cost, estimate, compared_with: was }) {
  sum.requests += requests;
  sum.cost += amount(cost);
  sum.estimate ||= estimate;
  sum.was.cost += amount(was.cost);
  sum.was.bound += amount(was.cost_upper_bound);
  sum.was.unknown += was.unknown_cost;
}

/**
 * @param policy `out`: providers that are not used; `order`: those that come first; `cap`: nano-dollars for a million
 *   completion tokens, at most; `speed(provider, model)`: takes the fastest instead of the cheapest
 * @returns the sum, `by` provider, and what is `unpriced` with the reasons
 */
export function underPolicy(traffic, prices, policy) {
  const sum = { ...none(), by: new Map(), unpriced: [] };
  const reasons = new Map();
  const without = (model, requests, reason) => {
    const key = JSON.stringify([model, reason]);
    if (!reasons.has(key)) reasons.set(key, { model, reason, requests: 0 });
    reasons.get(key).requests += requests;
  };
  for (const line of traffic) {
    const offer = chosenOf(line, prices, policy);
    if (!offer) {
      without(line.model, line.requests, `No offer of ${line.model} that the policy allows has a known price.`);
      continue;
    }
    add(sum, offer);
    if (!sum.by.has(offer.provider)) sum.by.set(offer.provider, none());
    add(sum.by.get(offer.provider), offer);
    for (const { requests, reason } of offer.unpriced) without(line.model, requests, reason);
  }
  sum.unpriced = [...reasons.values()];
  return sum;
}

/** The same traffic on hardware of one's own. */
export function onHardware(traffic, perHour, perSecond) {
  const sum = none();
  let tokens = 0;
  for (const line of traffic) {
    add(sum, { requests: line.requests, cost: '0', estimate: true, compared_with: line });
    tokens += line.completion_tokens;
  }
  sum.cost = hourShare(perHour, tokens, perSecond);
  return { ...sum, by: new Map(), unpriced: [], hours: tokens / perSecond / 3600 };
}
