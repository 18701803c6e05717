import type { Mutant } from '../mutant.ts';

/** What callers send beside the usual: fields nobody knows, guards, echoes, token ids, thoughts. */

const inFile =
  (file: string, tests: readonly string[]) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `callers/${name}`,
    what,
    file,
    find,
    replace,
    tests,
  });

const READ = ['test/dialects/unknown-fields.test.ts'];
const unknown = inFile('src/dialects/body-schema.ts', READ);
const unset = inFile('src/dialects/validation.ts', READ);
const topLevel = inFile('src/dialects/openai/unknown-fields.ts', READ);
const routing = inFile('src/dialects/routing.ts', READ);
const tools = inFile('src/dialects/openai/tools.ts', READ);
const privacy = inFile('src/offers/assess.ts', ['test/offers/privacy.test.ts']);
const thoughts = inFile('src/offers/reasoning.ts', ['test/offers/reasoning.test.ts']);
const echo = inFile('src/offers/request-form.ts', ['test/gateway/likelihood.test.ts']);
const logprobs = inFile('providers/openai/response-fields.ts', ['test/gateway/likelihood.test.ts']);
const carrier = inFile('src/dialects/reasoning-carrier.ts', ['test/dialects/reasoning-carrier.test.ts']);
const calls = inFile('src/relay/stream-guards.ts', ['test/relay/allowed-tools.test.ts']);
const ids = inFile('src/core/tool-ids.ts', ['test/core/tool-ids.test.ts']);
const late = inFile('src/tokens/turns.ts', ['test/tokens/place-system.test.ts']);
const freeform = inFile('src/dialects/freeform-tools.ts', ['test/dialects/freeform-tools.test.ts']);
const rank = inFile('src/offers/rank.ts', ['test/offers/routing.test.ts']);

export const CALLERS_MUTANTS: readonly Mutant[] = [
  unknown(
    'nested-unnamed',
    'Fields inside messages vanish in silence.',
    '(!isUnset(value[key])) names.add(steps);',
    '(!isUnset(value[key])) steps.length;',
  ),
  unknown(
    'name-for-each',
    'A hundred messages make a hundred names.',
    "const pattern = pathOf(steps, () => '[]');",
    "const pattern = pathOf(steps, (at) => '[' + at + ']');",
  ),
  unset(
    'empty-named',
    'What a client writes out as empty is named.',
    '(Array.isArray(value) && value.length === 0)',
    'false',
  ),
  topLevel('guards-ignored', 'max_cost at the top is passed on.', 'assertNoGuard(key, limited);', ''),
  topLevel('extra-lost', 'A field of a server’s own is lost.', 'extra.push([key, value]);', ''),
  topLevel(
    'deep-extra',
    'A field nested beyond reason is written out.',
    "if (typeof value === 'object') assertShallow",
    'if (false) assertShallow',
  ),
  routing('slips-pass', 'A misspelt guard passes.', 'if (near !== undefined) return near;', ''),
  routing('budget-of-thought', 'thinking_budget is taken for money.', '&& !NO_MONEY.test(plain)', ''),
  routing('zdr-lost', 'A wish for zero data retention is lost.', 'if (wire.zdr) out.noRetention = true;', ''),
  routing('unmet-unsaid', 'What nobody can grant is not named.', 'if (unmet.length > 0) out.unmet = unmet;', ''),
  tools('allowed-not-enforced', 'Tools that are not allowed are offered.', 'allowed.has(name)', 'true'),
  privacy(
    'kept-anyway',
    'A provider that keeps prompts serves a call under zdr.',
    'noRetention && !known?.noRetention',
    'false',
  ),
  thoughts(
    'to-another-family',
    'Thoughts of one model go to another.',
    'return same ? reasoning : undefined;',
    'return reasoning;',
  ),
  thoughts(
    'old-thoughts',
    'Thoughts from before the last final answer are sent.',
    'at > ended ? own(message) : undefined',
    'own(message)',
  ),
  thoughts('lost-unsaid', 'Bedrock loses thoughts without a word.', 'sent(message, at) !== reasoning', 'false'),
  thoughts(
    'foreign-unsaid',
    'A model that demands all thoughts loses foreign ones without a word.',
    'const ended = isAll ? -1 :',
    'const ended = false ? -1 :',
  ),
  thoughts(
    'loop-cut',
    'A reminder in the middle of a loop of tools costs the model its thoughts.',
    "return message.role === 'assistant' && !message.toolCalls?.length &&",
    "return message.role === 'user' ||",
  ),
  calls('disallowed', 'A call of a tool that is not allowed is passed on.', '!allowedTools.includes(name)', 'false'),
  calls('disallowed-blamed', 'What a model calls opens the breaker of its server.', 'blameless();', ''),
  carrier('unchecked', 'A damaged carrier is read.', '.getUint32(0) !== checksum(said)', '.getUint32(0) < 0'),
  carrier('long-written', 'Reasoning is carried that cannot be read again.', 'said.length > MAX_BYTES || ', ''),
  ids('same-twice', 'Two calls get one id.', 'taken.add(sent);', ''),
  ids(
    'results-astray',
    'Results of calls with one id all go to the first.',
    'Math.min(called.answered++, called.ids.length - 1)',
    '0',
  ),
  ids(
    'odd-handed-out',
    'A caller is given an id that other servers refuse.',
    'PLAIN.test(id) ? id : `call_',
    'true ? id : `call_',
  ),
  late(
    'between-results',
    'A user speaks between a call and its result.',
    "last && open && message.role === 'tool'",
    'false',
  ),
  late(
    'order-lost',
    'Late words of the system come after what they precede.',
    '[last.content, message.content], false',
    '[message.content, last.content], false',
  ),
  freeform(
    'half-escape',
    'An input is cut in an escape where a read ends.',
    "(kind === 'u' && code.length < 4)",
    'false',
  ),
  echo(
    'echo-ours',
    'The prompt’s log probabilities do not come.',
    "return more && native ? 'wire' : 'ours';",
    "return 'ours';",
  ),
  echo(
    'foreign-ids',
    'Token ids go to a model with another tokenizer.',
    '!origin || !hasSameTokenizer(offer, origin)',
    '!origin',
  ),
  logprobs(
    'first-token',
    'The first token of an echo loses its place.',
    'if (logprob === null && i === 0)',
    'if (false)',
  ),
  rank(
    'slow-first',
    'A speed that the caller prefers does nothing.',
    'orderBy((offer) => Number(isSlow(offer, routing))),',
    '',
  ),
];
