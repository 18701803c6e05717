import { GatewayError } from '../core/index.ts';

const tooLarge = (limit: number) =>
  new GatewayError(
    'invalid_request',
    `The body is larger than ${limit.toLocaleString('en-US')} bytes. Send less, or images by URL.`,
    {
      status: 413,
    },
  );

/** Reads no more than the limit, whatever length the request claims or leaves out. */
async function readBounded(request: Request, limit: number): Promise<string> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit);
  if (declared !== null || !request.body) return request.text();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const piece of request.body) {
    bytes += piece.byteLength;
    if (bytes > limit) throw tooLarge(limit);
    text += decoder.decode(piece, { stream: true });
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
