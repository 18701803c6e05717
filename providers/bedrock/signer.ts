import { createHash, createHmac } from 'node:crypto';
import type { BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime';

/** AWS credentials that sign requests. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** The SDK's own interface of a signer, and its request. */
type RequestSigner = Extract<NonNullable<BedrockRuntimeClientConfig['signer']>, { sign: unknown }>;
type HttpRequest = Parameters<RequestSigner['sign']>[0];

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Bedrock's host is `bedrock-runtime`; its service name in signatures is not. */
const SERVICE = 'bedrock';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const hmac = (key: string | Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest();

/** RFC 3986: `encodeURIComponent` leaves these five as they are. */
const encodePart = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** The path as it is sent, encoded once more: every service but S3 signs it so. */
const canonicalPath = (path: string): string => (path === '' ? '/' : path.split('/').map(encodePart).join('/'));

function canonicalQuery(query: HttpRequest['query']): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push(`${encodePart(name)}=${encodePart(one)}`);
  }
  return pairs.sort().join('&');
}

function assertWhole(body: unknown): asserts body is string | Uint8Array | undefined {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return;
  throw new TypeError('Only a body of text or bytes can be signed.');
}

/** Other headers a proxy may change. The SDK writes names in lower case. */
const mustBeSigned = (name: string): boolean => name === 'host' || name === 'content-type' || name.startsWith('x-amz-');

/** `20261128T093000Z` */
const stampOf = (date: Date): string => `${date.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;

/**
 * Signs requests to Bedrock with Signature Version 4, in the SDK's own `signer` setting. The SDK's signer derives the
 * signing key anew for each request and hashes in many small asynchronous steps, which is half of what a call costs there;
 * this one derives the key once a day, and hashes twice.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
export function requestSigner(
  { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials,
  region: string,
): RequestSigner {
  let signing: { readonly scope: string; readonly key: Uint8Array } | undefined;

  function keyFor(scope: string): Uint8Array {
    if (signing?.scope === scope) return signing.key;
    const [day = '', ...rest] = scope.split('/');
    const key = rest.reduce(hmac, hmac(`AWS4${secretAccessKey}`, day));
    signing = { scope, key };
    return key;
  }

  return {
    async sign(request, { signingDate, signingRegion = region, signingService = SERVICE } = {}) {
      const stamp = stampOf(signingDate === undefined ? new Date() : new Date(signingDate));
      const scope = `${stamp.slice(0, 8)}/${signingRegion}/${signingService}/aws4_request`;
      const host = request.port ? `${request.hostname}:${request.port}` : request.hostname;
      const { body } = request;
      assertWhole(body);
      const { headers } = request;
      headers.host = host;
      headers['x-amz-date'] = stamp;
      if (sessionToken !== undefined) headers['x-amz-security-token'] = sessionToken;
      const signed = Object.keys(headers).filter(mustBeSigned).sort();
      let canonical = `${request.method}\n${canonicalPath(request.path)}\n${canonicalQuery(request.query)}\n`;
      for (const name of signed) canonical += `${name}:${headers[name]?.trim().replace(/\s+/g, ' ')}\n`;
      const names = signed.join(';');
      canonical += `\n${names}\n${sha256(body ?? '')}`;
      const toSign = `${ALGORITHM}\n${stamp}\n${scope}\n${sha256(canonical)}`;
      const signature = createHmac('sha256', keyFor(scope)).update(toSign).digest('hex');
      headers.authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
      return request;
    },
  };
}
