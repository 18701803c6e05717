/** AWS Bedrock: how it is configured and probed, and how it answers a call by Converse or InvokeModel. */
import {
  abortReason,
  asGatewayError,
  type Configured,
  type ConfigureProvider,
  type Event,
  GatewayError,
  type Generation,
  isOneWord,
  type Job,
  type ModelAt,
  onlyBatch,
  orAbort,
  type Probe,
  type ProviderModule,
  plainBaseUrl,
  probeFailed,
  settingText as setting,
} from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { about } from './about.ts';
import { arrange } from './arrange.ts';
import { converseAnswer, converseDecoder } from './converse-answer.ts';
import { converseRequest, objectionTo } from './converse-request.ts';
import { fitSchema } from './converse-schema.ts';
import { embed } from './embeddings.ts';
import { answerError, foreign, interrupted, requestId } from './errors.ts';
import { eventBatches, type StreamDecoder } from './event-stream.ts';
import { formatFor, invokeAnswer, invokeDecoder } from './invoke.ts';
import { type Credentials, type Operation, type Transport, type TransportOptions, transport } from './transport.ts';

/** Characters of an answer in one piece; the longest outputs of any model are a hundredth of it. */
const MAX_ANSWER = 32 * 1024 * 1024;

/** A request for one job, and how its answer is read. */
interface Exchange {
  readonly whole: Operation;
  readonly streamed: Operation;
  readonly body: unknown;
  /** Where the model refuses tools in a stream, the answer comes in one piece although the caller streams. */
  readonly stream: boolean;
  answer(text: string, response: Response): Event[];
  decoder(): StreamDecoder;
}

function exchangeFor(job: Job): Exchange {
  if (job.kind === 'chat' && job.api === 'converse') {
    return {
      whole: 'converse',
      streamed: 'converse-stream',
      body: converseRequest(job),
      stream: job.stream && (job.toolStreaming || job.tools.length === 0),
      answer: (text) => converseAnswer(text, job),
      decoder: () => converseDecoder(job),
    };
  }
  if (job.kind === 'prompt' && job.api === 'invoke') {
    const format = formatFor(job.family);
    return {
      whole: 'invoke',
      streamed: 'invoke-with-response-stream',
      body: format.request(job),
      stream: job.stream,
      answer: (text, { headers }) => invokeAnswer(text, headers, format),
      decoder: () => invokeDecoder(format),
    };
  }
  throw new GatewayError('internal', 'A job for another API was sent to AWS Bedrock.', { provider: 'bedrock' });
}

const upstreamIdOf = (response: Response): { readonly upstreamId?: string } => {
  const upstreamId = requestId(response);
  return upstreamId === undefined ? {} : { upstreamId };
};

/** An answer in one piece. */
async function askWhole(client: Transport, job: Job, exchange: Exchange, signal: AbortSignal): Promise<Generation> {
  const response = await client.post(exchange.whole, job.model, JSON.stringify(exchange.body), signal);
  try {
    const { text, cut } = await bodyText(response, signal, MAX_ANSWER);
    if (cut) throw foreign();
    return { events: onlyBatch(exchange.answer(text, response)), complete: true, ...upstreamIdOf(response) };
  } catch (thrown) {
    // The body arrived, but it is not JSON. Every other failure is a network error.
    const isJson = response.headers.get('content-type')?.includes('json');
    throw answerError(thrown instanceof SyntaxError && isJson ? foreign() : thrown, signal, response);
  }
}

/** A stream. Resolves when its first frame has come. */
async function askStream(client: Transport, job: Job, exchange: Exchange, signal: AbortSignal): Promise<Generation> {
  /** Aborted when the caller's signal is, and when the reader of the events leaves. */
  const own = new AbortController();
  const onAbort = () => own.abort(abortReason(signal));
  const release = () => signal.removeEventListener('abort', onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await client.post(exchange.streamed, job.model, JSON.stringify(exchange.body), own.signal);
    if (!response.body) throw answerError(interrupted(), own.signal, response);
    const events = eventBatches(response, response.body, exchange.decoder(), own, release);
    await events.open();
    return { events, ...upstreamIdOf(response) };
  } catch (thrown) {
    release();
    throw thrown;
  }
}

/** One request for one job. */
async function generate(client: Transport, job: Job, signal: AbortSignal): Promise<Generation> {
  if (signal.aborted) throw abortReason(signal);
  const exchange = exchangeFor(job);
  return orAbort((exchange.stream ? askStream : askWhole)(client, job, exchange, signal), signal);
}

/** Models that one probe asks: each counts against the account's rate limit and the Worker's subrequests. */
const MAX_ASKED = 4;

type Where = Pick<TransportOptions, 'region' | 'endpoint'>;

/**
 * Bedrock's runtime has no free operation. A conversation that begins with the assistant is refused before a model
 * sees it ("A conversation must start with a user message"), so that nothing is billed; and credentials are checked
 * before that.
 */
async function refusalFor(client: Transport, model: string, signal: AbortSignal): Promise<GatewayError | undefined> {
  const body = JSON.stringify({ messages: [{ role: 'assistant', content: [{ text: '.' }] }] });
  try {
    const response = await orAbort(client.post('converse', model, body, signal), signal);
    await response.body?.cancel();
    return undefined;
  } catch (thrown) {
    return asGatewayError(thrown);
  }
}

async function probe(
  client: Transport,
  { region, endpoint }: Where,
  models: readonly ModelAt[],
  signal: AbortSignal,
): Promise<Probe[]> {
  const ids = [...new Set(models.map(({ model }) => model))].slice(0, MAX_ASKED);
  const host = endpoint ?? `https://bedrock-runtime.${region}.amazonaws.com`;
  const asked = `POST ${host}/model/{id}/converse`;
  const steps = {
    host: endpoint
      ? 'Check AWS_ENDPOINT_URL_BEDROCK_RUNTIME.'
      : `Check AWS_REGION: ${region} may be no region, or one without Bedrock.`,
    key: 'Check the AWS credentials and their date of expiry; they need bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream.',
  };
  const answers = await Promise.all(ids.map(async (id) => ({ id, error: await refusalFor(client, id, signal) })));
  const [first] = answers;
  if (!first) {
    const message = `No model of the catalogue is served from ${region}. Set AWS_REGION to another, such as us-east-1.`;
    return [{ asked, ok: false, fault: 'region', message }];
  }
  const letIn = answers.filter(({ error }) => !error || isLetIn(error));
  const failed = answers.flatMap(({ error }) => (error && !isLetIn(error) && !isClosed(error) ? [error] : []));
  const [failure] = failed;
  if (failure && letIn.length === 0) {
    const probe = probeFailed(asked, failure, steps);
    return [probe.fault === 'host' && !endpoint ? { ...probe, fault: 'region' } : probe];
  }
  const closed = answers.filter(({ error }) => error && !isLetIn(error)).map(({ id }) => id);
  const ok = letIn.length > 0;
  if (closed.length === 0)
    return [{ asked, ok, fault: null, message: 'It answers, and lets the gateway ask its models.' }];
  // Access is given by model: where another is open to the account, the credentials are right.
  const message = `It answers, and does not let the gateway ask ${closed.join(', ')}. Ask for access in the Bedrock console, under Model access, or set AWS_REGION to a region that has them.`;
  return [{ asked, ok, fault: 'models', message, missing: closed }];
}

/** The request was refused for its content, so the credentials were accepted. */
const isLetIn = ({ code, details }: GatewayError): boolean =>
  (code === 'invalid_request' && details.param !== 'model') ||
  code === 'unsupported_parameter' ||
  code === 'provider_rate_limited';

/** The fault is the model's, not the credentials'. */
const isClosed = ({ code }: GatewayError): boolean => code === 'invalid_request' || code === 'model_not_found';

// Configuration.

const nothing = (mistakes: readonly string[] = []): Configured => ({ providers: [], offers: [], mistakes });

/** It becomes part of a host name, so nothing but a region is accepted: `us-east-1`, `us-gov-west-1`. */
const REGION = /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/;

/** Warnings about an endpoint that is not the region's own: whole sentences. */
function doubtsOf(endpoint: string, region: string): string[] {
  if (!endpoint) return [];
  const { hostname, pathname } = new URL(endpoint);
  const name = 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME';
  const own = `https://bedrock-runtime.${region}.amazonaws.com`;
  const [, service, there] = /^(bedrock[a-z-]*)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(hostname) ?? [];
  return [
    ...(service !== undefined && !/^bedrock-runtime(-fips)?$/.test(service)
      ? [`${name} is not the runtime's address, which is ${own}.`]
      : []),
    ...(there !== undefined && there !== region ? [`${name} is in another region than AWS_REGION.`] : []),
    ...(/\/(model|v\d+)\/?$/.test(pathname) ? [`${name} must end before the route, as ${own} does.`] : []),
  ];
}

/**
 * AWS Bedrock Runtime. Credentials are `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (with `AWS_SESSION_TOKEN`
 * where they are temporary) or a Bedrock API key in `AWS_BEARER_TOKEN_BEDROCK`, which wins, as in AWS's own tools.
 * Without credentials there is no provider. `AWS_REGION` goes with them. `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` is AWS's
 * own name for another host.
 *
 * @example const { providers, mistakes } = configureBedrock(env, fetch);
 */
export const configureBedrock: ConfigureProvider = (env, fetch) => {
  const accessKeyId = setting(env.AWS_ACCESS_KEY_ID);
  const secretAccessKey = setting(env.AWS_SECRET_ACCESS_KEY);
  const sessionToken = setting(env.AWS_SESSION_TOKEN);
  const apiKey = setting(env.AWS_BEARER_TOKEN_BEDROCK);
  if (!accessKeyId && !secretAccessKey && !apiKey) return nothing();

  const mistakes: string[] = [];
  if (accessKeyId && !secretAccessKey) mistakes.push('AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY.');
  if (secretAccessKey && !accessKeyId) mistakes.push('AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID.');
  const words = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_BEARER_TOKEN_BEDROCK: apiKey,
  };
  for (const [name, value] of Object.entries(words)) {
    if (value && !isOneWord(value)) {
      mistakes.push(`${name} contains a space or a character that no credential has. Copy it again.`);
    }
  }
  const region = setting(env.AWS_REGION);
  if (!region) mistakes.push('AWS_REGION is missing: it goes with the AWS credentials, for example us-east-1.');
  else if (!REGION.test(region)) mistakes.push('AWS_REGION is not the name of a region, such as us-east-1.');
  const endpoint = setting(env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME);
  if (endpoint && plainBaseUrl(endpoint) === undefined) {
    mistakes.push(
      'AWS_ENDPOINT_URL_BEDROCK_RUNTIME must be an http or https address without credentials, query or fragment.',
    );
  }
  if (mistakes.length > 0) return nothing(mistakes);

  const credentials: Credentials = apiKey
    ? { apiKey }
    : { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const where = { region, ...(endpoint ? { endpoint } : {}) };
  const client = transport({ ...where, credentials, fetch });
  return {
    providers: [
      {
        id: 'bedrock',
        about,
        arrange,
        objectionTo,
        canHold: (schema) => fitSchema(schema)?.left,
        probe: (models, signal) => probe(client, where, models, signal),
        generate: (job, signal) => generate(client, job, signal),
        embed: (job, signal) => embed(client, job, signal),
      },
    ],
    offers: [],
    mistakes,
    warnings: doubtsOf(endpoint, region),
  };
};

export const bedrock: ProviderModule = { about, configure: configureBedrock };
