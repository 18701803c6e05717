import type { Mutant } from '../mutant.ts';

const RELAY = [
  'test/relay/billed.test.ts',
  'test/relay/blame.test.ts',
  'test/relay/carry.test.ts',
  'test/relay/estimate.test.ts',
  'test/relay/health.test.ts',
  'test/relay/learned.test.ts',
  'test/relay/order.test.ts',
  'test/relay/samples.test.ts',
  'test/relay/stop.test.ts',
  'test/relay/timers.test.ts',
];

const at =
  (file: string) =>
  (name: string, what: string, find: string, replace: string): Mutant => ({
    id: `relay/${name}`,
    what,
    file: `src/relay/${file}`,
    find,
    replace,
    tests: RELAY,
  });

const attempt = at('attempt.ts');
const request = at('request.ts');
const watchdog = at('watchdog.ts');
const limits = at('limits.ts');
const carry = at('carry.ts');
const turns = at('turns.ts');
const billed = at('billed.ts');
const health = at('health.ts');
const fanOut = at('fan-out.ts');

export const RELAY_MUTANTS: readonly Mutant[] = [
  attempt(
    'upstream-not-aborted-by-reader',
    'A caller leaves in mid-stream and the upstream goes on, and is billed.',
    "abort(new GatewayError('canceled', 'The caller left before the answer was complete.'));",
    '',
  ),
  attempt(
    'caller-not-listened-to',
    'A caller leaves before the first content and the upstream goes on.',
    "else caller.addEventListener('abort', onCallerGone, { once: true });",
    '',
  ),
  attempt(
    'whole-begins-early',
    'A JSON answer is committed to at its first content, so that a later failure reaches the caller.',
    'while (!done && (whole || !keeper.begun()))',
    'while (!done && !keeper.begun())',
  ),
  attempt(
    'incomplete-is-complete',
    'A stream that ends without a finish looks complete.',
    '    keeper.assertComplete();\n',
    '',
  ),
  attempt(
    'broken-stream-not-counted',
    'A stream that breaks after its first content never counts against its provider.',
    'if (!caller.aborted) observer.broke(error, fault);',
    '',
  ),
  attempt(
    'abort-hidden',
    'After a time-out the caller is told whatever the upstream threw when it was aborted.',
    '(signal.aborted ? abortReason(signal) : asGatewayError(thrown)).with(',
    'asGatewayError(thrown).with(',
  ),
  attempt(
    'refused-samples-billed',
    'A call of several requests that were all refused is taken for billed.',
    'sent.size > 0;',
    'true;',
  ),
  attempt(
    'usage-twice',
    "Our own count follows the provider's usage.",
    "return told ? [] : [{ type: 'usage', usage }];",
    "return [{ type: 'usage', usage }];",
  ),
  at('truth.ts')(
    'one-finish-for-all',
    'An answer with one finished choice of several counts as complete.',
    'if (finished.size === choices) return;',
    'if (finished.size > 0) return;',
  ),
  at('truth.ts')(
    'text-after-finish',
    'Text that follows the finish of its choice reaches the caller.',
    '|| finished.has(event.choice)) return false;',
    ') return false;',
  ),
  at('truth.ts')(
    'one-choice-begins-all',
    'The answer is committed to when one of its choices has begun.',
    'begun: () => begun.size === choices,',
    'begun: () => begun.size > 0,',
  ),
  at('truth.ts')(
    'empty-text-begins',
    'A first chunk without content commits to the answer.',
    "!(event.type === 'text' && event.text === '') &&",
    'true &&',
  ),
  watchdog(
    'idle-not-renewed',
    'A healthy stream ends after one idle time, however it talks.',
    "if (current.kind === 'each') current.since = NEVER;",
    '',
  ),
  watchdog(
    'idle-never-starts',
    'A stream that falls silent hangs until the whole call is over.',
    "if (stopped || current.kind !== 'each') return;\n      current.since = now;",
    "if (stopped || current.kind !== 'each') return;\n      ",
  ),
  watchdog(
    'total-lost',
    'The total deadline is lost once another limit is set: a stream that drips for ever never ends.',
    'if (!broken && now < wholeDueAt) {',
    "if (!broken && (now < wholeDueAt || current.kind !== 'none')) {",
  ),
  watchdog(
    'rings-early',
    'A timer that was set for an earlier limit ends the attempt although that limit was kept.',
    'if (!broken && now < wholeDueAt) {',
    'if (false) {',
  ),
  watchdog(
    'later-limit-lost',
    'A timer that rings early is not set again, so that the limit never holds.',
    '      arm(now);\n      return;\n    }\n    stopped = true;',
    '      return;\n    }\n    stopped = true;',
  ),
  watchdog(
    'not-stopped',
    'An attempt that has ended well is ended again by its timer.',
    '    stop() {\n      stopped = true;\n      cancel?.();',
    '    stop() {',
  ),
  watchdog(
    'wrong-limit-told',
    'The caller hears of the total deadline whatever limit was broken.',
    'expire(broken ?? whole);',
    'expire(whole);',
  ),
  request(
    'reader-slowness-counts',
    'The time a slow reader takes counts as the silence of the provider.',
    '          dog.heard();\n',
    '',
  ),
  request(
    'no-idle-limit',
    'A stream that falls silent after its first content hangs until the whole call is over.',
    "          dog.expectEach(limit(limits.idleMs, 'upstream', 'went silent: no data'));\n",
    '',
  ),
  request(
    'no-answer-limit',
    'A provider that never answers is waited for until the whole call is over.',
    "      dog.expect(limit(answer.ms, answer.fault, 'did not answer'));\n",
    '',
  ),
  request(
    'cold-start-not-waited-for',
    'A cold start that the provider announces is cut like any silence.',
    'const ms = generation.starting ? Math.max(content.ms, coldStartMs ?? 0) : content.ms;',
    'const ms = content.ms;',
  ),
  request(
    'unread-not-counted',
    'The time that a caller did not read counts as the slowness of the provider.',
    'if (heardAt > 0) unreadMs += now - heardAt;',
    '',
  ),
  request(
    'long-answer-is-fault',
    "The whole call's deadline counts against a provider whose answer only needs its time.",
    "broken === whole && stage === 'speaking' ? 'nobody' : broken.fault",
    'broken.fault',
  ),
  limits(
    'caller-haste-counts',
    "A caller's own short deadline counts against the provider.",
    "const total: Timer = { ms: leftMs, fault: hurried ? 'nobody' : 'upstream' };",
    "const total: Timer = { ms: leftMs, fault: 'upstream' };",
  ),
  limits(
    'piece-cut-by-first-token',
    'A healthy JSON answer is cut by the time for a first token.',
    'return firstContentMs(offer) + tokensAtMost(offer, usual) * perToken;',
    'return firstContentMs(offer);',
  ),
  limits(
    'long-prompt-no-time',
    'A long prompt gets no more time to be read than a short one.',
    'GENEROUS * (observed?.ttftMs ?? 0)) + reading;',
    'GENEROUS * (observed?.ttftMs ?? 0));',
  ),
  limits(
    'slow-offer-no-time',
    'An offer that is known to be slow gets no more time than another.',
    'GENEROUS * (observed?.ttftMs ?? 0)',
    '0',
  ),
  carry(
    'caller-exceeds-total',
    "A caller may exceed the deployment's total.",
    'const totalMs = Math.min(call.timeoutMs ?? timeouts.totalMs, timeouts.totalMs);',
    'const totalMs = call.timeoutMs ?? timeouts.totalMs;',
  ),
  carry(
    'longest-wait-told',
    'The longest wait is told instead of the shortest.',
    'retryAfterMs: Math.min(...waits)',
    'retryAfterMs: Math.max(...waits)',
  ),
  carry(
    'billed-repeated',
    'A request that may have been billed is sent to the same offer again.',
    'else if (error.retryable && !failure.maybeBilled)',
    'else if (error.retryable)',
  ),
  carry(
    'billed-not-told',
    'A failed attempt that may have been billed is not told.',
    'if (failure.maybeBilled) maybeBilled.push(offer);',
    '',
  ),
  carry(
    'policy-carried-on',
    'A refusal by content policy is carried to another provider without being allowed to.',
    "if (error.code === 'content_policy' && !offer.policyFallbacks)",
    "if (error.code === 'content_policy' && false)",
  ),
  carry(
    'haste-counts-against',
    'A failure that is no fault of the provider opens its breaker.',
    "if (failure.fault === 'upstream') health.failed(offer, error, clock.now());\n    if (failure.maybeBilled)",
    'health.failed(offer, error, clock.now());\n    if (failure.maybeBilled)',
  ),
  carry(
    'waits-past-deadline',
    'A retry is waited for although the deadline comes first.',
    'if (clock.now() + wait >= deadline) {',
    'if (false) {',
  ),
  carry(
    'retries-without-budget',
    'Retries are made beyond the budget.',
    "if (turn.as === 'retry' && !budget.take(offer.provider)) {",
    'if (false) {',
  ),
  carry(
    'subrequests-unbounded',
    'A call makes more requests than the platform allows.',
    'if (plan.jobs.length * perJob > requestsLeft) {',
    'if (false) {',
  ),
  carry(
    'rate-limit-hidden',
    'Of several errors the last is told, although somebody asked for a wait.',
    ': (told ?? last);',
    ': last;',
  ),
  carry(
    'drift-of-estimates',
    'An estimated prompt shows as drift of a provider.',
    "plan.promptExactness !== 'exact' || ",
    '',
  ),
  at('retry.ts')(
    'budget-refills-fast',
    'A retry budget fills by one for each request.',
    'const PER_REQUEST = 0.1;',
    'const PER_REQUEST = 1;',
  ),
  at('retry.ts')('budget-endless', 'A retry costs nothing.', 'left.set(provider, tokens - 1);', ''),
  turns(
    'retry-after-ignored',
    "A provider's Retry-After is not waited for.",
    'return Math.max(jitter, error.details.retryAfterMs ?? 0);',
    'return jitter;',
  ),
  turns(
    'other-model-first',
    'Another model is asked before the same one is tried again.',
    'if (later === 0 || quick >= QUICK_RETRIES || asked + later >= MAX_ATTEMPTS) continue;',
    'continue;',
  ),
  turns(
    'long-wait-before-next-model',
    'A long Retry-After is waited for before another model is asked.',
    'export const QUICK_WAIT_MS = 3_000;',
    'export const QUICK_WAIT_MS = 60_000;',
  ),
  turns(
    'endless-tries',
    'One offer is tried more than three times.',
    'tries >= MAX_TRIES_PER_OFFER\n',
    'tries >= 99\n',
  ),
  turns(
    'endless-attempts',
    'A call makes more than six attempts.',
    'export const MAX_ATTEMPTS = 6;',
    'export const MAX_ATTEMPTS = 60;',
  ),
  turns(
    'loading-forever',
    'A model that is never loaded is waited for without end.',
    'readyAt - since > LOADING_PATIENCE_MS',
    'false',
  ),
  turns('no-exponential-wait', 'Retries do not wait longer each time.', 'BASE_MS * 2 ** tries', 'BASE_MS'),
  turns(
    'spent-still-others',
    'Offers that have failed for good still count as waiting.',
    "place !== last && place.standing.kind !== 'spent'",
    'place !== last',
  ),
  billed(
    'prompt-close-billed',
    'A connection that is refused at once is taken for billed.',
    "return stage === 'answered' || elapsedMs > PROMPT_MS;",
    'return true;',
  ),
  billed(
    'hung-up-is-fresh',
    'An upstream that closes after a long silence is asked again.',
    "return stage === 'answered' || elapsedMs > PROMPT_MS;",
    "return stage === 'answered';",
  ),
  billed('timeout-not-billed', 'A time-out is taken for free.', "timeout: 'worked',", "timeout: 'refused',"),
  billed('stream-not-billed', 'A stream that broke is taken for free.', "if (stage === 'speaking') return true;", ''),
  health('breaker-late', 'A breaker opens after fifty failures.', 'const FAILURES = 5;', 'const FAILURES = 50;'),
  health(
    'breaker-never-closes',
    'An offer that served again is still tried last.',
    'put(states, key, { ...CLOSED, named: { provider, upstream } });',
    '',
  ),
  health(
    'half-open-forgiving',
    'An offer that fails again at once needs five more failures.',
    "before.kind === 'open' ? FAILURES : before.failures + 1",
    "before.kind === 'open' ? 1 : before.failures + 1",
  ),
  health(
    'delisted-not-counted',
    'A model that its provider delisted never counts against the offer.',
    "  'model_not_found',\n",
    '',
  ),
  health(
    'callers-fault-counts',
    "The caller's own invalid request opens the breaker.",
    'if (!ITS_OWN.has(error.code)) return;',
    '',
  ),
  fanOut(
    'too-wide',
    'Many samples open more connections than the platform lets wait.',
    'export const WIDTH = 5;',
    'export const WIDTH = 50;',
  ),
  fanOut(
    'choices-not-renumbered',
    'All samples are the first choice.',
    '{ ...event, choice: event.choice + base }',
    'event',
  ),
  fanOut('same-seed', 'Samples with a seed are all the same.', 'seed: seed + sample', 'seed'),
  fanOut(
    'partial-usage',
    'The usage of some requests is told as that of all.',
    'if (usage && told === served)',
    'if (usage)',
  ),
  fanOut('ignored-n-is-broken', 'A server that ignores n fails the call.', '        queue.push(...more);\n', ''),
  at('stop.ts')(
    'split-stop-string',
    'A stop string that is split over two reads is not seen.',
    'for (const stop of stops) keep = Math.max(keep, overlap(text, stop));',
    '',
  ),
  at('stop.ts')(
    'held-text-lost',
    'Text that was held back is lost at the end.',
    'if (rest) out.push(',
    'if (false) out.push(',
  ),
  at('stop.ts')(
    'goes-on-after-stop',
    'The upstream generates on after a stop string.',
    "if (ended.size === choices && batch.every((event) => event.type !== 'finish')) return;",
    '',
  ),
  at('estimate.ts')(
    'end-token-not-counted',
    'The token that ends an answer is not counted.',
    "sum('text') + tools + choices.filter((said) => said?.ended).length",
    "sum('text') + tools",
  ),
  at('estimate.ts')(
    'repeats-not-counted',
    'Prompts that were sent again are not counted.',
    'input: promptTokens + (repeats * promptTokens) / jobs.length,',
    'input: promptTokens,',
  ),
  at('learned.ts')(
    'schema-refusal-for-ever',
    'A refusal to hold answers to schemas is believed for ever.',
    'const BELIEVED_MS = 3_600_000;',
    'const BELIEVED_MS = 3_600_000_000;',
  ),
  at('learned.ts')(
    'any-refusal-is-of-schemas',
    'Any 400 takes the schema away from an offer.',
    'ABOUT_SCHEMAS.has(details.param);',
    'true;',
  ),
];
