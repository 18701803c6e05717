import { env } from 'cloudflare:workers';
import { databaseOf, type LedgerRow, ledgerPage, pushRows } from '../../../src/accounts/index.ts';
import gateway from '../../../src/index.ts';

export { Account, Books } from '../../../src/index.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const PAST_HOURS = 7 * DAY_HOURS;
/** Far above the account's own numbers, so that it does not take a row of the past for one of its own. */
const FROM_SEQ = 1_000_000;
/** What an hour has of the traffic, in percent: least at the lowest hour, and this much more half a day away from it. */
const LEAST = 12;
const MORE = 70;
const QUIETEST_HOUR = 4;

/** More by day than by night (UTC), and no two hours quite alike. */
function shareOf(hour: number): number {
  const wave = 1 - Math.cos(((hour - QUIETEST_HOUR) / DAY_HOURS) * 2 * Math.PI);
  return LEAST + (wave / 2) * MORE + ((hour * 37) % 17);
}

/** A row as if its call had happened some hours earlier. */
function earlier({ account: _, ...row }: LedgerRow & { account: string }, hours: number, seq: number): LedgerRow {
  const ms = hours * HOUR_MS;
  return {
    ...row,
    seq,
    call: `${row.call}-${hours}`,
    called: row.called - ms,
    started: row.started - ms,
    first: row.first === null ? null : row.first - ms,
    ended: row.ended - ms,
  };
}

/** `POST /past`: repeats the newest calls of the account `main` in each hour of the last week, here more, there less. */
async function past(): Promise<Response> {
  const db = databaseOf(env as unknown as Readonly<Record<string, unknown>>);
  if (!db) return new Response('There is no database.', { status: 500 });
  const now = Date.now();
  const { rows } = await ledgerPage(db, { account: 'main', from: now - HOUR_MS, to: now + HOUR_MS, limit: 500 });
  const calls = [...new Set(rows.map(({ call }) => call))];
  const [cursor] = (await db.prepare("SELECT seq FROM ledger_cursor WHERE account = 'main'").all()).results;
  const move = (seq: number) => db.prepare("UPDATE ledger_cursor SET seq = ?1 WHERE account = 'main'").bind(seq).run();
  await move(FROM_SEQ);
  let seq = FROM_SEQ;
  for (let hours = PAST_HOURS; hours > 0; hours--) {
    const share = shareOf(Math.floor(now / HOUR_MS) - hours);
    const taken = new Set(calls.filter((_, at) => (at * 61 + hours * 29) % 100 < share));
    const batch = rows.filter(({ call }) => taken.has(call)).map((row) => earlier(row, hours, ++seq));
    await pushRows(db, 'main', batch);
  }
  await move(Number(cursor?.seq ?? 0));
  return new Response(`${seq - FROM_SEQ} rows`);
}

export default {
  fetch: (request: Request): Response | Promise<Response> =>
    new URL(request.url).pathname === '/past' ? past() : gateway.fetch(request),
};
