import {
  dayOf,
  isObject,
  type ProviderDescriptor,
  type ProviderRegistry,
  type ServiceOffer,
} from '../../core/index.ts';
import { offerIds } from '../find.ts';
import { bundledBook, layered } from './book.ts';
import { overrideRows, type PriceableOffers, type PriceOverride, readOverrides } from './overrides.ts';
import { ALWAYS, offerKey, type PriceBook, type PriceRow, type Rate, serviceKey } from './price.ts';

/**
 * The price book of a deployment with all its layers, as it changes while the deployment runs. The admin's prices are
 * kept in one versioned row of a D1 database.
 */

/** The part of a D1 database that is used. */
export interface Database {
  prepare(sql: string): Statement;
  /** One transaction. */
  batch(statements: Statement[]): Promise<readonly { readonly results: readonly unknown[] }[]>;
}

interface Statement {
  bind(...values: unknown[]): Statement;
}

/** The stored row. A version number is never used twice, so that a price with a version is one price. */
interface Stored {
  /** 0: nothing was ever stored. */
  readonly version: number;
  /** When it was written, RFC 3339. */
  readonly at: string;
  /** Absent if it was never set, or was deleted. */
  readonly document?: PriceDocument;
}

export interface PriceDocument {
  readonly source: string;
  readonly prices: unknown;
}

const NAME = 'catalog:prices';
/** The first use creates the table, so that a deployment needs no migration. */
const CREATE =
  'CREATE TABLE IF NOT EXISTS config (name TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT, at TEXT NOT NULL)';
const READ = 'SELECT version, json, at FROM config WHERE name = ?1';
const FIRST = 'INSERT OR IGNORE INTO config (name, version, json, at) VALUES (?1, 0, NULL, ?2)';
/** Checks and writes in one statement: of two writers that saw the same version, the second one fails. */
const WRITE = `UPDATE config SET version = version + 1, json = ?2, at = ?3
  WHERE name = ?1 AND (?4 IS NULL OR version = ?4) RETURNING version`;

function storedFrom(row: unknown): Stored {
  if (!isObject(row) || typeof row.version !== 'number' || typeof row.at !== 'string') return { version: 0, at: '' };
  const { version, at, json } = row;
  const document: unknown = typeof json === 'string' ? JSON.parse(json) : undefined;
  if (!isObject(document) || typeof document.source !== 'string') return { version, at };
  return { version, at, document: { source: document.source, prices: document.prices } };
}

async function readStored(db: Database): Promise<Stored> {
  const [, read] = await db.batch([db.prepare(CREATE), db.prepare(READ).bind(NAME)]);
  return storedFrom(read?.results[0]);
}

/**
 * Replaces or empties the row and returns what is stored then; undefined if another version than expected is stored.
 *
 * @param expected the version that the writer saw; undefined overwrites any
 */
async function writeStored(
  db: Database,
  document: PriceDocument | undefined,
  expected: number | undefined,
  at: string,
): Promise<Stored | undefined> {
  const json = document === undefined ? null : JSON.stringify(document);
  const [, , written] = await db.batch([
    db.prepare(CREATE),
    db.prepare(FIRST).bind(NAME, at),
    db.prepare(WRITE).bind(NAME, json, at, expected ?? null),
  ]);
  const row = written?.results[0];
  if (!isObject(row) || typeof row.version !== 'number') return undefined;
  return { version: row.version, at, ...(document === undefined ? {} : { document }) };
}

/** How long an isolate uses the admin's prices before it reads them again. */
const FRESH_MS = 30_000;

/** The price book of a deployment with all its layers: bundled, then the admin's, then the configuration's. */
export interface Prices {
  /** The book as this isolate knows it, at once. If it is older than 30 s, it is read again in the background. */
  book(): PriceBook;
  /** Waits for a book that is no older than that: to settle a call, and for `GET /v1/prices`. */
  fresh(maxAgeMs?: number): Promise<PriceBook>;
  /** The version of the admin's layer, as last read; 0 if there never was one. */
  version(): number;
  /** Absent without a database. Returns undefined if another version than expected is stored. */
  readonly replace?: (document: PriceDocument | undefined, expected: number | undefined) => Promise<number | undefined>;
}

export interface PricesOptions {
  readonly registry: ProviderRegistry;
  readonly database?: Database | undefined;
  /** Models on the user's own services, as they are now: the same list as long as nothing changes. */
  readonly services: () => readonly ServiceOffer[];
  readonly open?: readonly OpenService[];
  /** `CHASQUI_PRICES` */
  readonly overrides: readonly PriceOverride[];
  /** Keeps the isolate alive for work that nobody waits for (`waitUntil`). */
  readonly background: (work: Promise<void>) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export function livePrices({
  registry,
  database,
  services,
  open = [],
  overrides,
  background,
  now = Date.now,
}: PricesOptions): Prices {
  let stored: Stored = { version: 0, at: '' };
  let readAt = Number.NEGATIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  let made: PriceBook | undefined;
  let madeFor: readonly ServiceOffer[] | undefined;

  function adminRows(): PriceRow[] {
    const { document, version, at } = stored;
    if (!document) return [];
    const { overrides: all } = readOverrides(document.prices, 'prices', {
      known: priceableOffers(registry, services(), open),
      judge: false,
      source: document.source,
    });
    const day = at.slice(0, 10);
    return overrideRows(all, { layer: 'admin', version, from: day, checkedAt: day });
  }

  function book(): PriceBook {
    // The configuration was read when the isolate started, so its prices count as checked today.
    const today = dayOf(now());
    const offers = services();
    if (madeFor !== offers) made = undefined;
    madeFor = offers;
    made ??= layered(
      bundledBook(),
      adminRows(),
      serviceRows(offers, today),
      overrideRows(overrides, { layer: 'configuration', checkedAt: today }),
    );
    return made;
  }

  function take(next: Stored): void {
    readAt = now();
    // A read that began before a write may end after it.
    if (next.version <= stored.version) return;
    stored = next;
    made = undefined;
  }

  async function refresh(db: Database): Promise<void> {
    try {
      take(await readStored(db));
    } catch (thrown) {
      // Old prices are better than none, and a database that is down is not asked by every call.
      readAt = now();
      console.error(`prices could not be read from D1: ${thrown instanceof Error ? thrown.name : typeof thrown}`);
    }
  }

  return {
    version: () => stored.version,
    book() {
      // By time, not by a flag: the platform may drop background work, and then the flag would stay set.
      if (database && now() - Math.max(readAt, askedAt) > FRESH_MS) {
        askedAt = now();
        background(refresh(database));
      }
      return book();
    },
    async fresh(maxAgeMs = FRESH_MS) {
      // A Worker's clock stands still between I/O, so `>=`: with 0 the book is always read again.
      if (database && now() - readAt >= maxAgeMs) await refresh(database);
      return book();
    },
    ...(database && {
      replace: async (document: PriceDocument | undefined, expected: number | undefined) => {
        const written = await writeStored(database, document, expected, new Date(now()).toISOString());
        if (written) take(written);
        return written?.version;
      },
    }),
  };
}

function rateOf({ price, hourly }: ServiceOffer): Rate | undefined {
  if (price.known) return { kind: 'token', input: price.inputPerMtok, output: price.outputPerMtok };
  return hourly && { kind: 'hour', perHour: hourly.perHour, tokensPerSecond: hourly.tokensPerSecond };
}

/** What services of the user's own cost, by their configuration. Two names of one upstream model are one offer. */
export function serviceRows(services: readonly ServiceOffer[], checkedAt: string): PriceRow[] {
  const rows = new Map<string, PriceRow>();
  for (const service of services) {
    const { provider } = service;
    const price = rateOf(service);
    const offer = serviceKey(provider, service.upstream, service.service);
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

/** A service whose server lists its models: it may have models that are not known yet. */
export interface OpenService {
  readonly provider: string;
  readonly service: string;
}

/** A provider's offers in the catalogue, by the provider's id or by any name of the model. */
const catalogued = (about: ProviderDescriptor, name: string): readonly string[] =>
  about.ownServices === undefined ? offerIds(about.id, offerKey(about, name)) : [];

/** The offers of the catalogue and of the user's own services. On `open` services any name is accepted. */
export function priceableOffers(
  registry: ProviderRegistry,
  services: readonly ServiceOffer[],
  open: readonly OpenService[] = [],
): PriceableOffers {
  const mayHave = (provider: string, name: string): readonly string[] =>
    open.some((one) => one.provider === provider && (one.service === provider || name.startsWith(`${one.service}/`)))
      ? [name]
      : [];
  return {
    providers: [...new Set([...registry.ids, ...[...services, ...open].map(({ provider }) => provider)])],
    find(provider, name) {
      const own = services
        .filter((service) => service.provider === provider)
        .map((service) => ({ ...service, key: serviceKey(provider, service.upstream, service.service) }));
      const exact = own.filter(({ key }) => key === name);
      const meant = exact.length > 0 ? exact : own.filter(({ upstream, model }) => upstream === name || model === name);
      const found = new Set([...meant.map(({ key }) => key), ...catalogued(registry.of(provider), name)]);
      return found.size > 0 ? [...found] : mayHave(provider, name);
    },
  };
}
