import { GatewayError } from '../core/index.ts';

const tooLarge = (limit: number) =>
  new GatewayError(
    'invalid_request',
    `The body is larger than ${limit.toLocaleString('en-US')} bytes. Send less, or images by URL.`,
    {
      status: 413,
    },
  );

type Packing = 'gzip' | 'deflate';

/** What the runtime can unpack, by the names that `content-encoding` has for it. */
const ENCODINGS: Readonly<Record<string, Packing>> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate' };

const unreadable = () =>
  new GatewayError(
    'invalid_request',
    'The body is compressed in a way that is not read here. Send it as it is, or with content-encoding: gzip or deflate.',
    { status: 415 },
  );

/** How the body is packed; undefined if it is not. Throws 415 for what cannot be unpacked. */
function packing(request: Request): Packing | undefined {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase();
  if (!encoding || encoding === 'identity') return undefined;
  const format = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
  if (!format) throw unreadable();
  return format;
}

/** Reads no more than the limit, whatever length the request claims or leaves out, and whatever a small body unpacks to. */
async function readBounded(request: Request, limit: number): Promise<string> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit);
  const format = packing(request);
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

/** The request's JSON. Throws `invalid_request`: 413 over the limit, 400 for what is not JSON, saying where. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const text = await readBounded(request, limit);
  if (text.trim() === '') throw new GatewayError('invalid_request', 'The body is empty. Send a JSON object.');
  try {
    return JSON.parse(text);
  } catch (thrown) {
    // The parser quotes the body around the mistake; only the place is worth repeating.
    const at = thrown instanceof Error ? /position (\d+)/.exec(thrown.message)?.[1] : undefined;
    const where = at ? ` at character ${at}` : '';
    throw new GatewayError('invalid_request', `The body is not valid JSON${where}. Check quotes, commas and brackets.`);
  }
}
