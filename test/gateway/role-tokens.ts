import { ORACLES } from '../tokens/oracles.ts';

/** What tells roles apart in a prompt's ids, in order: special tokens by their ids, marks that are plain text by their words. */
export interface RoleTokens {
  readonly llama2: (ids: readonly number[]) => readonly string[];
  readonly mistral: (ids: readonly number[]) => readonly string[];
  readonly llama3: (ids: readonly number[]) => readonly string[];
  readonly o200k: (ids: readonly number[]) => readonly string[];
}

const specialsFrom = (first: number) => (ids: readonly number[]) => ids.filter((id) => id >= first).map(String);

/** SentencePiece's marks: `<unk>`, `<s>` and `</s>` by id, the others as they are cut after any neighbour. */
function worded(encode: (text: string) => number[], marks: readonly string[]) {
  const spelt = new Map<string, string>();
  for (const mark of marks) {
    for (const before of ['', 'x', '\n', '.', '>']) {
      const alone = before === '' ? [] : encode(before);
      spelt.set(
        encode(before + mark)
          .slice(alone.length)
          .join(' '),
        mark,
      );
    }
  }
  const alternatives = [...spelt.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(?<= )(?:[012]|${alternatives.join('|')})(?= )`, 'g');
  return (ids: readonly number[]) =>
    (` ${ids.join(' ')} `.match(pattern) ?? []).map((found) => spelt.get(found) ?? found);
}

export const roleTokens: RoleTokens = {
  llama2: worded(ORACLES.llama2.encode, ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>']),
  mistral: worded(ORACLES.mistral.encode, ['[INST]', '[/INST]']),
  llama3: specialsFrom(128_000),
  o200k: specialsFrom(199_998),
};
