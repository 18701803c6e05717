import type { GatewayError } from '../core/index.ts';
import {
  BILLS_KEPT,
  type Bill,
  type Candidate,
  type Correction,
  correctionFrom,
  type Health,
  promptKind,
} from '../offers/index.ts';

/** Milliseconds for which a refusal to hold an answer to a schema is believed: regions and models learn to. */
const BELIEVED_MS = 3_600_000;
/** Offers, models and schemas that are remembered. */
const KEPT = 500;

interface Named {
  readonly provider: string;
  readonly service?: string | undefined;
  readonly upstream: string;
}

export interface Learnt extends Named {
  /** Prompts with tools in them, or those without. */
  readonly tools: boolean;
  readonly bills: number;
  readonly correction: Correction;
}

/** What answers have shown of offers beside how fast they are and whether they fail. */
export interface Learned extends Pick<Health, 'refusesSchemas' | 'smallestPrompt' | 'correction'> {
  /** Every correction that has been learned. */
  corrections(): readonly Learnt[];
  /** The offer has refused to hold an answer to these schemas, or to any. */
  schemasRefused(offer: Candidate, error: GatewayError, now: number): void;
  /** The provider has billed one prompt as so many tokens. */
  billed(offer: Candidate, promptTokens: number): void;
}

const keyOf = ({ provider, service = '', upstream }: Named, of: string): string =>
  `${provider} ${service} ${upstream} ${of}`;
const ANY = '*';

/** Remembers the newest so many of what an isolate has seen of its offers. */
export function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= KEPT) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

const hasTools = ({ sends }: Candidate): boolean => sends.form === 'messages' && sends.tools.length > 0;

/** The fields whose wording tells that a provider will not hold an answer to a schema; one that names another field is not about that. */
const ABOUT_SCHEMAS: ReadonlySet<string | undefined> = new Set(['response_format', 'tools', undefined]);

/**
 * Whether an error is the offer's refusal to hold the answer to a schema, so that the same offer may serve the call without.
 * What a provider says to that is not documented: any 400 that is not about something else counts.
 */
export const isSchemaRefusal = ({ structured }: Candidate, { code, details }: GatewayError): boolean =>
  structured &&
  (code === 'unsupported_parameter' || code === 'invalid_request') &&
  details.upstreamStatus === 400 &&
  ABOUT_SCHEMAS.has(details.param);

export function learned(): Learned {
  const refused = new Map<string, number>();
  /** Tokens of the newest prompts, by kind: a server may be given another template. */
  const smallest = new Map<string, readonly number[]>();
  const bills = new Map<
    string,
    Omit<Learnt, 'bills' | 'correction'> & {
      readonly newest: readonly Bill[];
      readonly correction: Correction | undefined;
    }
  >();
  const believes = (key: string, now: number): boolean => now < (refused.get(key) ?? Number.NEGATIVE_INFINITY);
  return {
    refusesSchemas: (provider, upstream, schemas, now, service) =>
      [ANY, schemas].some((which) => believes(keyOf({ provider, service, upstream }, which), now)),
    smallestPrompt(provider, upstream, kind, service) {
      const newest = smallest.get(keyOf({ provider, service, upstream }, kind));
      return newest && Math.min(...newest);
    },
    correction: (provider, upstream, tools, service) =>
      bills.get(keyOf({ provider, service, upstream }, String(tools)))?.correction,
    corrections: () =>
      [...bills.values()].flatMap(({ newest, correction, ...of }) =>
        correction === undefined ? [] : [{ ...of, bills: newest.length, correction }],
      ),
    schemasRefused(offer, { code, details }, now) {
      // Not to know the field at all is the model's; anything else may be about this schema alone.
      const all = code === 'unsupported_parameter' && details.param !== undefined;
      keep(refused, keyOf(offer, all ? ANY : (offer.schemas ?? ANY)), now + BELIEVED_MS);
    },
    billed(offer, promptTokens) {
      if (!(promptTokens > 0)) return;
      // A raw prompt has nothing of a template's own in it.
      if (offer.sends.form === 'messages') {
        const kind = keyOf(offer, promptKind(offer.sends));
        keep(smallest, kind, [...(smallest.get(kind) ?? []), promptTokens].slice(-BILLS_KEPT));
      }
      const key = keyOf(offer, String(hasTools(offer)));
      const { counted } = offer.prompt;
      const billed = promptTokens - offer.reportsExtra;
      if (counted === undefined || counted <= 0 || billed <= 0) return;
      const newest = [...(bills.get(key)?.newest ?? []), { counted, billed }].slice(-BILLS_KEPT);
      const { provider, service, upstream } = offer;
      keep(bills, key, {
        provider,
        service,
        upstream,
        tools: hasTools(offer),
        newest,
        correction: correctionFrom(newest),
      });
    },
  };
}
