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

const template = (name: string, what: string, file: string, find: string, replace: string): Mutant => ({
  id: `tokens/${name}`,
  what,
  file,
  find,
  replace,
  tests: ['test/tokens/golden.test.ts', 'test/tokens/segments.test.ts', 'test/gateway/billed-as-counted.test.ts'],
});

export const TOKENS_MUTANTS: readonly Mutant[] = [
  {
    id: 'tokens/prompt-of-another',
    what: 'The prompt shown beside a count is not the one that was counted.',
    file: 'src/offers/sheet.ts',
    find: 'at?.parts ? at.parts() : promptParts',
    replace: 'promptParts',
    tests: ['test/gateway/tokens.test.ts'],
  },
  {
    id: 'tokens/prompt-without-begin',
    what: 'The prompt shown beside a count lacks the begin-of-sequence that the server adds.',
    file: 'src/offers/counting.ts',
    find: 'const before = addedTo(at) > 0 ?',
    replace: 'const before = addedTo(at) > 1 ?',
    tests: ['test/gateway/tokens.test.ts'],
  },
  template(
    'v4-forgets-in-loops',
    'DeepSeek V4 is counted without the reasoning that its template keeps where there are tools.',
    'src/tokens/templates/deepseek-v4.ts',
    'thinking && (tools.length > 0 || at > lastUser)',
    'thinking && at > lastUser',
  ),
  template(
    'v4-results-unsorted',
    'Results in a raw prompt of DeepSeek V4 stand in another order than its template’s.',
    'src/tokens/templates/deepseek-v4.ts',
    'order.get(callId) ?? 0',
    '0',
  ),
  template(
    'harmony-alternatives',
    'Alternatives in a schema are counted as gpt-oss never reads them.',
    'src/tokens/templates/harmony.ts',
    '(at === 0 || own === description)',
    'own === description',
  ),
  template(
    'harmony-old-thoughts',
    'Thoughts before the last answer are counted, which Harmony leaves out.',
    'src/tokens/templates/harmony.ts',
    '  thoughtsSinceFinal: true,\n',
    '',
  ),
  template(
    'strict-not-counted',
    'Codex’s tools are counted short by what it says of each.',
    'src/tokens/templates/template.ts',
    '  ...(strict === undefined ? {} : { strict }),\n',
    '',
  ),
  template(
    'think-tags-are-text',
    'A tag that the model reads as one token counts as three.',
    'src/tokens/templates/template.ts',
    "if (!(speaks && piece.includes('think>'))) {",
    'if (piece !== undefined) {',
  ),
  template(
    'switch-ignored',
    'A call without thoughts is counted as one with them.',
    'src/offers/renderings.ts',
    "takes?.has('thinking') ?",
    'takes === undefined ?',
  ),
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
