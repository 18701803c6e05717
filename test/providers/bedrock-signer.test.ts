import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestSigner } from '../../providers/bedrock/transport.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

/** The SDK's own signer. */
async function bySdk(request: ReturnType<typeof asked>, credentials: typeof keys, signingDate: Date) {
  const sdk = new SignatureV4({
    credentials,
    region: 'eu-west-1',
    service: 'bedrock',
    applyChecksum: false,
    // Of WebCrypto, which both runtimes have.
    sha256: Sha256,
  });
  const { headers } = await sdk.sign(
    { ...request, headers: { ...request.headers, host: request.hostname } },
    { signingDate },
  );
  return headers;
}

class Sha256 {
  readonly #key: Uint8Array<ArrayBuffer> | undefined;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    if (key !== undefined) this.#key = bytes(key);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#bytes = Uint8Array.from([...this.#bytes, ...bytes(data)]);
  }
  reset(): void {
    this.#bytes = new Uint8Array();
  }
  async digest(): Promise<Uint8Array> {
    if (!this.#key) return new Uint8Array(await crypto.subtle.digest('SHA-256', this.#bytes));
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', this.#key, algorithm, false, ['sign']);
    return new Uint8Array(await crypto.subtle.sign('HMAC', key, this.#bytes));
  }
}

/** Ours, of the same request. */
function byUs(request: ReturnType<typeof asked>, credentials: typeof keys, signingDate: Date) {
  const { hostname: host, path, headers, body = '' } = request;
  return requestSigner(credentials, 'eu-west-1')({ host, path, headers, body: bytes(body) }, signingDate);
}

const bytes = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    typeof data === 'string'
      ? new TextEncoder().encode(data)
      : data instanceof ArrayBuffer
        ? new Uint8Array(data)
        : new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );

const asked = (path: string, body: string | Uint8Array | undefined, query: Record<string, string> = {}) => ({
  method: 'POST',
  protocol: 'https:',
  hostname: 'bedrock-runtime.eu-west-1.amazonaws.com',
  path,
  query,
  headers: { 'content-type': 'application/json' } as Record<string, string>,
  ...(body === undefined ? {} : { body }),
});

const modelPath = fc
  .string({ minLength: 1, unit: 'binary' })
  .filter((text) => text.isWellFormed())
  .map((id) => `/model/${encodeURIComponent(id)}/converse`);
const body = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array(), fc.constant(undefined));
const day = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });
const credentials = fc.record({ sessionToken: fc.base64String({ minLength: 4 }) }, { requiredKeys: [] });

describe('the signature of a request to Bedrock', () => {
  it('is the one that the official signer makes', async () => {
    await fc.assert(
      fc.asyncProperty(modelPath, body, day, credentials, async (path, said, date, session) => {
        const all = { ...keys, ...session };
        const ours = await byUs(asked(path, said), all, date);
        const theirs = await bySdk(asked(path, said), all, date);
        expect(ours.authorization).toBe(theirs.authorization);
        expect(ours['x-amz-date']).toBe(theirs['x-amz-date']);
        expect(ours['x-amz-security-token']).toBe(theirs['x-amz-security-token']);
      }),
      { numRuns: 200 },
    );
  });

  it('is made with a new key on a new day and in another region', async () => {
    const signers = { 'eu-west-1': requestSigner(keys, 'eu-west-1'), 'us-east-1': requestSigner(keys, 'us-east-1') };
    const { hostname: host, path, headers, body = '' } = asked('/model/m/converse', '{}');
    const scopes = [];
    for (const [at, region] of [
      ['2026-11-28T23:59:59Z', 'eu-west-1'],
      ['2026-11-29T00:00:00Z', 'eu-west-1'],
      ['2026-11-29T00:00:00Z', 'us-east-1'],
      ['2026-11-28T23:59:59Z', 'eu-west-1'],
    ] as const) {
      const { authorization } = await signers[region]({ host, path, headers, body: bytes(body) }, new Date(at));
      scopes.push(authorization);
    }
    expect(new Set(scopes).size).toBe(3);
    expect(scopes[3]).toBe(scopes[0]);
  });
});
