import { type Fetch, unreachable } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { refusal } from './errors.ts';

/**
 * Requests to Bedrock Runtime: address, headers, signature. They are the official SDK's requests, without its headers
 * about itself (`x-amz-user-agent`, `amz-sdk-*`); tests compare the two.
 */

/** AWS credentials that sign requests. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

export type Credentials = { readonly apiKey: string } | SigningCredentials;

export type Operation = 'converse' | 'converse-stream' | 'invoke' | 'invoke-with-response-stream';

export interface TransportOptions {
  readonly region: string;
  readonly credentials: Credentials;
  /** Another address than the region's own, up to the route. */
  readonly endpoint?: string;
  readonly fetch: Fetch;
}

export interface Transport {
  /**
   * Sends one request. Rejects with a GatewayError if the host cannot be reached or refuses; never retries.
   */
  post(operation: Operation, model: string, json: string, signal: AbortSignal): Promise<Response>;
}

/** A request as it is signed. */
export interface Signable {
  readonly host: string;
  /** Encoded once, as it is sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Bytes of an error, or of the page that comes in its place. */
const MAX_ERROR = 64 * 1024;
const JSON_TYPE = 'application/json';
const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Bedrock's host is `bedrock-runtime`; its service name in signatures is not. */
const SERVICE = 'bedrock';

const encoder = new TextEncoder();
const HMAC = { name: 'HMAC', hash: 'SHA-256' };

const hex = (bytes: ArrayBuffer): string => {
  let text = '';
  for (const byte of new Uint8Array(bytes)) text += (byte < 16 ? '0' : '') + byte.toString(16);
  return text;
};

const sha256 = async (data: Uint8Array): Promise<string> => hex(await crypto.subtle.digest('SHA-256', data));

const hmacKey = (key: Uint8Array | ArrayBuffer): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', key, HMAC, false, ['sign']);

const hmac = (key: CryptoKey, text: string): Promise<ArrayBuffer> =>
  crypto.subtle.sign('HMAC', key, encoder.encode(text));

/** RFC 3986: `encodeURIComponent` leaves five more characters as they are. */
const encodeSegment = (segment: string): string =>
  encodeURIComponent(segment).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** The path as it is sent, encoded once more: every service but S3 signs it so. */
const canonicalPath = (path: string): string => path.split('/').map(encodeSegment).join('/');

/** `20261128T093000Z` */
const stampOf = (date: Date): string => `${date.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;

/**
 * Signs POST requests with Signature Version 4; gives the headers to add. The signing key is derived once a day: the
 * SDK's signer derives it for each request.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export function requestSigner(
  { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials,
  region: string,
): (request: Signable, date: Date) => Promise<Record<string, string>> {
  let signing: { readonly day: string; readonly key: CryptoKey } | undefined;
  const session: Record<string, string> = sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken };

  async function keyFor(day: string): Promise<CryptoKey> {
    if (signing?.day === day) return signing.key;
    let key = await hmacKey(encoder.encode(`AWS4${secretAccessKey}`));
    for (const part of [day, region, SERVICE, 'aws4_request']) key = await hmacKey(await hmac(key, part));
    signing = { day, key };
    return key;
  }

  return async ({ host, path, headers, body }, date) => {
    const stamp = stampOf(date);
    const day = stamp.slice(0, 8);
    const scope = `${day}/${region}/${SERVICE}/aws4_request`;
    const added: Record<string, string> = { 'x-amz-date': stamp, ...session };
    const all: Readonly<Record<string, string>> = { ...headers, ...added, host };
    // Names are in lower case and values have no white space around or doubled within them.
    const names = Object.keys(all).sort();
    const signed = names.join(';');
    let canonical = `POST\n${canonicalPath(path)}\n\n`;
    for (const name of names) canonical += `${name}:${all[name]}\n`;
    canonical += `\n${signed}\n${await sha256(body)}`;
    const toSign = `${ALGORITHM}\n${stamp}\n${scope}\n${await sha256(encoder.encode(canonical))}`;
    const signature = hex(await hmac(await keyFor(day), toSign));
    added.authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
    return added;
  };
}

/** Headers of each operation. InvokeModelWithResponseStream has a header of its own for the model's content type. */
const HEADERS: Readonly<Record<Operation, Readonly<Record<string, string>>>> = {
  converse: { 'content-type': JSON_TYPE },
  'converse-stream': { 'content-type': JSON_TYPE },
  invoke: { 'content-type': JSON_TYPE, accept: JSON_TYPE },
  'invoke-with-response-stream': { 'content-type': JSON_TYPE, 'x-amzn-bedrock-accept': JSON_TYPE },
};

export function transport({ region, credentials, endpoint, fetch }: TransportOptions): Transport {
  const base = new URL(endpoint ?? `https://bedrock-runtime.${region}.amazonaws.com`);
  const { host, origin } = base;
  const prefix = base.pathname.replace(/\/+$/, '');
  const sign = 'apiKey' in credentials ? undefined : requestSigner(credentials, region);
  const bearer: Record<string, string> =
    'apiKey' in credentials ? { authorization: `Bearer ${credentials.apiKey}` } : {};

  return {
    async post(operation, model, json, signal) {
      const body = encoder.encode(json);
      const path = `${prefix}/model/${encodeSegment(model)}/${operation}`;
      const headers = HEADERS[operation];
      const authorization = sign ? await sign({ host, path, headers, body }, new Date()) : bearer;
      let response: Response;
      try {
        response = await fetch(origin + path, {
          method: 'POST',
          headers: { ...headers, ...authorization },
          body,
          // A redirect would take the signature to another host.
          redirect: 'manual',
          signal,
        });
      } catch {
        // The network error may name hosts, so it is not quoted.
        throw unreachable('AWS Bedrock').with({ provider: 'bedrock' });
      }
      if (response.status < 300) return response;
      const { text, cut } = await bodyText(response, signal, MAX_ERROR);
      throw refusal(response, cut ? '' : text);
    },
  };
}
