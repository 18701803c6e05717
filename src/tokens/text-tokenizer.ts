import { blockEnd } from './engine/blocks.ts';
import type { Engine } from './engines.ts';
import type { FamilySpec, TokenizerFamily } from './families.ts';
import { nfc } from './nfc.ts';
import { withMetaspaces } from './offsets.ts';
import { type Stretch, specialCutter } from './specials.ts';
import type { TextOptions, Tokenizer } from './types.ts';

const METASPACE = '\u2581';
const utf8 = new TextEncoder();

/** From texts to an engine and back: normal form, special tokens, the dummy space, ids. */
export function textTokenizer(
  family: TokenizerFamily,
  spec: FamilySpec,
  { buffer, encoder, blocks }: Engine,
): Tokenizer {
  const { shift = 0, form, errorBound } = spec;
  const special = spec.special();
  const words = spec.scan === 'words';
  const names = new Map(Object.entries(special).map(([name, id]) => [id, name]));
  const cutAtSpecials = specialCutter(special);

  /** SentencePiece writes a space as U+2581, so to it the two are one. */
  const normal = (text: string): string => {
    const formed = text.toWellFormed();
    return words && formed.includes(METASPACE) ? formed.replaceAll(METASPACE, ' ') : formed;
  };
  const cut = (text: string, options?: TextOptions): Stretch[] => {
    const found = options?.markers === 'parse' ? cutAtSpecials(text) : text === '' ? [] : [{ text }];
    // After the cut, as a mark behind a special token could otherwise change the token's last character.
    return form === 'NFC' ? found.map((one) => (one.id === undefined ? { text: nfc(one.text) } : one)) : found;
  };
  const leadOf = (index: number, options?: TextOptions): string =>
    words && !(index === 0 && options?.continued === true) ? ' ' : '';

  const countPlain = (text: string, lead: string, limit: number): number => {
    let total = 0;
    for (let from = 0; from < text.length && total <= limit; ) {
      const to = blockEnd(text, from);
      buffer.load(from === 0 && to === text.length ? text : text.slice(from, to), from === 0 ? lead : '');
      let count = blocks.get(buffer);
      if (count === undefined) {
        count = encoder.count(limit - total);
        if (total + count <= limit) blocks.put(buffer, count);
      }
      total += count;
      from = to;
    }
    return total;
  };

  const encodeAll = (text: string, options: TextOptions | undefined, ids: number[], starts: number[]): void => {
    let base = 0;
    for (const [index, stretch] of cut(text, options).entries()) {
      if (stretch.id !== undefined) {
        ids.push(stretch.id);
        starts.push(base);
        base += utf8.encode(stretch.text).length;
        continue;
      }
      const lead = leadOf(index, options);
      buffer.load(stretch.text, lead);
      const ends: number[] = [];
      const before = ids.length;
      encoder.encode(ids, ends);
      if (shift > 0) for (let n = before; n < ids.length; n++) ids[n] = (ids[n] as number) + shift;
      let start = 0;
      for (const end of ends) {
        starts.push(base + Math.max(0, start - lead.length));
        start = end;
      }
      base += buffer.length - lead.length;
    }
  };

  const bytesOf = (id: number): Uint8Array => {
    const name = names.get(id);
    return name === undefined ? encoder.bytesOf(id - shift) : utf8.encode(name);
  };

  return {
    family,
    exactness: errorBound === undefined ? 'exact' : 'estimate',
    ...(errorBound === undefined ? {} : { errorBound }),
    special,
    count(text, options) {
      const limit = options?.limit ?? Number.POSITIVE_INFINITY;
      let total = 0;
      for (const [index, stretch] of cut(normal(text), options).entries()) {
        if (total > limit) break;
        total += stretch.id === undefined ? countPlain(stretch.text, leadOf(index, options), limit - total) : 1;
      }
      return total;
    },
    encode(text, options) {
      const ids: number[] = [];
      encodeAll(normal(text), options, ids, []);
      return ids;
    },
    pieces(text, options) {
      const ids: number[] = [];
      const offsets: number[] = [];
      encodeAll(normal(text), options, ids, offsets);
      const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
      return {
        ids,
        pieces: ids.map((id) => decoder.decode(bytesOf(id))),
        offsets: words && text.includes(METASPACE) ? withMetaspaces(text.toWellFormed(), offsets) : offsets,
      };
    },
    decode(ids, options) {
      const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
      let text = '';
      let lead = words && options?.continued !== true;
      for (const id of ids) {
        const isSpecial = names.has(id);
        let bytes = bytesOf(id);
        if (lead && !isSpecial && bytes[0] === 0x20) bytes = bytes.subarray(1);
        lead = words && isSpecial;
        text += decoder.decode(bytes, { stream: true });
      }
      return text + decoder.decode();
    },
    has: (id) => bytesOf(id).length > 0,
  };
}
