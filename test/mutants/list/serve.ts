import type { Mutant } from '../mutant.ts';

/** What `npm run serve` promises, and the object that stands in for D1 there. */

const inFile =
  (file: string, test: string) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `serve/${name}`,
    what,
    file,
    find,
    replace,
    tests: [test],
  });

const SERVE = 'test/gateway/serve.test.ts';
const books = inFile('src/accounts/books.ts', 'test/accounts/books.test.ts');
const facade = inFile('src/accounts/database.ts', 'test/accounts/books.test.ts');
const capnp = inFile('src/cli/serve/capnp.ts', SERVE);
const drain = inFile('src/cli/serve/drain.ts', SERVE);
const state = inFile('src/cli/serve/state.ts', SERVE);
const workerd = inFile('src/cli/serve/workerd.ts', SERVE);
const variables = inFile('src/cli/serve/variables.ts', 'test/cli/serve-variables.test.ts');

export const SERVE_MUTANTS: readonly Mutant[] = [
  books(
    'half-a-batch',
    'On plain workerd a batch whose last statement fails leaves the others done: money moves twice or not at all.',
    'this.ctx.storage.transactionSync(() => statements.map((one) => this.#run(one)))',
    'statements.map((one) => this.#run(one))',
  ),
  books(
    'changes-of-all-time',
    'A statement is said to have changed what others before it changed.',
    'meta: { changes: this.#changes() - before }',
    'meta: { changes: this.#changes() }',
  ),
  facade('true-as-null', 'A boolean is stored as nothing.', 'return value ? 1 : 0', 'return value ? null : 0'),
  capnp('secret-in-a-file', 'Credentials stand in a file.', 'MOST_BYTES = 100_000', 'MOST_BYTES = 0'),
  workerd(
    'long-configuration-for-all',
    'A long configuration, with its tokens, is readable by everyone on the machine.',
    'writeFileSync(path, content, { mode: 0o600 })',
    'writeFileSync(path, content, { mode: 0o644 })',
  ),
  drain(
    'nothing-after-the-answer',
    'What a call cost is not settled when the gateway is stopped right after it.',
    'await wait(AFTER_MS)',
    'await wait(0)',
  ),
  state(
    'shared-folder',
    'Two processes write into one folder of data.',
    'if (name === undefined) return;',
    'if (name !== undefined) return;',
  ),
  variables(
    'empty-wins',
    'An empty variable of a container replaces the key in a file.',
    "if (value === undefined || value === '') continue;",
    'if (value === undefined) continue;',
  ),
];
