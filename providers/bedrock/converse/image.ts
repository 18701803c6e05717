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

const wrong = (code: 'unsupported_parameter' | 'invalid_request', message: string, param: string): GatewayError =>
  new GatewayError(code, message, { provider: 'bedrock', param });

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    // Not base64.
    return undefined;
  }
}

/** An image of a `data:` URL. Converse takes bytes, and the gateway fetches nothing on a caller's word. */
export function imageBlock(url: string, param: string): ImageBlock {
  const head = HEAD.exec(url.slice(0, 1000));
  if (!head) {
    if (/^data:/i.test(url)) throw wrong('invalid_request', 'The image is not a readable data: URL.', param);
    throw wrong(
      'unsupported_parameter',
      'AWS Bedrock takes images as data: URLs only. Send the image itself, or ask another provider.',
      param,
    );
  }
  const [start, type = '', parameters = ''] = head;
  const format = FORMATS.get(type.toLowerCase());
  if (!format) {
    throw wrong('unsupported_parameter', 'AWS Bedrock takes PNG, JPEG, GIF and WebP images only.', param);
  }
  const bytes = /;base64$/i.test(parameters) ? bytesOf(url.slice(start.length)) : undefined;
  if (!bytes?.length) throw wrong('invalid_request', 'The image’s data: URL is not base64 of anything.', param);
  return { format, source: { bytes } };
}
