/**
 * What the handlers share, in the order in which a request needs it: the gateway they work with, reading the body and
 * the headers, preparing a call (models, tokenizers), and replying.
 */
import type { Context } from 'hono';
import type { Terms } from '../accounts/index.ts';
import type { Prices } from '../catalog/index.ts';
import type { Config } from '../config.ts';
import { asGatewayError, type Call, type CallRecord, dayOf, GatewayError, type RetrievalCall } from '../core/index.ts';
import { type CallContext, MAX_SESSION, type ParsedRequest } from '../dialects/openai/index.ts';
import {
  type Moment,
  type OfferSheet,
  offerName,
  planFor,
  type ResolvedCall,
  resolve,
  type Services,
  uncountedSheet,
  type World,
  worthProviderCount,
} from '../offers/index.ts';
import type { Relay } from '../relay/index.ts';
import { areLoaded, type LoadVocabulary, pendingTokenizers, readyTokenizers } from '../tokens/index.ts';

/** What every handler works with. Made once for each isolate. */
export interface Gateway {
  readonly config: Config;
  readonly relay: Relay;
  /** The terms of callers' keys. */
  readonly terms: Terms;
  /** Keeps a request alive for work that no answer waits for. */
  readonly background: (work: Promise<void>) => void;
  /** Is told of every call that is over. */
  readonly onRecord?: (record: CallRecord) => void;
  /** The offers of this deployment, their prices and their health. */
  readonly world: World;
  readonly prices: Prices;
  /** Models on the operator's own services. */
  readonly services: Services;
  /** Loads the vocabularies of tokenizers. */
  readonly load: LoadVocabulary;
}

export const misconfigured = ({ mistakes, warnings }: Gateway['config']): GatewayError =>
  new GatewayError('internal', `This deployment's configuration has mistakes. ${[...mistakes, ...warnings].join(' ')}`);

const tooLarge = (limit: number) =>
  new GatewayError(
    'invalid_request',
    `The body is larger than ${limit.toLocaleString('en-US')} bytes. Send less, or images by URL.`,
    { status: 413 },
  );

type Compression = 'gzip' | 'deflate';

/** What the runtime can decompress, by the values of `content-encoding`. */
const ENCODINGS: Readonly<Record<string, Compression>> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate' };

const unreadable = () =>
  new GatewayError(
    'invalid_request',
    'The body is compressed in a way that is not read here. Send it as it is, or with content-encoding: gzip or deflate.',
    { status: 415 },
  );

/** How the body is compressed, if it is. Throws 415 for what cannot be decompressed. */
function compressionOf(request: Request): Compression | undefined {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase();
  if (!encoding || encoding === 'identity') return undefined;
  const format = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
  if (!format) throw unreadable();
  return format;
}

/** Reads no more than the limit, whatever `content-length` says, and however much a small body decompresses to. */
async function readBounded(request: Request, limit: number): Promise<string> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit);
  const format = compressionOf(request);
  if (!request.body || (declared !== null && !format)) return request.text();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  const body = format ? request.body.pipeThrough(new DecompressionStream(format)) : request.body;
  try {
    for await (const piece of body) {
      bytes += piece.byteLength;
      if (bytes > limit) throw tooLarge(limit);
      text += decoder.decode(piece, { stream: true });
    }
  } catch (thrown) {
    if (!format || thrown instanceof GatewayError) throw thrown;
    throw new GatewayError('invalid_request', `The body is not valid ${format}, as its content-encoding says.`);
  }
  return text + decoder.decode();
}

/** The request's JSON. Throws `invalid_request`: 413 over the limit, 400 for invalid JSON, with its place. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const text = await readBounded(request, limit);
  if (text.trim() === '') throw new GatewayError('invalid_request', 'The body is empty. Send a JSON object.');
  try {
    return JSON.parse(text);
  } catch (thrown) {
    // The parser's message quotes the body. Only the place is repeated.
    const at = thrown instanceof Error ? /position (\d+)/.exec(thrown.message)?.[1] : undefined;
    const where = at ? ` at character ${at}` : '';
    throw new GatewayError('invalid_request', `The body is not valid JSON${where}. Check quotes, commas and brackets.`);
  }
}

/** Throws for any other value, so that a check which somebody tried to switch on is never silently off. */
function isOn(value: string | undefined, param: string): boolean {
  if (value === undefined || value === '' || value === '0' || value === 'false') return false;
  if (value === '1' || value === 'true') return true;
  throw new GatewayError('invalid_request', `${param}: must be 1 or 0.`, { param });
}

/** Whether a header switches something on. Throws `invalid_request` with its name. */
export const headerFlag = (c: Context, name: string): boolean => isOn(c.req.header(name)?.toLowerCase(), name);

/** Whether a query parameter switches something on. Throws `invalid_request` with its name. */
export const queryFlag = (c: Context, param: string): boolean => isOn(c.req.query(param), param);

function timeoutOf(c: Context): { timeoutMs?: number } {
  const value = c.req.header('x-chasqui-timeout-ms');
  if (value === undefined) return {};
  const timeoutMs = Number(value);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {
    const param = 'x-chasqui-timeout-ms';
    throw new GatewayError('invalid_request', `${param}: must be a whole number of milliseconds above 0.`, { param });
  }
  return { timeoutMs };
}

/** Ids of conversations that programs send by themselves: Claude Code, and Codex with either spelling. */
const CLIENT_SESSIONS = ['x-claude-code-session-id', 'session_id', 'session-id'];

function sessionsOf(c: Context): Pick<CallContext, 'session' | 'clientSession'> {
  const session = c.req.header('x-session-id');
  if (session) {
    if (session.length <= MAX_SESSION) return { session };
    const param = 'x-session-id';
    throw new GatewayError('invalid_request', `${param}: must be at most ${MAX_SESSION} characters.`, { param });
  }
  for (const name of CLIENT_SESSIONS) {
    const clientSession = c.req.header(name);
    if (clientSession) return { clientSession };
  }
  return {};
}

/** What a request's headers say about its call. Throws `invalid_request` with the header's name. */
export const contextOf = (c: Context, id: string): CallContext => ({
  id,
  strict: headerFlag(c, 'x-chasqui-strict'),
  ...timeoutOf(c),
  ...sessionsOf(c),
  client: c.req.header('user-agent') ?? '',
});

/** An error that names the request's fields as the caller knows them. */
export function inCallersNames(thrown: unknown, named: ParsedRequest['callersNames']): GatewayError {
  const error = asGatewayError(thrown);
  // The message of an unforeseen exception is ours and names nothing.
  if (!named || error !== thrown) throw thrown;
  return error.renamed(named);
}

/** What `offerSheet` needs to rank a call's offers. */
export interface Prepared {
  readonly asked: ResolvedCall;
  readonly moment: Moment;
  /** Laid out already, if it needed no tokenizer. */
  readonly sheet?: OfferSheet;
}

/** `Retry-After` for a server that could not be asked for its models. */
const LATER_MS = 5_000;

/**
 * Looks something up by a model's name. An unknown name may be a model that one of the operator's own servers has
 * loaded since we asked for its models, so the servers are asked once more. If one cannot be asked, the error says
 * so.
 */
export async function lookUp<T>({ services }: Gateway, look: () => T): Promise<T> {
  const unknown = (thrown: unknown) => thrown instanceof GatewayError && thrown.code === 'model_not_found';
  try {
    return look();
  } catch (thrown) {
    if (!services.open || !unknown(thrown)) throw thrown;
    await services.again();
  }
  try {
    return look();
  } catch (thrown) {
    const [first, ...others] = services.unread();
    if (!first || !(thrown instanceof GatewayError) || !unknown(thrown)) throw thrown;
    const which = [first, ...others].map(({ service }) => service).join(', ');
    const { upstreamMessage } = first.error.details;
    const why =
      upstreamMessage === undefined ? first.error.message : `${first.error.message} It says: ${upstreamMessage}`;
    throw new GatewayError(
      'provider_unavailable',
      `${thrown.message} But ${which} could not be asked for its models yet. ${why}`,
      {
        ...first.error.details,
        status: 503,
        param: 'model',
        retryAfterMs: first.error.details.retryAfterMs ?? LATER_MS,
      },
    );
  }
}

/**
 * Looks up the models that a call asks for, and loads their tokenizers, for which only the first calls of an isolate
 * have to wait.
 *
 * @param countWhenRead count the prompt, and load a tokenizer, only where something depends on it
 */
export async function prepare(call: Call | RetrievalCall, gateway: Gateway, countWhenRead = false): Promise<Prepared> {
  const { world, relay, load } = gateway;
  const now = relay.clock.now();
  const today = dayOf(now);
  const asked = await lookUp(gateway, () => resolve(call, world, today));
  const bounded = asked.models.some(({ routing }) => routing.maxCost !== undefined);
  if (countWhenRead && !bounded) {
    const moment = { now, today, tokenizers: pendingTokenizers(load), countWhenRead };
    if (areLoaded(asked.families)) return { asked, moment };
    const sheet = uncountedSheet(call, asked, world, moment);
    if (sheet) return { asked, moment, sheet };
    return { asked, moment: { ...moment, tokenizers: await readyTokenizers(asked.families, load) } };
  }
  const moment = { now, today, tokenizers: await readyTokenizers(asked.families, load) };
  // No provider counts the texts of embeddings.
  if (!bounded || call.kind === 'embedding' || call.kind === 'rerank') return { asked, moment };
  const told = await toldCounts(call, asked, gateway, moment);
  return { asked, moment: told ? { ...moment, providerCounts: told } : moment };
}

/** How long a call waits for a server to count a prompt on which its `max_cost` depends. */
const COUNTING_MS = 2_000;

/** Servers' own counts of a prompt, asked for where only our estimate would put an offer above `max_cost`. */
async function toldCounts(
  call: Call,
  asked: ResolvedCall,
  { world }: Gateway,
  moment: Moment,
): Promise<ReadonlyMap<string, number> | undefined> {
  const offers = worthProviderCount(call, asked, world, moment);
  if (offers.length === 0) return undefined;
  const told = new Map<string, number>();
  await Promise.all(
    offers.map(async (offer) => {
      const [only, ...others] = planFor({ ...call, n: 1, stream: false }, offer, COUNTING_MS).jobs;
      if (!only || others.length > 0) return;
      const count = await world.providers.get(offer.provider)?.countTokens?.(only, AbortSignal.timeout(COUNTING_MS));
      if (count !== undefined) told.set(offerName(offer), count);
    }),
  );
  return told;
}

/** Headers of an answer as one plain object, which the runtime takes in one step. Each `c.header` would be a step. */
export type AnswerHeaders = Record<string, string>;

const KEY = 'chasqui-headers';

/** The headers of the answer to this request. Middleware and handlers add to them. */
export function headersOf(c: Context): AnswerHeaders {
  const known: unknown = c.get(KEY);
  if (known) return known as AnswerHeaders;
  const headers: AnswerHeaders = {};
  c.set(KEY, headers);
  return headers;
}

/** Answers with a finished body. */
export const reply = (c: Context, status: number, type: string, body: BodyInit | null): Response =>
  new Response(body, { status, headers: { ...headersOf(c), 'content-type': type } });

export const replyJson = (c: Context, status: number, value: unknown): Response =>
  reply(c, status, 'application/json; charset=utf-8', JSON.stringify(value));
