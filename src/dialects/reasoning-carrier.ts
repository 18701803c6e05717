/**
 * A model's reasoning in a string that clients keep and return without reading it: `signature` of Messages,
 * `encrypted_content` of Responses. It says whose reasoning it is, so that it goes back to that family and to no
 * other.
 *
 * The caller holds it, so it proves nothing: whoever can make one can as well send the same reasoning openly, and its
 * text is treated like any other text of the caller's (template markers in it are broken or refused). The checksum
 * tells a damaged or foreign string from ours.
 */

import type { Message } from '../core/index.ts';

/** Reasoning, and whose it is, as an assistant's message has them. */
export type CarriedReasoning = Required<Pick<Extract<Message, { role: 'assistant' }>, 'reasoning' | 'reasoningFamily'>>;

/** Tells ours from signatures of other makers, and this form from later ones. */
const TAG = 'chasqui1_';
const FAMILY = /^[a-zA-Z0-9][a-zA-Z0-9._:/-]{0,199}$/;
/** Bytes of reasoning. The longest answers of known models (128,000 tokens) are about as long. */
const MAX_BYTES = 512 * 1024;
const CHECKSUM_BYTES = 4;
/** Four characters of base64 for three bytes, of a family, a line feed, a text and a checksum. */
const MAX_LENGTH = TAG.length + Math.ceil(((MAX_BYTES + 256) * 4) / 3);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** FNV-1a. */
function checksum(bytes: Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193);
  return state >>> 0;
}

/** Arguments of one function call. */
const CHUNK = 8192;

function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function bytesOf(base64: string): Uint8Array | undefined {
  if (!/^[a-zA-Z0-9_-]*$/.test(base64) || base64.length % 4 === 1) return undefined;
  const binary = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Undefined for reasoning that is too long to carry. */
export function writeCarrier({ reasoning, reasoningFamily: family }: CarriedReasoning): string | undefined {
  const said = encoder.encode(`${family}\n${reasoning}`);
  if (said.length > MAX_BYTES || !FAMILY.test(family)) return undefined;
  const bytes = new Uint8Array(CHECKSUM_BYTES + said.length);
  new DataView(bytes.buffer).setUint32(0, checksum(said));
  bytes.set(said, CHECKSUM_BYTES);
  return TAG + base64url(bytes);
}

/**
 * Undefined for anything that `writeCarrier` has not written: another maker's, a damaged one. To be dropped, and
 * named.
 */
export function readCarrier(carrier: string): CarriedReasoning | undefined {
  if (!carrier.startsWith(TAG) || carrier.length > MAX_LENGTH) return undefined;
  const bytes = bytesOf(carrier.slice(TAG.length));
  if (!bytes || bytes.length <= CHECKSUM_BYTES) return undefined;
  const said = bytes.subarray(CHECKSUM_BYTES);
  if (new DataView(bytes.buffer).getUint32(0) !== checksum(said)) return undefined;
  try {
    const line = decoder.decode(said);
    const at = line.indexOf('\n');
    const family = line.slice(0, Math.max(at, 0));
    return FAMILY.test(family) ? { reasoning: line.slice(at + 1), reasoningFamily: family } : undefined;
  } catch {
    // Not UTF-8, so not ours.
    return undefined;
  }
}
