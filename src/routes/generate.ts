/**
 * `POST /v1/chat/completions`, `/v1/completions`, `/v1/messages` and `/v1/responses`: one call from its body to its
 * answer.
 */
import type { Context, Handler } from 'hono';
import type { CallAccount, KeyTerms } from '../accounts/index.ts';
import {
  type Call,
  type DialectName,
  type Event,
  type GatewayError,
  type Redact,
  redactDeep,
  redactError,
  type Usage,
  withoutKnownKeys,
  withSamples,
} from '../core/index.ts';
import { messagesDialect } from '../dialects/messages/index.ts';
import {
  chatDialect,
  completionDialect,
  type Dialect,
  type Envelope,
  type ParsedRequest,
  type StreamEncoder,
  toAlternatives,
  toCost,
  type WireCost,
} from '../dialects/openai/index.ts';
import { responsesDialect } from '../dialects/responses/index.ts';
import {
  alternativesTo,
  type Candidate,
  type OfferSheet,
  offerSheet,
  reasoningFamilyOf,
  receiptOf,
} from '../offers/index.ts';
import { type Carried, type CarriedVote, carry, carryVote, type Served } from '../relay/index.ts';
import { withTerms } from './access.ts';
import { termsFor, underAccount } from './admission.ts';
import { limitHeaders } from './limit-headers.ts';
import { offerRows } from './offers.ts';
import {
  contextOf,
  type Gateway,
  headerFlag,
  headersOf,
  inCallersNames,
  prepare,
  readJson,
  reply,
  replyJson,
} from './request.ts';
import { EVENT_STREAM, sendEvents } from './sse.ts';
import { isSettledSoon, lateStream, type OpenStream, voteRow } from './vote.ts';

/** What we put before each choice for `echo`: the prompt as the caller wrote it, or the text of its token ids. */
function echoOf(call: Call, { echo, sends }: Candidate): Pick<Envelope, 'echo'> {
  if (call.kind !== 'completion' || echo !== 'ours') return {};
  const { prompts, n } = call;
  return {
    echo(choice) {
      const at = Math.floor(choice / n);
      const text = typeof prompts[at] === 'string' ? prompts[at] : sends.form === 'prompts' ? sends.prompts[at] : '';
      return typeof text === 'string' ? text : '';
    },
  };
}

/** The time of each step, for `Server-Timing`. On Workers the clock moves only at I/O, so steps of pure CPU show 0. */
export function stopwatch() {
  let last = Date.now();
  const steps: string[] = [];
  return {
    lap(name: string) {
      const now = Date.now();
      steps.push(`${name};dur=${now - last}`);
      last = now;
    },
    header: () => steps.join(', '),
  };
}

const MAX_FINGERPRINT = 200;

/** The upstream chooses its fingerprint, so it is shown only if it is short, and without credentials. */
function fingerprintOf({ fingerprint }: Carried, redact: Redact): string | null {
  if (fingerprint === undefined || fingerprint.length > MAX_FINGERPRINT) return null;
  return withoutKnownKeys(redact(fingerprint));
}

const MAX_NAMED = 20;

/** Names that callers choose, made safe for a header: printable, and limited in number and length. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map((name) => name.slice(0, 64).replace(/[^\x20-\x7e]|,/g, '?'));
  return (names.length > MAX_NAMED ? [...shown, `and ${names.length - MAX_NAMED} more`] : shown).join(', ');
}

const asTheyAre: NonNullable<ParsedRequest['callersNames']> = (text) => text;

/** A carried call, with the vote that chose its answer if there was one. */
type MaybeVoted<S extends Served = Carried> = S & Partial<Pick<CarriedVote, 'vote'>>;

export function describe(
  c: Context,
  { call, callersNames }: Pick<ParsedRequest, 'callersNames'> & { readonly call: { readonly id: string } },
  { offer, attempts, clamped, insteadOf }: Served,
  limits: CallAccount['limits'],
  timing: string,
): void {
  const named = callersNames ?? asTheyAre;
  const headers = headersOf(c);
  if (limits.length > 0) Object.assign(headers, limitHeaders(limits));
  headers['x-chasqui-generation-id'] = call.id;
  headers['x-chasqui-provider'] = offer.provider;
  headers['x-chasqui-model'] = listed([offer.model]);
  headers['x-chasqui-attempts'] = String(attempts.length);
  headers['server-timing'] = timing;
  if (clamped !== undefined) headers['x-chasqui-clamped'] = `max_tokens=${clamped}`;
  if (insteadOf) headers['x-chasqui-cheaper'] = listed([`instead of ${insteadOf.provider}'s ${insteadOf.upstream}`]);
  if (offer.drops.length > 0) headers['x-chasqui-dropped'] = listed(offer.drops.map(named));
  if (offer.altered.length > 0) headers['x-chasqui-neutralised'] = listed(offer.altered.map(named));
}

// A stream holds these two until its end. The sheet is the largest part of a call, so each keeps only what it needs.

/** The cost of an answer, by its usage. */
export const costsOf = ({ offer, maybeBilled, vote }: MaybeVoted<Served>) => {
  if (vote) {
    const cost = toCost(vote.receipt);
    return (): WireCost => cost;
  }
  return (usage: Usage): WireCost => toCost(receiptOf(offer, maybeBilled, usage));
};

/** The `debug` object of an answer, by its usage. */
const debugOf = (call: Call, sheet: OfferSheet, now: number, carried: MaybeVoted, redact: Redact) => {
  const { offer, attempts, maybeBilled, vote } = carried;
  const { prompt, reportsExtra, sends, nativeN } = offer;
  const prompts = sends.form === 'prompts' ? sends.prompts : undefined;
  const choices = call.n * (prompts?.length ?? 1);
  return (usage: Usage | undefined) => ({
    ...(offer.route === undefined ? {} : { route: offer.route }),
    attempts: redactDeep(attempts, redact),
    offers: offerRows(sheet, now),
    prompt_tokens: {
      counted: prompt.total * (nativeN ? 1 : call.n),
      exactness: prompt.exactness,
      reports_extra: reportsExtra * (nativeN ? 1 : call.n) * (prompts?.length ?? 1),
    },
    ...(prompts ? { rendered_prompt: prompts.length > 1 ? prompts : prompts[0] } : {}),
    ...(usage
      ? toAlternatives(
          vote?.receipt ?? receiptOf(offer, maybeBilled, usage),
          alternativesTo(offer, sheet, usage, choices),
        )
      : {}),
  });
};

async function collect(events: AsyncIterable<Event[]>): Promise<Event[]> {
  const all: Event[] = [];
  for await (const batch of events) for (const event of batch) all.push(event);
  return all;
}

/**
 * Aborts when the caller leaves. For a stream a failed write shows that, too. A JSON answer uses the request's own
 * signal.
 */
function callerOf(request: AbortSignal, stream: boolean): { readonly signal: AbortSignal; readonly gone: () => void } {
  if (!stream) return { signal: request, gone: () => undefined };
  const controller = new AbortController();
  const gone = () => controller.abort();
  request.addEventListener('abort', gone, { once: true });
  return { signal: controller.signal, gone };
}

/** A stream that has nothing in it but the error it ends in. */
function failedStream<R extends ParsedRequest>(
  c: Context,
  dialect: Dialect<R>,
  parsed: R,
  error: GatewayError,
): Response {
  const { id, models } = parsed.call;
  const envelope = {
    id,
    created: Math.floor(Date.now() / 1000),
    model: models[0] ?? '',
    provider: '',
    fingerprint: null,
  };
  return reply(c, 200, EVENT_STREAM, dialect.stream(parsed, envelope).fail(error));
}

function generation<R extends ParsedRequest>(gateway: Gateway, name: DialectName, dialect: Dialect<R>): Handler {
  const { config, relay, world } = gateway;
  return async (c) => {
    const watch = stopwatch();
    const pending = termsFor(c, gateway);
    const body = await readJson(c.req.raw, config.maxBodyBytes);
    const id = `gen-${crypto.randomUUID().replaceAll('-', '')}`;
    const parsed = dialect.parse(body, contextOf(c, id));
    const { stream: streamed, models } = parsed.call;
    const admitting = { id, dialect: name, streamed, asked: models[0] ?? '', body, terms: pending };
    try {
      return await underAccount(c, gateway, admitting, (account, terms) => answered(c, parsed, watch, account, terms));
    } catch (thrown) {
      const error = inCallersNames(thrown, parsed.callersNames);
      if (!parsed.call.stream || !dialect.failsInStream?.(parsed, error)) throw error;
      return failedStream(c, dialect, parsed, redactError(error, config.redact));
    }
  };

  async function answered(
    c: Context,
    parsed: R,
    watch: ReturnType<typeof stopwatch>,
    account: CallAccount,
    terms: KeyTerms | undefined,
  ): Promise<Response> {
    const debugging = headerFlag(c, 'x-chasqui-debug');
    const call = withTerms<Call>(parsed.call, terms);
    const { id } = call;
    watch.lap('parse');
    const sampled = withSamples(call);
    const lazily = !debugging && !call.vote && !account.budgeted && !account.metered;
    const prepared = await prepare(sampled, gateway, lazily);
    const { asked, moment } = prepared;
    watch.lap('tokenize');
    const sheet = prepared.sheet ?? offerSheet(sampled, asked, world, moment);
    watch.lap('offers');
    const caller = callerOf(c.req.raw.signal, call.stream);
    const { timeoutMs } = asked;
    const timed = timeoutMs === undefined ? call : { ...call, timeoutMs };
    const { vote } = timed;
    const carrying: Promise<MaybeVoted> = vote
      ? carryVote({ ...timed, vote }, sheet, caller.signal, relay, account)
      : carry(timed, sheet, caller.signal, relay, account);
    const over = (outcome: Parameters<CallAccount['finish']>[0]) => account.finish(outcome, 200);
    const headers = headersOf(c);
    const unserved: Envelope = {
      id,
      requestId: headers['x-request-id'] ?? '',
      created: Math.floor(Date.now() / 1000),
      now: Date.now,
      model: call.models[0] ?? '',
      provider: '',
      fingerprint: null,
    };
    const enveloped = (carried: MaybeVoted): Envelope => {
      const { offer } = carried;
      return {
        ...unserved,
        created: Math.floor(Date.now() / 1000),
        model: offer.model,
        provider: offer.provider,
        reasoningFamily: reasoningFamilyOf(offer),
        fingerprint: fingerprintOf(carried, config.redact),
        ...echoOf(call, offer),
        promptTokens: () => offer.prompt.total + offer.reportsExtra,
        costs: costsOf(carried),
        ...(carried.vote ? { vote: voteRow(carried.vote) } : {}),
        ...(debugging ? { debug: debugOf(sampled, sheet, moment.now, carried, config.redact) } : {}),
      };
    };
    const streamed = (envelope: Envelope): StreamEncoder => {
      const encoder = dialect.stream(parsed, envelope);
      const fail: StreamEncoder['fail'] = (error) =>
        encoder.fail(redactError(parsed.callersNames ? error.renamed(parsed.callersNames) : error, config.redact));
      return { ...encoder, fail };
    };
    const opened = async (carried: MaybeVoted): Promise<OpenStream> => {
      if (dialect.countsFirst) await carried.offer.counter.load?.();
      return { events: carried.events, encoder: streamed(enveloped(carried)) };
    };
    if (vote && call.stream && !(await isSettledSoon(carrying))) {
      headers['x-chasqui-generation-id'] = id;
      headers['server-timing'] = watch.header();
      const { events, encoder } = lateStream(carrying.then(opened), streamed(unserved));
      return sendEvents(c, events, encoder, caller.gone, over);
    }
    const carried = await carrying;
    watch.lap('upstream');
    describe(c, parsed, carried, account.limits, watch.header());
    if (call.stream) {
      const { events, encoder } = await opened(carried);
      return sendEvents(c, events, encoder, caller.gone, over);
    }

    const envelope = enveloped(carried);
    const answer = dialect.answer(parsed, envelope, await collect(carried.events));
    const { cost_exact: cost } = (answer.usage ?? {}) as Partial<WireCost>;
    if (typeof cost === 'string') headers['x-chasqui-cost'] = cost;
    over('ok');
    return replyJson(c, 200, envelope.vote ? { ...answer, vote: envelope.vote } : answer);
  }
}

/** `POST /v1/chat/completions` */
export const chatCompletions = (gateway: Gateway): Handler => generation(gateway, 'chat', chatDialect);

/** `POST /v1/completions` */
export const completions = (gateway: Gateway): Handler => generation(gateway, 'completions', completionDialect);

/** `POST /v1/messages` */
export const messages = (gateway: Gateway): Handler => generation(gateway, 'messages', messagesDialect);

/** `POST /v1/responses` */
export const responses = (gateway: Gateway): Handler => generation(gateway, 'responses', responsesDialect);
