const NORMAL = 1;

/** Fields of a protobuf message: its number, and its bytes where it has a length. */
function* fields(bytes: Uint8Array): Generator<readonly [field: number, value: Uint8Array | number]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) yield [key >>> 3, varint()];
    else {
      const length = kind === 2 ? varint() : kind === 5 ? 4 : 8;
      yield [key >>> 3, bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

/**
 * The pieces that text can be made of in a SentencePiece model, in the order of their scores, without control tokens and
 * bytes: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 */
export function sentencePieces(model: Uint8Array): string[] {
  const pieces: string[] = [];
  for (const [field, piece] of fields(model)) {
    if (field !== 1 || typeof piece === 'number') continue;
    let text = '';
    let type = NORMAL;
    for (const [part, value] of fields(piece)) {
      if (part === 1 && typeof value !== 'number') text = new TextDecoder().decode(value);
      if (part === 3 && typeof value === 'number') type = value;
    }
    if (type === NORMAL) pieces.push(text);
  }
  return pieces;
}
