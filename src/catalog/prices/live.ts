import { dayOf, type ServiceOffer } from '../../core/index.ts';
import { layered } from './book.ts';
import { bundledBook } from './bundled.ts';
import { type Database, type PriceDocument, readStored, type Stored, writeStored } from './document.ts';
import { knownOffers, type OpenService } from './known.ts';
import { overrideRows, type PriceOverride, readOverrides } from './override.ts';
import { serviceRows } from './services.ts';
import type { PriceBook, PriceRow } from './types.ts';

/** How long an isolate may go on with the admin's prices as it has read them. */
const FRESH_MS = 30_000;

/** The book of a deployment, every layer of it: bundled, then the admin's, then the configuration's. */
export interface Prices {
  /** The book as this isolate knows it, at once. Older than 30 s, it is read again behind the caller's back. */
  book(): PriceBook;
  /** The book no older than that, for who can wait: what settles a call, and who reads prices. */
  fresh(maxAgeMs?: number): Promise<PriceBook>;
  /** Of the admin's layer, as last read; 0 where there never was one. */
  version(): number;
  /** Absent without a database. Undefined: another version is stored than was expected. */
  readonly replace?: (document: PriceDocument | undefined, expected: number | undefined) => Promise<number | undefined>;
}

export interface PricesOptions {
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
      known: knownOffers(services(), open),
      judge: false,
      source: document.source,
    });
    const day = at.slice(0, 10);
    return overrideRows(all, { layer: 'admin', version, from: day, checkedAt: day });
  }

  function book(): PriceBook {
    // The operator's own configuration says so today, as it does with every start.
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
    // What was read before another wrote may arrive after it.
    if (next.version <= stored.version) return;
    stored = next;
    made = undefined;
  }

  async function refresh(db: Database): Promise<void> {
    try {
      take(await readStored(db));
    } catch (thrown) {
      // Yesterday's prices are better than none; and a database that is down is not asked by every call.
      readAt = now();
      console.error(`prices could not be read from D1: ${thrown instanceof Error ? thrown.name : typeof thrown}`);
    }
  }

  return {
    version: () => stored.version,
    book() {
      // By time and not by a flag: the platform may drop what a request left behind, and then nobody would lower it.
      if (database && now() - Math.max(readAt, askedAt) > FRESH_MS) {
        askedAt = now();
        background(refresh(database));
      }
      return book();
    },
    async fresh(maxAgeMs = FRESH_MS) {
      // The clock of a Worker stands still between reads and writes, so that 0 must not ask for more than that.
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
