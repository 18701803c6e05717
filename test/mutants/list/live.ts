import type { Mutant } from '../mutant.ts';

const inFile =
  (file: string, test: string) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `live/${name}`,
    what,
    file,
    find,
    replace,
    tests: [test],
  });

const follow = inFile('src/accounts/follow.ts', 'test/accounts/follow.test.ts');
const watch = inFile('src/page/live.ts', 'test/page/live.test.ts');

export const LIVE_MUTANTS: readonly Mutant[] = [
  follow(
    'all-keys',
    'A key that watches sees the calls of all keys of its account.',
    'rows: key ? rows.filter((row) => row.key === key.id) : rows,',
    'rows,',
  ),
  follow(
    'revoked-key',
    'A key that was revoked goes on watching.',
    '  if (key && !usableTerms(state, key.id, key.secretHash, clock)) return undefined;\n',
    '',
  ),
  follow(
    'silent-gap',
    'A watcher who is too far behind is not told that rows are left out.',
    'state.seq - after > MOST_BEHIND) return { ...now, gap: true };',
    'state.seq - after > MOST_BEHIND) return now;',
  ),
  watch(
    'too-many-requests',
    'A watch makes more requests than the platform allows.',
    ' || asked + names.length >= subrequests) return;',
    ') return;',
  ),
  watch('never-ends', 'A watch never ends.', 'waited >= LONGEST_MS || ', ''),
  watch(
    'silent-newcomer',
    'Calls of an account that comes in later are missed in silence.',
    'gap: joined || known.some(({ gap }) => gap),',
    'gap: known.some(({ gap }) => gap),',
  ),
];
