/** `GET /v1/live`: calls as they happen, as server-sent events. */
import type { Context, Handler } from 'hono';
import type { AccountRow, RunningAttempt } from '../accounts/index.ts';
import { GatewayError, redactError } from '../core/index.ts';
import { errorBody } from '../dialects/openai/index.ts';
import { type Cursors, cursorsFrom, cursorsText, type Look, watch } from '../page/index.ts';
import { callerOf } from './access.ts';
import { attemptOf, callOf, filterOf } from './generations.ts';
import { badParameter, parametersOf, rfc3339, scopeOf } from './report-query.ts';
import { type Gateway, reply } from './request.ts';
import { EVENT_STREAM, type EventEncoder, sendEvents } from './sse.ts';

const KNOWN = ['account', 'key', 'provider', 'model', 'dialect', 'outcome', 'after'];

/** Those who watch through this isolate at the same time. */
const MOST_WATCHERS = 100;
let watchers = 0;

/** How long a client waits before it comes back. */
const RETRY_MS = 1_000;

/** Where the watch begins: a browser that comes back says so in `Last-Event-ID`. */
function cursorsOf(c: Context, after: string | undefined): Cursors | undefined {
  const last = c.req.header('last-event-id');
  const text = last || after;
  if (text === undefined) return undefined;
  const cursors = cursorsFrom(text);
  if (cursors) return cursors;
  throw badParameter(
    last ? 'last-event-id' : 'after',
    'is no id of an event of this stream. Leave it out to begin now.',
  );
}

const runningOf = ({ call, attempt }: RunningAttempt) => ({
  id: call.call,
  created_at: rfc3339(call.started),
  account: call.account,
  key: call.key,
  dialect: call.dialect,
  streamed: call.streamed,
  asked: call.asked,
  attempt: attempt.attempt,
  model: attempt.model,
  provider: attempt.provider,
  started_at: rfc3339(attempt.started),
});

const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** Looks as events. An id comes last: whoever has it, has all before it, and can go on from there. */
function encoderOf(filter: Readonly<Record<string, string>>, redact: Gateway['config']['redact']): EventEncoder<Look> {
  const passes = (row: AccountRow): boolean =>
    Object.entries(filter).every(([name, value]) => row[name as keyof AccountRow] === value);
  let told: string | undefined;
  return {
    encode({ rows, gap, running, attempts, cursors }) {
      let text = told === undefined ? `retry: ${RETRY_MS}\n\n` : '';
      const shown = rows.filter(passes).map((row) => ({ ...callOf(row), ...attemptOf(row) }));
      if (gap) text += event('gap', {});
      if (shown.length > 0) text += event('attempts', shown);
      const now = event('running', { calls: running, attempts: attempts.map(runningOf) });
      if (now !== told) text += now;
      told = now;
      return text === '' ? '' : `${text}id: ${cursorsText(cursors)}\n\n`;
    },
    end: () => '',
    fail: (error) => event('error', errorBody(redactError(error, redact))),
  };
}

/**
 * `GET /v1/live`: attempts that have ended and calls that run, each second in which there is something new. With the
 * filters of `GET /v1/generations`. An admin sees all accounts or the one that `account` names; a caller's key sees its
 * own calls. There is no text of a prompt or an answer in it, because none is kept.
 */
export const live =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { config } = gateway;
    const read = parametersOf(c, KNOWN);
    const caller = callerOf(c);
    const scope = scopeOf(caller, read);
    const filter = { ...filterOf(read), ...(scope.key === undefined ? {} : { key: scope.key }) };
    const after = cursorsOf(c, read.after);
    // A watch would go on for nobody.
    if (c.req.method === 'HEAD') return reply(c, 200, EVENT_STREAM, null);
    if (watchers >= MOST_WATCHERS) {
      throw new GatewayError('rate_limit_exceeded', 'Too many watch the calls of this gateway. Try again later.', {
        retryAfterMs: 10_000,
      });
    }
    const left = new AbortController();
    const gone = () => left.abort();
    c.req.raw.signal.addEventListener('abort', gone);
    const looks = watch({
      accounts: config.accounts,
      database: config.database,
      own: caller.account,
      account: scope.account,
      ...(caller.secretHash === undefined ? {} : { key: { id: caller.key, secretHash: caller.secretHash } }),
      ...(after ? { after } : {}),
      subrequests: config.subrequests,
      wait: (ms) => waited(ms, left.signal),
    });
    // What fails at once is an answer with its own status.
    const first = await looks.next();
    watchers++;
    return sendEvents(c, beginning(first, looks), encoderOf(filter, config.redact), gone, () => {
      watchers--;
    });
  };

async function* beginning<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** False as soon as the signal is aborted. */
const waited = (ms: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve(!signal.aborted);
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
