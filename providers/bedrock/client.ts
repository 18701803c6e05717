import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  type ConverseCommandOutput,
  ConverseStreamCommand,
  type ConverseStreamCommandOutput,
  InvokeModelCommand,
  type InvokeModelCommandInput,
  type InvokeModelCommandOutput,
  InvokeModelWithResponseStreamCommand,
  type InvokeModelWithResponseStreamCommandOutput,
} from '@aws-sdk/client-bedrock-runtime';
import { type Fetch, orAbort } from '../../src/core/index.ts';
import { collect } from './collector.ts';
import { fromThrown } from './errors.ts';
import { type HttpHead, listeningHandler } from './handler.ts';
import type { Reads } from './reads.ts';
import { requestSigner, type SigningCredentials } from './signer.ts';

export type Credentials = { readonly apiKey: string } | SigningCredentials;

export interface BedrockOptions {
  readonly region: string;
  readonly credentials: Credentials;
  readonly endpoint?: string;
  readonly fetch: Fetch;
}

/** What Bedrock answered. */
export interface Answer<Output> {
  readonly output: Output;
  readonly head: HttpHead;
}

/** A streamed answer whose first event has come. */
export interface Streamed<Output> extends Answer<Output> {
  readonly reads: Reads;
}

/**
 * The four operations, each one HTTP request. They reject with a GatewayError, a streamed one also for an exception
 * that is its first frame. Nothing else of the SDK is used, so that another transport could stand here.
 */
export interface Bedrock {
  converse(input: ConverseCommandInput, signal: AbortSignal): Promise<Answer<ConverseCommandOutput>>;
  converseStream(input: ConverseCommandInput, signal: AbortSignal): Promise<Streamed<ConverseStreamCommandOutput>>;
  invoke(input: InvokeModelCommandInput, signal: AbortSignal): Promise<Answer<InvokeModelCommandOutput>>;
  invokeStream(
    input: InvokeModelCommandInput,
    signal: AbortSignal,
  ): Promise<Streamed<InvokeModelWithResponseStreamCommandOutput>>;
}

const decoder = new TextDecoder();
/** The SDK's own makes a decoder for every header of every frame, a fifth of what a long stream costs. */
const utf8 = (input: Uint8Array | string): string => (typeof input === 'string' ? input : decoder.decode(input));

interface SendOptions {
  readonly abortSignal: AbortSignal;
}

/**
 * Bedrock through AWS's official client, which signs, serialises and decodes. What it would do beyond that is off:
 * retries, which would sleep in the relay's place, and whatever it reads from the environment by itself.
 */
export function bedrockClient({ region, credentials, endpoint, fetch }: BedrockOptions): Bedrock {
  const handler = listeningHandler(fetch);
  const client = new BedrockRuntimeClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // A handler of our own also because the default one for browsers drops the abort signal.
    requestHandler: handler,
    streamCollector: collect,
    utf8Encoder: utf8,
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    // Without the preference SigV4 is tried first, and fails for want of credentials.
    ...('apiKey' in credentials
      ? { token: { token: credentials.apiKey }, authSchemePreference: ['httpBearerAuth'] }
      : { credentials, authSchemePreference: ['sigv4'], signer: requestSigner(credentials, region) }),
  });

  /** One request, under a signal of its own by which the handler knows it. */
  async function exchange<Output>(
    send: (options: SendOptions) => Promise<Output>,
    signal: AbortSignal,
    streamed: boolean,
  ): Promise<{ output: Output; head: HttpHead; reads: Reads | undefined }> {
    const heard = handler.listen(signal, streamed);
    try {
      // The SDK itself hears an abort only until the headers have come.
      const output = await orAbort(send({ abortSignal: signal }), signal);
      return { output, head: heard.head, reads: heard.reads };
    } catch (thrown) {
      throw fromThrown(thrown, signal, heard.head);
    }
  }

  async function exchangeStream<Output>(
    send: (options: SendOptions) => Promise<Output>,
    signal: AbortSignal,
  ): Promise<Streamed<Output>> {
    const { output, head, reads } = await exchange(send, signal, true);
    if (!reads) throw fromThrown(new Error('There is no body.'), signal, head);
    return { output, head, reads };
  }

  return {
    converse: (input, signal) => exchange((options) => client.send(new ConverseCommand(input), options), signal, false),
    converseStream: (input, signal) =>
      exchangeStream((options) => client.send(new ConverseStreamCommand(input), options), signal),
    invoke: (input, signal) =>
      exchange((options) => client.send(new InvokeModelCommand(input), options), signal, false),
    invokeStream: (input, signal) =>
      exchangeStream((options) => client.send(new InvokeModelWithResponseStreamCommand(input), options), signal),
  };
}
