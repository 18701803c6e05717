import type { ImageBlock, ImageFormat } from '@aws-sdk/client-bedrock-runtime';
import { GatewayError } from '../../../src/core/index.ts';

/** Media types to the formats of the Converse API. `image/jpg` is no registered type, but common. */
const FORMATS: ReadonlyMap<string, ImageFormat> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);

const HEAD = /^data:([a-z0-9.+/-]{1,100})((?:;[a-z0-9=._-]{1,100}){0,5}),/i;

interface Wrong {
  readonly code: 'unsupported_parameter' | 'invalid_request';
  readonly message: string;
}

const wrong = (code: Wrong['code'], message: string, param: string): GatewayError =>
  new GatewayError(code, message, { provider: 'bedrock', param });

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    // Not base64.
    return undefined;
  }
}

const NOT_BASE64 = 'The image’s data: URL is not base64 of anything.';

/** The head of an image's URL, or why Bedrock cannot take it. Looks at its beginning alone. */
function headOf(
  url: string,
): { readonly format: ImageFormat; readonly base64: boolean; readonly length: number } | Wrong {
  const head = HEAD.exec(url.slice(0, 1000));
  if (!head) {
    if (/^data:/i.test(url)) return { code: 'invalid_request', message: 'The image is not a readable data: URL.' };
    const message = 'AWS Bedrock takes images as data: URLs only. Send the image itself, or ask another provider.';
    return { code: 'unsupported_parameter', message };
  }
  const [start, type = '', parameters = ''] = head;
  const format = FORMATS.get(type.toLowerCase());
  if (!format) {
    const message = 'AWS Bedrock takes PNG, JPEG, GIF and WebP images only.';
    return { code: 'unsupported_parameter', message };
  }
  return { format, base64: /;base64$/i.test(parameters), length: start.length };
}

/** Why an image cannot be sent, as far as its URL's beginning tells. */
export function imageObjection(url: string): string | undefined {
  const head = headOf(url);
  if ('code' in head) return head.message;
  return head.base64 && url.length > head.length ? undefined : NOT_BASE64;
}

/** An image of a `data:` URL. Converse takes bytes, and the gateway fetches nothing on a caller's word. */
export function imageBlock(url: string, param: string): ImageBlock {
  const head = headOf(url);
  if ('code' in head) throw wrong(head.code, head.message, param);
  const bytes = head.base64 ? bytesOf(url.slice(head.length)) : undefined;
  if (!bytes?.length) throw wrong('invalid_request', NOT_BASE64, param);
  return { format: head.format, source: { bytes } };
}
