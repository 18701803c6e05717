import type { Context, Handler } from 'hono';
import { type Call, GatewayError, type Provider } from '../core/index.ts';
import { parseCall, parseCountText, parseDetokenize, parseTokenize } from '../dialects/openai/index.ts';
import { type Candidate, countCall, type ModelCount, modelsNamed, type NamedModel } from '../offers/index.ts';
import { readyTokenizers, type Tokenizer } from '../tokens/index.ts';
import { readJson } from './body.ts';
import { contextOf } from './context.ts';
import type { Gateway } from './gateway.ts';
import { prepare } from './prepare.ts';
import { replyJson } from './reply.ts';

/** How long a provider may take to count what we can only estimate. */
const ASKING_MS = 5_000;

/** What the provider itself counts, where we can only estimate and it can be asked. */
async function asked(providers: ReadonlyMap<string, Provider>, offer: Candidate): Promise<number | undefined> {
  const { provider, upstream, service, sends, prompt } = offer;
  const count = providers.get(provider)?.countTokens;
  if (prompt.exactness === 'exact' || !count) return undefined;
  const [only, ...others] = sends.form === 'prompts' ? sends.prompts : [];
  const what = sends.form === 'messages' ? { messages: sends.messages } : { prompt: only ?? '' };
  if (others.length > 0) return undefined;
  const request = { model: upstream, ...(service === undefined ? {} : { service }), ...what };
  return count(request, AbortSignal.timeout(ASKING_MS));
}

async function offerRow(providers: ReadonlyMap<string, Provider>, offer: Candidate, wanted: number) {
  const told = await asked(providers, offer);
  const tokens = told ?? offer.prompt.largest;
  const { contextLength } = offer;
  return {
    provider: offer.provider,
    ...(offer.service === undefined ? {} : { service: offer.service }),
    provider_model: offer.upstream,
    api: offer.api,
    tokens,
    exactness: told === undefined ? offer.prompt.exactness : 'provider',
    ...(told === undefined && offer.prompt.errorBound !== undefined ? { error_bound: offer.prompt.errorBound } : {}),
    // What the provider's usage will say, where that is known to be another number.
    ...(offer.reportsExtra > 0 ? { reported_tokens: tokens + offer.reportsExtra } : {}),
    context_length: contextLength ?? null,
    max_output_tokens: offer.output.most ?? null,
    fits: contextLength === undefined ? null : tokens + wanted <= contextLength,
  };
}

async function countRow(count: ModelCount, wanted: number, raw: boolean, providers: ReadonlyMap<string, Provider>) {
  const { model, size, template, contextLength, eligible, tooSmall } = count;
  const rows = await Promise.all(eligible.map((offer) => offerRow(providers, offer, wanted)));
  const told = size.exactness === 'estimate' ? rows.find((row) => row.exactness === 'provider') : undefined;
  const tokens = told?.tokens ?? (raw ? size.total : size.largest);
  return {
    object: 'token_count',
    model,
    tokens,
    exactness: told ? 'provider' : size.exactness,
    ...(!told && size.errorBound !== undefined ? { error_bound: size.errorBound } : {}),
    template: template ?? null,
    context_length: contextLength ?? null,
    fits: contextLength === undefined ? null : (told?.tokens ?? size.largest) + wanted <= contextLength,
    offers: [
      ...rows,
      ...tooSmall.map(({ provider, upstream, prompt, contextLength: length }) => ({
        provider,
        provider_model: upstream,
        tokens: prompt?.largest ?? null,
        exactness: prompt?.exactness ?? null,
        context_length: length ?? null,
        fits: false,
      })),
    ],
  };
}

const isPlainText = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && !('messages' in body) && !('prompt' in body);

async function countText({ model, family, contextLength }: NamedModel, input: string, { load }: Gateway) {
  const tokenizer = (await readyTokenizers([family], load))(family);
  const tokens = tokenizer.count(input);
  return {
    object: 'token_count',
    model,
    tokens,
    exactness: tokenizer.exactness,
    ...(tokenizer.errorBound === undefined ? {} : { error_bound: tokenizer.errorBound }),
    template: null,
    context_length: contextLength ?? null,
    fits: contextLength === undefined ? null : tokens <= contextLength,
  };
}

/** One row for each model, also where one name stands for several. */
async function countCalls(given: Call, gateway: Gateway) {
  // By price, and not by a draw: who counts twice sees the same twice.
  const call: Call = { ...given, routing: { sort: 'price', ...given.routing } };
  const { asked: offers, moment } = await prepare(call, gateway);
  const rows = [];
  for (const named of offers.named) {
    const count = countCall(call, { ...offers, named: [named] }, gateway.world, moment);
    rows.push(await countRow(count, call.maxTokens ?? 0, call.kind === 'completion', gateway.world.providers));
  }
  return rows;
}

async function countTexts(names: readonly string[], input: string, gateway: Gateway) {
  const rows = [];
  for (const model of names.flatMap((name) => modelsNamed(name, gateway.world)))
    rows.push(await countText(model, input, gateway));
  return rows;
}

/**
 * `POST /v1/count_tokens`: what a call's prompt comes to for one model or several, and at each of their offers; or the
 * tokens of a plain text (`input`), with nothing around it.
 */
export const countTokens =
  (gateway: Gateway): Handler =>
  async (c) => {
    const json = await body(c, gateway);
    let rows: Record<string, unknown>[];
    if (isPlainText(json)) {
      const { models, input } = parseCountText(json);
      rows = await countTexts(models, input, gateway);
    } else rows = await countCalls(parseCall(json, contextOf(c, '')), gateway);
    const [only, ...others] = rows;
    return replyJson(c, 200, others.length > 0 ? { object: 'list', data: rows } : only);
  };

/** The exact tokenizer of a model, of a route's first. Throws `unsupported_parameter` where only an estimate can be had. */
async function exactTokenizer({ world, load }: Gateway, model: string): Promise<Tokenizer> {
  const family = modelsNamed(model, world)[0]?.family ?? 'unknown';
  const tokenizer = (await readyTokenizers([family], load))(family);
  if (tokenizer.exactness === 'exact') return tokenizer;
  throw new GatewayError(
    'unsupported_parameter',
    `model: there is no exact tokenizer of ${model.slice(0, 200)} here. POST /v1/count_tokens estimates, and says so.`,
    { param: 'model' },
  );
}

const body = (c: Context, { config }: Gateway): Promise<unknown> => readJson(c.req.raw, config.maxBodyBytes);

/** `POST /v1/tokenize`: ids, what each stands for, and where it starts in the input's UTF-8. */
export const tokenize =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { model, input, markers } = parseTokenize(await body(c, gateway));
    const tokenizer = await exactTokenizer(gateway, model);
    const { ids, pieces, offsets } = tokenizer.pieces(input, { markers });
    return replyJson(c, 200, { model, ids, pieces, offsets, count: ids.length, exactness: tokenizer.exactness });
  };

/** `POST /v1/detokenize`: the text of ids. */
export const detokenize =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { model, ids } = parseDetokenize(await body(c, gateway));
    const tokenizer = await exactTokenizer(gateway, model);
    return replyJson(c, 200, { model, text: tokenizer.decode(ids), count: ids.length });
  };
