/** `POST /v1/embeddings` and `POST /v1/rerank`: one call from its body to its answer. */
import type { Context, Handler } from 'hono';
import type { CallAccount, KeyTerms } from '../accounts/index.ts';
import { type RetrievalCall, redactDeep, type Usage } from '../core/index.ts';
import {
  type CallContext,
  embeddingsAnswer,
  parseEmbeddings,
  parseRerank,
  type RetrievalEnvelope,
  rerankAnswer,
  toAlternatives,
} from '../dialects/openai/index.ts';
import { alternativesTo, type OfferSheet, offerSheet, receiptOf } from '../offers/index.ts';
import { carryEmbeddings, carryRanking, type Served } from '../relay/index.ts';
import { withTerms } from './access.ts';
import { termsFor, underAccount } from './admission.ts';
import { costsOf, describe, stopwatch } from './generate.ts';
import { offerRows } from './offers.ts';
import { contextOf, type Gateway, headerFlag, headersOf, prepare, readJson, reply, replyJson } from './request.ts';

type Carrying<C, A> = (
  timed: C,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Gateway['relay'],
  account: CallAccount,
) => Promise<A>;

/** Carries a call and says in the headers how it went. */
async function carried<C extends RetrievalCall, A extends Served & { readonly usage: Usage }>(
  c: Context,
  gateway: Gateway,
  asked: C,
  carry: Carrying<C, A>,
  account: CallAccount,
  terms: KeyTerms | undefined,
): Promise<{ readonly answer: A; readonly envelope: RetrievalEnvelope }> {
  const watch = stopwatch();
  const { config, relay, world } = gateway;
  const debugging = headerFlag(c, 'x-chasqui-debug');
  const call = withTerms(asked, terms);
  const lazily = !debugging && !account.budgeted && !account.metered;
  const { asked: resolved, moment, sheet: known } = await prepare(call, gateway, lazily);
  watch.lap('tokenize');
  const sheet = known ?? offerSheet(call, resolved, world, moment);
  watch.lap('offers');
  const { timeoutMs } = resolved;
  const timed = timeoutMs === undefined ? call : { ...call, timeoutMs };
  const answer = await carry(timed, sheet, c.req.raw.signal, relay, account);
  watch.lap('upstream');
  const { offer, attempts, maybeBilled, usage } = answer;
  describe(c, { call }, answer, account.limits, watch.header());
  const cost = costsOf(answer)(usage);
  if (cost.cost_exact !== null) headersOf(c)['x-chasqui-cost'] = cost.cost_exact;
  const debug = debugging && {
    ...(offer.route === undefined ? {} : { route: offer.route }),
    attempts: redactDeep(attempts, config.redact),
    offers: offerRows(sheet, moment.now),
    prompt_tokens: { counted: offer.prompt.total, exactness: offer.prompt.exactness },
    ...toAlternatives(receiptOf(offer, maybeBilled, usage), alternativesTo(offer, sheet, usage, 0)),
  };
  const envelope = {
    id: call.id,
    model: offer.model,
    provider: offer.provider,
    usage,
    cost,
    ...(debug ? { debug } : {}),
  };
  return { answer, envelope };
}

const newId = (): string => `gen-${crypto.randomUUID().replaceAll('-', '')}`;

/** Makes one call from its body to its answer, under the account of its key. */
function retrieval<C extends RetrievalCall, A extends Served & { readonly usage: Usage }>(
  gateway: Gateway,
  dialect: 'embeddings' | 'rerank',
  parse: (body: unknown, context: CallContext) => C,
  carry: Carrying<C, A>,
  write: (c: Context, call: C, answer: A, envelope: RetrievalEnvelope) => Response,
): Handler {
  return async (c) => {
    const terms = termsFor(c, gateway);
    const body = await readJson(c.req.raw, gateway.config.maxBodyBytes);
    const call = parse(body, contextOf(c, newId()));
    const admitting = { id: call.id, dialect, streamed: false, asked: call.models[0], body, terms };
    return underAccount(c, gateway, admitting, async (account, known) => {
      const { answer, envelope } = await carried(c, gateway, call, carry, account, known);
      const response = write(c, call, answer, envelope);
      account.finish('ok', response.status);
      return response;
    });
  };
}

/** `POST /v1/embeddings` */
export const embeddings = (gateway: Gateway): Handler =>
  retrieval(gateway, 'embeddings', parseEmbeddings, carryEmbeddings, (c, { encoding }, { vectors }, envelope) => {
    const json = embeddingsAnswer(envelope, vectors, encoding);
    return reply(c, 200, 'application/json; charset=utf-8', json);
  });

/** `POST /v1/rerank` */
export const rerank = (gateway: Gateway): Handler =>
  retrieval(gateway, 'rerank', parseRerank, carryRanking, (c, call, { results }, envelope) =>
    replyJson(c, 200, rerankAnswer(envelope, results, call)),
  );
