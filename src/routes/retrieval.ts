/** `POST /v1/embeddings` and `POST /v1/rerank`: one call from its body to its answer. */
import type { Context, Handler } from 'hono';
import { type RetrievalCall, redactDeep, type Usage } from '../core/index.ts';
import {
  embeddingsAnswer,
  parseEmbeddings,
  parseRerank,
  type RetrievalEnvelope,
  rerankAnswer,
  toAlternatives,
} from '../dialects/openai/index.ts';
import { alternativesTo, type OfferSheet, offerSheet, receiptOf } from '../offers/index.ts';
import { carryEmbeddings, carryRanking, type Served } from '../relay/index.ts';
import { termsOf, withTerms } from './access.ts';
import { costsOf, describe, stopwatch } from './generate.ts';
import { offerRows } from './offers.ts';
import { contextOf, type Gateway, headerFlag, headersOf, prepare, readJson, reply, replyJson } from './request.ts';

type Carrying<C, A> = (timed: C, sheet: OfferSheet, caller: AbortSignal, relay: Gateway['relay']) => Promise<A>;

/** Carries a call and says in the headers how it went. */
async function carried<C extends RetrievalCall, A extends Served & { readonly usage: Usage }>(
  c: Context,
  gateway: Gateway,
  given: C,
  carry: Carrying<C, A>,
): Promise<{ readonly answer: A; readonly envelope: RetrievalEnvelope }> {
  const watch = stopwatch();
  const call = withTerms(given, termsOf(c));
  const { config, relay, world } = gateway;
  const debugging = headerFlag(c, 'x-chasqui-debug');
  const { asked, moment, sheet: known } = await prepare(call, gateway, !debugging);
  watch.lap('tokenize');
  const sheet = known ?? offerSheet(call, asked, world, moment);
  watch.lap('offers');
  const { timeoutMs } = asked;
  const timed = timeoutMs === undefined ? call : { ...call, timeoutMs };
  const answer = await carry(timed, sheet, c.req.raw.signal, relay);
  watch.lap('upstream');
  const { offer, attempts, maybeBilled, usage } = answer;
  describe(c, { call }, answer, watch.header());
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

/** `POST /v1/embeddings` */
export const embeddings =
  (gateway: Gateway): Handler =>
  async (c) => {
    const call = parseEmbeddings(await readJson(c.req.raw, gateway.config.maxBodyBytes), contextOf(c, newId()));
    const { answer, envelope } = await carried(c, gateway, call, carryEmbeddings);
    const pieces = embeddingsAnswer(envelope, answer.vectors, call.encoding);
    return reply(c, 200, 'application/json; charset=utf-8', new Blob(pieces));
  };

/** `POST /v1/rerank` */
export const rerank =
  (gateway: Gateway): Handler =>
  async (c) => {
    const call = parseRerank(await readJson(c.req.raw, gateway.config.maxBodyBytes), contextOf(c, newId()));
    const { answer, envelope } = await carried(c, gateway, call, carryRanking);
    return replyJson(c, 200, rerankAnswer(envelope, answer.results, call));
  };
