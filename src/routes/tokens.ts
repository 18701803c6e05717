/** `/v1/count_tokens`, `/v1/tokenize` and `/v1/detokenize`. */
import type { Context, Handler } from 'hono';
import { type Call, GatewayError, type ModelAt, type Provider, type TokenizedText } from '../core/index.ts';
import { parseCount } from '../dialects/messages/index.ts';
import {
  type ParsedRequest,
  parseCall,
  parseCountText,
  parseDetokenize,
  parseTokenize,
} from '../dialects/openai/index.ts';
import {
  type Candidate,
  countCall,
  type ModelCount,
  modelsNamed,
  type NamedModel,
  planFor,
  servicesNamed,
} from '../offers/index.ts';
import { readyTokenizers, type Tokenizer } from '../tokens/index.ts';
import { termsOf, withTerms } from './access.ts';
import { otherApisCall } from './any-body.ts';
import {
  contextOf,
  type Gateway,
  headerFlag,
  inCallersNames,
  lookUp,
  prepare,
  readJson,
  replyJson,
} from './request.ts';

/** How long a provider may take to count a prompt that we can only estimate. */
const ASKING_MS = 5_000;

/** The provider's own count of the whole request, where we can only estimate it and the provider can count. */
async function asked(providers: ReadonlyMap<string, Provider>, call: Call, offer: Candidate) {
  const provider = providers.get(offer.provider);
  if (offer.prompt.exactness === 'exact' || !provider?.countTokens) return undefined;
  const { jobs } = planFor({ ...call, n: 1, stream: false }, offer, ASKING_MS);
  const [only, ...others] = jobs;
  return only && others.length === 0 ? provider.countTokens(only, AbortSignal.timeout(ASKING_MS)) : undefined;
}

async function offerRow(providers: ReadonlyMap<string, Provider>, call: Call, offer: Candidate) {
  const wanted = call.maxTokens ?? 0;
  const told = await asked(providers, call, offer);
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
    // The count that the provider will report, where that is known to differ.
    ...(offer.reportsExtra > 0 ? { reported_tokens: tokens + offer.reportsExtra } : {}),
    context_length: contextLength ?? null,
    max_output_tokens: offer.output.most ?? null,
    fits: contextLength === undefined ? null : tokens + wanted <= contextLength,
  };
}

/** Above as many characters the tokens of a prompt are counted, but not listed. */
const LISTED = 1_000_000;

/** Each prompt as the model reads it, cut at special tokens, with the tokens of each part. Null where it is not known. */
function promptRows({ parts }: ModelCount) {
  const prompts = parts()?.map((segments) => ({ text: segments.map(({ text }) => text).join(''), segments }));
  const listed = prompts && prompts.reduce((sum, { text }) => sum + text.length, 0) <= LISTED;
  return listed ? prompts : null;
}

async function countRow(count: ModelCount, call: Call, providers: ReadonlyMap<string, Provider>, debug: boolean) {
  const wanted = call.maxTokens ?? 0;
  const { model, size, template, contextLength, eligible, tooSmall } = count;
  const rows = await Promise.all(eligible.map((offer) => offerRow(providers, call, offer)));
  const told = size.exactness === 'estimate' ? rows.find((row) => row.exactness === 'provider') : undefined;
  const tokens = told?.tokens ?? (call.kind === 'completion' ? size.total : size.largest);
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
    ...(debug ? { chasqui: { prompts: promptRows(count) } } : {}),
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

/** One row for each model. One name may stand for several. */
async function countCalls(given: Call, gateway: Gateway, debug = false) {
  // Sorted by price, so that the same request gets the same answer each time.
  const call: Call = { ...given, routing: { sort: 'price', ...given.routing } };
  const { asked: offers, moment } = await prepare(call, gateway);
  const rows = [];
  for (const named of offers.models) {
    const count = countCall(call, { ...offers, models: [named] }, gateway.world, moment);
    rows.push(await countRow(count, call, gateway.world.providers, debug));
  }
  return rows;
}

/**
 * `POST /v1/messages/count_tokens`: the prompt tokens that a call is billed, in Anthropic's form. It has room for one
 * number: that of the cheapest offer of the first model.
 */
export const countMessages =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { call, callersNames } = parseCount(await body(c, gateway), contextOf(c, ''));
    try {
      const [first] = await countCalls(withTerms(call, termsOf(c)), gateway);
      const [offer] = first?.offers ?? [];
      const billed = offer && 'reported_tokens' in offer ? offer.reported_tokens : offer?.tokens;
      return replyJson(c, 200, { input_tokens: billed ?? first?.tokens });
    } catch (thrown) {
      throw inCallersNames(thrown, callersNames);
    }
  };

async function countTexts(names: readonly string[], input: string, gateway: Gateway) {
  const rows = [];
  const models = await lookUp(gateway, () => names.flatMap((name) => modelsNamed(name, gateway.world)));
  for (const model of models) rows.push(await countText(model, input, gateway));
  return rows;
}

/** The rows of whatever call a body asks for, or of its plain text. */
async function countAny(c: Context, json: unknown, gateway: Gateway): Promise<readonly Record<string, unknown>[]> {
  const context = contextOf(c, '');
  const other = otherApisCall(c, json, context);
  if (!other && isPlainText(json)) {
    const { models, input } = parseCountText(json);
    return countTexts(models, input, gateway);
  }
  const { call, callersNames }: ParsedRequest = other ?? { call: parseCall(json, context) };
  try {
    return await countCalls(withTerms(call, termsOf(c)), gateway, headerFlag(c, 'x-chasqui-debug'));
  } catch (thrown) {
    throw inCallersNames(thrown, callersNames);
  }
}

/**
 * `POST /v1/count_tokens`: the prompt tokens of a call for one model or several, and at each of their offers; or the
 * tokens of a plain text (`input`) without any template. With `x-chasqui-debug: 1` also the prompt of each model as it
 * is read, with its tokens.
 */
export const countTokens =
  (gateway: Gateway): Handler =>
  async (c) => {
    const rows = await countAny(c, await body(c, gateway), gateway);
    const [only, ...others] = rows;
    return replyJson(c, 200, others.length > 0 ? { object: 'list', data: rows } : only);
  };

/** The exact tokenizer of a model, or of a route's first model. Undefined where we can only estimate. */
async function exactTokenizer(gateway: Gateway, model: string): Promise<Tokenizer | undefined> {
  const [first] = await lookUp(gateway, () => modelsNamed(model, gateway.world));
  const family = first?.family ?? 'unknown';
  const tokenizer = (await readyTokenizers([family], gateway.load))(family);
  return tokenizer.exactness === 'exact' ? tokenizer : undefined;
}

const noTokenizer = (model: string): GatewayError =>
  new GatewayError(
    'unsupported_parameter',
    `model: there is no exact tokenizer of ${model.slice(0, 200)} here, and no service of your own that tells. POST /v1/count_tokens estimates, and says so.`,
    { param: 'model' },
  );

/** The first answer among the operator's own services of a model. Throws if none answers. */
async function toldByService<T>(
  { world }: Gateway,
  name: string,
  ask: (provider: Provider, at: ModelAt, signal: AbortSignal) => Promise<T | undefined> | undefined,
): Promise<T> {
  for (const { provider, service, upstream } of servicesNamed(name, world)) {
    const known = world.providers.get(provider);
    const told = known && (await ask(known, { model: upstream, service }, AbortSignal.timeout(ASKING_MS)));
    if (told !== undefined) return told;
  }
  throw noTokenizer(name);
}

/** A provider's tokens in our form. Without the bytes of each token its offset is unknown. */
function tokenizedRow({ ids, bytes }: TokenizedText) {
  if (!bytes) return { ids, pieces: null, offsets: null };
  const decoder = new TextDecoder();
  let offset = 0;
  const offsets = bytes.map((part) => {
    const start = offset;
    offset += part.length;
    return start;
  });
  return { ids, pieces: bytes.map((part) => decoder.decode(part)), offsets };
}

const body = (c: Context, { config }: Gateway): Promise<unknown> => readJson(c.req.raw, config.maxBodyBytes);

/** `POST /v1/tokenize`: the ids, the text of each, and its offset in the input's UTF-8. */
export const tokenize =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { model, input, markers } = parseTokenize(await body(c, gateway));
    const tokenizer = await exactTokenizer(gateway, model);
    if (tokenizer) {
      const { ids, pieces, offsets } = tokenizer.pieces(input, { markers });
      return replyJson(c, 200, { model, ids, pieces, offsets, count: ids.length, exactness: tokenizer.exactness });
    }
    const told = await toldByService(gateway, model, (provider, at, signal) =>
      provider.tokenize?.(at, input, markers, signal),
    );
    return replyJson(c, 200, { model, ...tokenizedRow(told), count: told.ids.length, exactness: 'provider' });
  };

/** `POST /v1/detokenize`: the text of ids. */
export const detokenize =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { model, ids } = parseDetokenize(await body(c, gateway));
    const tokenizer = await exactTokenizer(gateway, model);
    const stray = tokenizer ? ids.findIndex((id) => !tokenizer.has(id)) : -1;
    if (stray >= 0) {
      const param = `ids[${stray}]`;
      throw new GatewayError('invalid_request', `${param}: ${model} has no token ${ids[stray]}.`, { param });
    }
    const text = tokenizer
      ? tokenizer.decode(ids)
      : await toldByService(gateway, model, (provider, at, signal) => provider.detokenize?.(at, ids, signal));
    return replyJson(c, 200, { model, text, count: ids.length });
  };
