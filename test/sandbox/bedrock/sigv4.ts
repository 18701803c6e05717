import type { Credentials } from '../env.ts';

/** Bedrock signs as `bedrock`, whatever the host is called. */
const SERVICE = 'bedrock';
const MAX_SKEW_MS = 5 * 60_000;

const encode8 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));
const toHex = (buffer: ArrayBuffer): string =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');

export const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toHex(await crypto.subtle.digest('SHA-256', bytes));

async function hmac(key: Uint8Array<ArrayBuffer>, data: string): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encode8(data)));
}

const encode = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Every service but S3 signs the path encoded once more than it is sent. */
const canonicalPath = (pathname: string): string => pathname.split('/').map(encode).join('/');

const canonicalQuery = (url: URL): string =>
  [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

export interface Refused {
  readonly name: string;
  readonly message: string;
}

const wrong = (name: string, message: string): Refused => ({ name, message });

const MISMATCH = wrong(
  'InvalidSignatureException',
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
);

/** `20261020T120000Z` in ms since the epoch. */
const timeOf = (stamp: string): number =>
  Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

interface Signed {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Recomputes a Signature Version 4 from what arrived; undefined if it is right. */
export async function verify(
  { method, url, headers, bytes }: Signed,
  known: Credentials,
  now: number,
): Promise<Refused | undefined> {
  const match = AUTHORIZATION.exec(headers.get('authorization') ?? '');
  if (!match) {
    return wrong(
      'IncompleteSignatureException',
      'Authorization header requires Credential, SignedHeaders and Signature.',
    );
  }
  const [, accessKey, day = '', region = '', service, signedHeaders = '', signature] = match;
  const stamp = headers.get('x-amz-date') ?? '';
  const token = headers.get('x-amz-security-token') ?? '';
  if (accessKey !== known.AWS_ACCESS_KEY_ID || token !== known.AWS_SESSION_TOKEN) {
    return wrong('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  if (service !== SERVICE || region !== known.AWS_REGION) {
    const [name, right] = service !== SERVICE ? ['service', SERVICE] : ['region', known.AWS_REGION];
    return wrong('InvalidSignatureException', `Credential should be scoped to correct ${name}: '${right}'.`);
  }
  const skew = Math.abs(now - timeOf(stamp));
  if (!(skew <= MAX_SKEW_MS) || !stamp.startsWith(day)) {
    return wrong('InvalidSignatureException', `Signature expired: ${stamp} is not within 5 min. of the server's time.`);
  }
  const names = signedHeaders.split(';');
  if (!names.includes('host') || (token && !names.includes('x-amz-security-token'))) return MISMATCH;
  const hashed = await sha256(bytes);
  const claimed = headers.get('x-amz-content-sha256');
  if (claimed !== null && claimed !== hashed) return MISMATCH;
  const canonicalValue = (name: string) =>
    (name === 'host' ? (headers.get('host') ?? url.host) : (headers.get(name) ?? '')).trim().replace(/ +/g, ' ');
  const canonical = [
    method,
    canonicalPath(url.pathname),
    canonicalQuery(url),
    ...names.map((name) => `${name}:${canonicalValue(name)}`),
    '',
    signedHeaders,
    hashed,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, await sha256(encode8(canonical))].join('\n');
  let key: Uint8Array<ArrayBuffer> = encode8(`AWS4${known.AWS_SECRET_ACCESS_KEY}`);
  for (const part of [day, region, service, 'aws4_request']) key = await hmac(key, part);
  const right = toHex((await hmac(key, toSign)).buffer);
  return right === signature ? undefined : MISMATCH;
}
