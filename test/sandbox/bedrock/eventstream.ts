import { crc32 } from './crc32.ts';

const encoder = new TextEncoder();
const STRING = 7;

function headersOf(headers: Readonly<Record<string, string>>): Uint8Array {
  const parts = Object.entries(headers).map(([name, value]) => [encoder.encode(name), encoder.encode(value)] as const);
  const bytes = new Uint8Array(parts.reduce((sum, [name, value]) => sum + 4 + name.length + value.length, 0));
  let at = 0;
  for (const [name, value] of parts) {
    bytes[at++] = name.length;
    bytes.set(name, at);
    at += name.length;
    bytes[at++] = STRING;
    bytes[at++] = value.length >>> 8;
    bytes[at++] = value.length & 0xff;
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

/**
 * One message of the format application/vnd.amazon.eventstream: lengths, their CRC, headers, payload, the CRC of all.
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export function message(headers: Readonly<Record<string, string>>, payload: string): Uint8Array {
  const head = headersOf(headers);
  const body = encoder.encode(payload);
  const bytes = new Uint8Array(16 + head.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length);
  view.setUint32(4, head.length);
  view.setUint32(8, crc32(bytes.subarray(0, 8)));
  bytes.set(head, 12);
  bytes.set(body, 12 + head.length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)));
  return bytes;
}

const PADDING = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Bedrock pads events to hide how long their tokens are. */
const padding = (): string => PADDING.slice(0, 1 + Math.floor(Math.random() * PADDING.length));

export const rawEvent = (type: string, payload: string): Uint8Array =>
  message({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

export const event = (type: string, payload: Readonly<Record<string, unknown>>): Uint8Array =>
  rawEvent(type, JSON.stringify({ ...payload, p: padding() }));

export const exception = (type: string, payload: Readonly<Record<string, unknown>>): Uint8Array =>
  message(
    { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' },
    JSON.stringify(payload),
  );
