import type { Mutant } from '../mutant.ts';

const bound = (
  name: string,
  what: string,
  find: string,
  replace: string,
  file = 'src/tokens/token-bounds.ts',
): Mutant => ({
  id: `tokens/${name}`,
  what,
  file,
  find,
  replace,
  tests: ['test/tokens/token-bounds.test.ts'],
});

export const TOKENS_MUTANTS: readonly Mutant[] = [
  bound(
    'bound-letters-apart',
    'Letters that are no token together are taken to merge.',
    'const mayBeSingle = last !== BLANK &&',
    'const mayBeSingle = false && last !== BLANK &&',
    'src/tokens/joined-letters.ts',
  ),
  bound(
    'bound-nfc',
    'A prompt for Qwen that normalization makes longer is taken to fit where it does not.',
    "normalization === 'NFC' ? NFC_BYTES : BYTES",
    "normalization === 'NFC' ? BYTES : BYTES",
  ),
  bound(
    'bound-musical-symbols',
    'Twelve bytes that a musical symbol is taken apart into count as six.',
    '[0xd838, 9]',
    '[0xd838, 3]',
  ),
  bound(
    'bound-dummy-space',
    'The space that SentencePiece puts before a text is not counted.',
    'bytesAtMost: utf8Length, dummySpace: 1 }',
    'bytesAtMost: utf8Length, dummySpace: 0 }',
  ),
  bound(
    'bound-joint',
    'Merged messages are joined for nothing.',
    "template.sameRole === 'merge' ? 2 : 0",
    "template.sameRole === 'merge' ? 0 : 0",
  ),
  bound(
    'bound-empty-user',
    'The empty message that a strict template is given first costs nothing.',
    "template.opens === 'user' ? user : 0",
    "template.opens === 'user' ? 0 : 0",
  ),
  bound(
    'bound-preamble',
    "What gpt-oss's template says by itself is not counted.",
    'mark(begin) + mark(preamble)',
    'mark(begin)',
  ),
  bound(
    'bound-tool-specials',
    'Special tokens of a chat with tools are not counted.',
    "if (part !== 'cut') tokens++;",
    '',
  ),
];
