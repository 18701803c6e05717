import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { databaseOf } from '../../src/accounts/index.ts';
import { type Database, livePrices, type Prices } from '../../src/catalog/index.ts';
import { priceFor, registry } from '../support/providers.ts';

const database = (): Database => {
  const db = databaseOf({ DB: Reflect.get(env, 'DB') });
  if (!db) throw new Error('no D1 in this runtime');
  return db;
};
const DAY = '2026-11-22';
const LLAMA = 'meta.llama3-8b-instruct-v1:0';
const document = (input: string) => ({
  source: 'a contract',
  prices: { bedrock: { [LLAMA]: { input_per_mtok: input, output_per_mtok: '0.6' } } },
});
const input = (book: ReturnType<Prices['book']>) => {
  const priced = priceFor(book, 'bedrock', LLAMA, DAY);
  return priced.known && priced.row.price.kind === 'token' ? priced.row.price.input : undefined;
};

/** An isolate: with a clock of its own, and what it left for later. */
function isolate(db: Database | undefined = database()) {
  let now = Date.parse(DAY);
  const left: Promise<void>[] = [];
  const prices = livePrices({
    registry,
    database: db,
    services: () => [],
    overrides: [],
    background: (work) => void left.push(work),
    now: () => now,
  });
  return {
    prices,
    later: (ms: number) => {
      now += ms;
    },
    left,
    settle: () => Promise.all(left.splice(0)),
  };
}

beforeEach(async () => {
  const db = database();
  await db.batch([db.prepare('DROP TABLE IF EXISTS config')]);
});

describe("the admin's prices", () => {
  it('are none in a new database, which needs no migration', async () => {
    const { prices } = isolate();
    expect(input(await prices.fresh())).toBe(300_000_000n);
    expect(prices.version()).toBe(0);
  });

  it('win over the bundled ones, at once where they were written', async () => {
    const { prices } = isolate();
    expect(await prices.replace?.(document('0.2'), undefined)).toBe(1);
    expect(input(prices.book())).toBe(200_000_000n);
    expect(priceFor(prices.book(), 'bedrock', LLAMA, DAY)).toMatchObject({
      row: { id: `bedrock/${LLAMA}@admin.1`, source: 'admin', detail: 'a contract', checkedAt: DAY },
    });
  });

  it('begin on the day they were put: what was before costs what it did', async () => {
    const { prices } = isolate();
    await prices.replace?.(document('0.2'), undefined);
    expect(priceFor(prices.book(), 'bedrock', LLAMA, '2026-11-21')).toMatchObject({ row: { layer: 'bundled' } });
  });

  it('reach another isolate behind its first call, and then every 30 seconds, without a wait', async () => {
    const [writer, reader] = [isolate(), isolate()];
    await writer.prices.replace?.(document('0.2'), undefined);
    expect(input(reader.prices.book())).toBe(300_000_000n);
    await reader.settle();
    expect(input(reader.prices.book())).toBe(200_000_000n);

    await writer.prices.replace?.(document('0.25'), undefined);
    reader.later(29_000);
    expect([input(reader.prices.book()), reader.left.length]).toEqual([200_000_000n, 0]);
    reader.later(2_000);
    expect([input(reader.prices.book()), reader.left.length]).toEqual([200_000_000n, 1]);
    await reader.settle();
    expect(input(reader.prices.book())).toBe(250_000_000n);
  });

  it('are asked for again if what was to read them never ended', async () => {
    const hanging: Database = {
      ...database(),
      prepare: (sql) => database().prepare(sql),
      batch: () => new Promise(() => undefined),
    };
    const { prices, later, left } = isolate(hanging);
    prices.book();
    prices.book();
    expect(left).toHaveLength(1);
    later(31_000);
    prices.book();
    expect(left).toHaveLength(2);
  });

  it('are replaced only by who has seen the last version', async () => {
    const [one, other] = [isolate(), isolate()];
    expect(await one.prices.replace?.(document('0.2'), 0)).toBe(1);
    expect(await other.prices.replace?.(document('0.25'), 0)).toBeUndefined();
    expect(await other.prices.replace?.(document('0.25'), 1)).toBe(2);
    expect(await one.prices.replace?.(document('0.26'), 7)).toBeUndefined();
    expect(input(await one.prices.fresh(0))).toBe(250_000_000n);
  });

  it('leave with a delete, and no version comes back', async () => {
    const { prices } = isolate();
    await prices.replace?.(document('0.2'), undefined);
    expect(await prices.replace?.(undefined, 1)).toBe(2);
    expect(input(prices.book())).toBe(300_000_000n);
    expect(await prices.replace?.(document('0.2'), undefined)).toBe(3);
  });

  it('stay as they were while the database is down', async () => {
    const db = database();
    let down = false;
    const { prices, later, settle } = isolate({
      prepare: (sql) => db.prepare(sql),
      batch: (statements) => (down ? Promise.reject(new Error('D1 is down')) : db.batch(statements)),
    });
    await prices.replace?.(document('0.2'), undefined);
    down = true;
    later(60_000);
    prices.book();
    await settle();
    expect(input(prices.book())).toBe(200_000_000n);
  });

  it('are not asked for by every call while the database is down', async () => {
    let asked = 0;
    const { prices, later } = isolate({
      prepare: (sql) => database().prepare(sql),
      batch: () => {
        asked++;
        return Promise.reject(new Error('D1 is down'));
      },
    });
    for (let call = 0; call < 20; call++) {
      expect(input(await prices.fresh())).toBe(300_000_000n);
      later(1_000);
    }
    expect(asked).toBe(1);
    later(31_000);
    await prices.fresh();
    expect(asked).toBe(2);
  });

  it('cannot be kept without a database', () => {
    const prices = livePrices({
      registry,
      services: () => [],
      overrides: [],
      background: () => undefined,
    });
    expect(prices.replace).toBeUndefined();
    expect(input(prices.book())).toBe(300_000_000n);
  });

  it('stay the newer ones where a read from before them comes late', async () => {
    const db = database();
    const writer = isolate();
    await writer.prices.replace?.(document('0.1'), undefined);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let read: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      read = resolve;
    });
    let first = true;
    const slow: Database = {
      prepare: (sql) => db.prepare(sql),
      // The first answer is there, and is long on its way.
      async batch(statements) {
        const answer = await db.batch(statements);
        if (!first) return answer;
        first = false;
        read();
        await gate;
        return answer;
      },
    };
    const { prices } = isolate(slow);
    const late = prices.fresh(0);
    await begun;
    await prices.replace?.(document('0.2'), 1);
    open();
    await late;
    expect([input(prices.book()), prices.version()]).toEqual([200_000_000n, 2]);
  });
});
