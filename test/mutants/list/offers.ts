import type { Mutant } from '../mutant.ts';

const OFFERS = [
  'test/offers/bills.test.ts',
  'test/offers/bound.test.ts',
  'test/offers/choices.test.ts',
  'test/offers/capabilities.test.ts',
  'test/offers/context.test.ts',
  'test/offers/names.test.ts',
  'test/offers/privacy.test.ts',
  'test/offers/routes.test.ts',
  'test/offers/routing.test.ts',
  'test/offers/sheet.test.ts',
  'test/relay/samples.test.ts',
];
const PRICES = [
  'test/catalog/costs.test.ts',
  'test/catalog/live.test.ts',
  'test/catalog/prices.test.ts',
  'test/catalog/prices-properties.test.ts',
  'test/catalog/overrides.test.ts',
];

const inFolder =
  (area: string, folder: string, tests: readonly string[]) =>
  (file: string) =>
  (name: string, what: string, find: string, replace: string, only = tests): Mutant => ({
    id: `${area}/${name}`,
    what,
    file: `${folder}/${file}`,
    find,
    replace,
    tests: only,
  });

const offers = inFolder('offers', 'src/offers', OFFERS);
const prices = inFolder('prices', 'src/catalog/prices', PRICES);

const WARM = ['test/offers/affinity.test.ts'];
const rank = offers('rank.ts');
const affinity = inFolder('offers', 'src/offers', WARM)('affinity.ts');
const assess = offers('assess.ts');
const cost = offers('cost.ts');
const bound = offers('counting.ts');
const output = offers('output.ts');
const sheet = offers('sheet.ts');
const drops = offers('drops.ts');
const plan = offers('plan.ts');
const measure = offers('counting.ts');
const route = offers('routes.ts');
const source = offers('model-offers.ts');
const resolve = offers('resolve.ts');
const NAMES = ['test/offers/names.test.ts'];
const CAN = ['test/offers/capabilities.test.ts'];
const names = inFolder('offers', 'src/offers', NAMES)('resolve.ts');
const services = inFolder('offers', 'src/offers', NAMES)('services.ts');
const schema = inFolder('schema', 'providers/bedrock', ['test/providers/bedrock-request.test.ts'])(
  'converse-schema.ts',
);
const charge = prices('price.ts');
const live = prices('live.ts');
const book = prices('book.ts');
const learnt = inFolder('offers', 'src/offers', ['test/offers/bills.test.ts'])('health.ts');
const corrected = inFolder('offers', 'src/offers', ['test/offers/bills.test.ts'])('counting.ts');

export const OFFERS_MUTANTS: readonly Mutant[] = [
  corrected(
    'bills-narrow',
    'A prompt of another size than any billed is said to be known as well.',
    'from <= largest && largest <= to',
    'true',
  ),
  corrected(
    'bills-above-certain',
    'What bills taught goes above what is certain.',
    'total: Math.min(atMost, ',
    'total: Math.max(0, ',
  ),
  corrected(
    'bills-one-template',
    'The template is counted once for many prompts.',
    'predictedBill(correction, total, prompts)',
    'predictedBill(correction, total)',
  ),
  learnt('bills-first', 'One bill is believed.', 'bills.length < LEAST_BILLS', 'bills.length < 1'),
  learnt(
    'bills-no-template',
    'What a template adds is taken for another vocabulary.',
    '(r - Math.max(0, free) * u) / n',
    'r / n',
  ),
  measure(
    'bills-images',
    'Bills of images teach what text costs.',
    '!exact && !more && !',
    '!exact && !more && true || !',
    ['test/offers/bills.test.ts'],
  ),
  book(
    'profile-any',
    'The first price of any inference profile is taken.',
    'if (first?.profile === undefined) return first;',
    'return first;',
  ),
  book('own-price-below', "The operator's price comes after the list's.", '[...own, ...others]', '[...others, ...own]'),
  rank(
    'open-breaker-first',
    'An offer that keeps failing is tried first.',
    'isOpen(offer) && order?.includes(offer.provider) !== true',
    'false',
  ),
  rank('order-ignored', "The caller's order is ignored.", '    orderBy(place),\n', ''),
  rank(
    'losers-first',
    'An offer that loses what the caller set comes before one that loses nothing.',
    '    byLoss,\n',
    '',
  ),
  rank(
    'unknown-cost-first',
    'An offer of unknown cost comes first.',
    'return Number(left === undefined) - Number(right === undefined);',
    'return Number(right === undefined) - Number(left === undefined);',
  ),
  rank(
    'slowest-first',
    'Sorted by throughput the slowest comes first.',
    'value === undefined ? undefined : -value',
    'value',
  ),
  rank(
    'own-service-last',
    "One's own service comes last.",
    "['own', 'served', 'unproven']",
    "['unproven', 'served', 'own']",
  ),
  rank(
    'always-cheapest',
    'All calls go to the cheapest offer.',
    'const chosen = group.splice(keptBy(affinity(), group, probabilities), 1);',
    'const chosen = group.splice(0, 1);',
  ),
  rank('draw-not-squared', 'Offers are drawn by the inverse of cost and not by its square.', ') ** 2);', '));'),
  rank(
    'open-drawn',
    'An offer that keeps failing is drawn like the others.',
    "offer.standing === 'served' && !isOpen(offer) &&",
    "offer.standing === 'served' &&",
  ),
  source('retired-asked', 'A retired model is asked for.', 'if (!isServed(offer, today)) {', 'if (false) {'),
  assess(
    'unconfigured-asked',
    'A provider without credentials is asked.',
    'if (!world.providers.has(offer.provider)) {',
    'if (false) {',
  ),
  assess('zdr-shrugged', 'A wish for no retention is dropped.', 'noRetention && !known?.noRetention', 'false'),
  assess(
    'collection-shrugged',
    'A wish for no data collection is dropped.',
    'noCollection && !known?.noCollection',
    'false',
  ),
  assess(
    'require-parameters-ignored',
    'require_parameters is without effect.',
    'if (lost.length > 0 && routing.requireParameters) {',
    'if (false) {',
  ),
  assess('max-price-ignored', 'max_price is without effect.', '  if (tooExpensive) return ', '  if (false) return '),
  assess(
    'max-cost-ignored',
    'max_cost is without effect.',
    "  if ('code' in output) return leftOut(output);",
    '  if (false) return leftOut(output as never);',
  ),
  assess(
    'prompts-billed-once',
    'Samples without native n are expected to bill their prompt once.',
    'promptTimes: hasN ? 1 : call.n,',
    'promptTimes: 1,',
  ),
  assess(
    'ignored-n-forgotten',
    'A server that ignores n is asked for n again and again.',
    "takes.has('n') && !(call.n > 1 && world.health.ignoresN(provider, upstream, service))",
    "takes.has('n')",
  ),
  assess(
    'answers-counted-once',
    'Several answers are expected to cost what one does.',
    'choices: prompts * call.n,',
    'choices: 1,',
  ),
  cost(
    'extra-not-billed',
    'What a wire bills beside the prompt is left out of the cost.',
    '(tokens + reportsExtra * prompts) * promptTimes',
    'tokens * promptTimes',
  ),
  cost(
    'no-bound-no-limit',
    'An offer whose cost has no bound passes max_cost.',
    'if (max !== undefined && max <= maxCost)',
    'if (max === undefined || max <= maxCost)',
  ),
  cost(
    'maximum-of-expected',
    'The maximum is what is expected.',
    '{ min, ...expected, max: bound.max }',
    '{ min, ...expected, max: cost }',
  ),
  cost(
    'unknown-price-passes',
    'An offer of unknown price passes max_price.',
    'if (!rates) return exclude(',
    'if (false) return exclude(',
  ),
  cost(
    'completion-price-passes',
    'max_price looks at the price of prompts alone.',
    "of ['prompt', 'completion'] as const",
    "of ['prompt'] as const",
  ),
  cost(
    'rounding-exceeds',
    'A clamped call may come to a nano-dollar more than allowed.',
    'range.max + 1n <= maxCost',
    'range.max <= maxCost + 1n',
  ),
  bound(
    'template-not-bounded',
    'The maximum leaves out what an unknown template adds.',
    'Math.min(ADDED_BY_UNKNOWN_TEMPLATE, smallest ?? ADDED_BY_UNKNOWN_TEMPLATE)',
    '0',
  ),
  bound('tools-not-bounded', 'The maximum leaves tools out.', 'most + ofTool(tool), 0)', 'most, 0)'),
  bound(
    'bytes-are-characters',
    'The maximum counts characters instead of bytes.',
    'const plain = encoder.encode(text).length;',
    'const plain = text.length;',
  ),
  bound(
    'calls-not-bounded',
    'The maximum leaves the calls of assistants out.',
    'most += bytes(id) + 2 * (bytes(name) + bytes(json)) + AROUND_A_PART;',
    '',
  ),
  measure(
    'largest-is-total',
    'Several prompts are held to the context as if they were one.',
    'largest = Math.max(largest, tokens);',
    'largest += tokens;',
  ),
  measure(
    'error-bound-lost',
    'An estimate passes for certain.',
    'errorBound = Math.max(errorBound, one.errorBound ?? 0);',
    '',
  ),
  measure('estimate-is-exact', 'An estimate is said to be exact.', "exact &&= one.exactness === 'exact';", ''),
  measure(
    'bos-not-counted',
    'What a server puts in front of a prompt is not counted.',
    'const tokens = one.tokens + addedTo(at);',
    'const tokens = one.tokens;',
  ),
  output(
    'together-margin',
    "Together's context margin is left out.",
    'contextLength - (about.contextMargin ?? 0)',
    'contextLength',
  ),
  output(
    'estimate-refused',
    'A prompt that fits by its lower bound is refused.',
    'const least = fewest(prompt);',
    'const least = longest(prompt);',
  ),
  output(
    'not-clamped',
    'A limit that does not fit is sent on.',
    'ceiling === undefined ? wanted : Math.min(wanted, ceiling)',
    'wanted',
  ),
  output('clamp-not-said', 'That the output was cut is not said.', 'clamped: maxTokens < wanted', 'clamped: false'),
  output(
    'truncating-default',
    'Where a wire truncates by itself no limit is sent.',
    '  if (traitsOf(offer, api)?.truncates) {\n    const maxTokens = ',
    '  if (false) {\n    const maxTokens = ',
  ),
  sheet(
    'only-ignored',
    'provider.only is ignored.',
    'if (only && !only.includes(provider)) return',
    'if (false) return',
  ),
  sheet('ignore-ignored', 'provider.ignore is ignored.', 'if (ignore?.includes(provider)) return', 'if (false) return'),
  sheet(
    'pin-ignored',
    'A model that is pinned to a provider is asked for elsewhere.',
    'if (pin !== undefined && pin !== provider) return',
    'if (false) return',
  ),
  sheet(
    'fallbacks-anyway',
    'allow_fallbacks: false falls back.',
    'routing.allowFallbacks === false ? ranked.slice(0, 1) : ranked',
    'ranked',
  ),
  sheet(
    'next-model-anyway',
    'allow_fallbacks: false goes on to the next model.',
    'complete = routing.allowFallbacks === false && ranked.length > 0;',
    '',
  ),
  resolve(
    'longest-deadline',
    'The longest of several deadlines holds.',
    'Math.min(timeoutMs ?? deadlineMs, deadlineMs)',
    'Math.max(timeoutMs ?? deadlineMs, deadlineMs)',
  ),
  sheet(
    'overflow-is-no-offer',
    'A prompt that is too long is told as no offer.',
    'if (tooSmall.length > 0) {\n    const param',
    'if (false) {\n    const param',
  ),
  drops(
    'sampling-dropped-silently',
    'A sampling parameter is dropped without a word.',
    'drops.push(SAMPLING_NAMES[key]);',
    '',
  ),
  drops('forced-tool-dropped', 'A forced named function is dropped without a word.', "drops.push('tool_choice');", ''),
  drops(
    'unknown-dropped',
    'Unknown fields are dropped without a word.',
    'drops.push(...call.unknownParameters, ',
    'drops.push(...[], ',
  ),
  drops(
    'clamp-dropped',
    'A limit that was cut is not named.',
    'if (output.clamped) drops.push(',
    'if (false) drops.push(',
  ),
  plan(
    'one-seed',
    'All samples of a seeded call are the same.',
    '{ ...sampling, seed: (sampling.seed ?? 0) + sample }',
    'sampling',
  ),
  plan(
    'stop-twice',
    'Stop strings of a rendered prompt are not applied.',
    '[...call.stop, ...sends.stop]',
    'call.stop',
  ),
  plan(
    'stop-unapplied',
    'Stop strings are not applied where the wire has none.',
    'stop: nativeStop ? NO_STOP : stop,',
    'stop: [],',
  ),
  plan(
    'llama-tools-stream',
    "Llama's tools on Bedrock get the timers of a stream.",
    "(job.kind === 'chat' && !job.toolStreaming && usesTools(job))",
    'false',
    [...OFFERS, 'test/relay/timers.test.ts', 'test/relay/carry.test.ts'],
  ),
  assess(
    'too-many-requests',
    'A call makes more requests than the platform allows.',
    'if (jobs <= 1 || jobs <= fitting) return undefined;',
    'return undefined;',
  ),
  affinity('session-wanders', 'The calls of a session go different ways.', 'call.session === undefined ?', 'true ?'),
  affinity('every-minute-the-same', 'A raw prompt goes the same way for ever.', 'Math.floor(now / WINDOW_MS)', '0'),
  affinity('only-the-beginning', 'Long chats that begin alike go the same way.', 'text.slice(-SAMPLE / 2)', "''"),
  affinity(
    'turns-wander',
    'A conversation without an id changes its offer from turn to turn.',
    "role === 'user' || opening",
    'opening',
  ),
  affinity(
    'without-weights',
    'An expensive offer keeps as many conversations as a cheap one.',
    '/ (weights[index] ?? 0)',
    '/ 1',
  ),
  offers('cost.ts')(
    'warm-as-cold',
    'The sheet expects a warm offer to cost what a cold one does.',
    'const held = cached * promptTimes;',
    'const held = 0;',
    WARM,
  ),
  offers('cost.ts')(
    'more-cached-than-sent',
    'More tokens are expected from the cache than the prompt has.',
    'Math.min(billed.cached(), prompt.total)',
    'billed.cached()',
    WARM,
  ),
  offers('rank.ts')(
    'raw-prompts-keep',
    'The sheet calls a raw prompt a conversation.',
    '...(kept && keeps ?',
    '...(kept ?',
    WARM,
  ),
  inFolder('offers', 'src/relay', ['test/relay/health.test.ts'])('health.ts')(
    'warm-for-ever',
    'A cache is expected to keep what it was given long ago.',
    'last && now - last.at < CACHED_MS ? last.tokens : undefined',
    'last?.tokens',
  ),
  inFolder('offers', 'src/relay', ['test/relay/health.test.ts'])('health.ts')(
    'deaf-to-caches',
    'A provider says that nothing was cached, and the sheet goes on expecting it.',
    'none ? 0 : promptTokens(usage)',
    'promptTokens(usage)',
  ),
  inFolder('dialects', 'src/dialects', ['test/gateway/affinity.test.ts'])('dialect.ts')(
    'client-before-caller',
    'What a program sends by itself goes before what the caller chose.',
    'body.prompt_cache_key ||\n    context.clientSession ||',
    'context.clientSession ||\n    body.prompt_cache_key ||',
  ),
  inFolder('dialects', 'src/dialects', ['test/gateway/affinity.test.ts'])('dialect.ts')(
    'codex-unknown',
    "Codex's and Claude Code's headers name no conversation.",
    'context.clientSession ||',
    '',
  ),
  inFolder('offers', 'src/tokens', ['test/offers/prefixes.test.ts'])('turns.ts')(
    'reminders-in-front',
    'A reminder in the middle of a chat changes the beginning of its prompt.',
    'at >= opening.length;',
    'at >= 1e9;',
  ),
  affinity(
    'by-place',
    'When an offer goes, conversations of others move too.',
    'hash(offerName(offer))',
    'hash(String(index))',
  ),
  offers('plan.ts')(
    'unknown-failure-free',
    'A failed attempt of unknown cost counts as free.',
    'known.length < bounds.length ? undefined :',
    'false ? undefined :',
  ),
  offers('plan.ts')(
    'failures-counted-once',
    'Several failed attempts cost what one does.',
    'known.reduce((sum, bound) => sum + bound, 0n)',
    '(known[0] ?? 0n)',
  ),
  route(
    'route-wins',
    "A route's default wins over the caller's own wish.",
    'routing: { ...routing, ...own, ...asks },',
    'routing: { ...own, ...routing, ...asks },',
  ),
  route(
    'suffix-lost',
    'The suffix of a name is without effect.',
    'routing: plain === name ? own : { ...own, ...asks } }];',
    'routing: own }];',
  ),
  source(
    'free-costs',
    ':free takes what costs.',
    "':free': { maxPrice: { prompt: 0n, completion: 0n } },",
    "':free': {},",
  ),
  route(
    'pattern-hides',
    'A pattern takes the names of models that are known.',
    'fits && !isModelName(name, world) ?',
    'fits ?',
  ),
  route('any-pattern', 'Of several patterns the first counts.', '.sort((a, b) => lengthOf(b) - lengthOf(a))', ''),
  route(
    'overlap',
    'Both ends of a pattern may be the same letters.',
    'return at <= name.length - last.length;',
    'return true;',
  ),
  offers('routes.ts')('circle', 'A route that comes back to itself is taken.', 'if (circle >= 0) {', 'if (false) {'),
  offers('routes.ts')(
    'unknown-target',
    'A route to a model that nobody knows is taken.',
    'if (unknown) report(',
    'if (false) report(',
  ),
  offers('renderings.ts')(
    'markers-sent',
    'Template syntax in a text is sent on.',
    "if (mode === 'reject') return found;",
    "if (mode === 'reject') return { messages, tools, altered: [] };",
    ['test/offers/context.test.ts', 'test/gateway/markers.test.ts'],
  ),
  charge('rounded-down', 'Costs are rounded down.', '(2n * dividend + divisor) / (2n * divisor)', 'dividend / divisor'),
  charge(
    'cache-free',
    'Cached tokens without a price of their own are free.',
    'rate.cacheRead ?? rate.input',
    'rate.cacheRead ?? 0n',
  ),
  charge(
    'reasoning-free',
    'Reasoning is not billed.',
    'rate.output * BigInt(completionTokens(usage))',
    'rate.output * BigInt(usage.output)',
  ),
  charge(
    'cache-left-out',
    'Cached tokens are not in the total.',
    'parts.prompt + parts.completion + parts.cached',
    'parts.prompt + parts.completion',
  ),
  charge('estimate-unsaid', 'A share of an hour passes for a bill.', 'tokens, true);', 'tokens, false);'),
  charge('unknown-sum', 'A sum with an unknown part is known.', '} else reason ??= cost.reason;', '}'),
  live(
    'old-read-wins',
    'A late old read of D1 overwrites newer prices.',
    'if (next.version <= stored.version) return;',
    '',
  ),
  live(
    'never-read-again',
    'Prices are never read again.',
    'now() - Math.max(readAt, askedAt) > FRESH_MS',
    'readAt < 0',
  ),
  live(
    'down-database-asked',
    'A database that is down is asked by every call.',
    '      readAt = now();\n      console.error',
    '      console.error',
  ),
  names(
    'elsewhere-refused',
    'A request that names a provider of OpenRouter which is not here is refused.',
    '!isElsewhere(name)',
    'true',
  ),
  names('misspelt-provider', 'A misspelt provider is ignored in silence.', '!isElsewhere(name)', 'false'),
  names(
    'wish-unsaid',
    'A wish for a provider that is not here is dropped without a word.',
    "else if (field !== 'ignore') ignored.push(",
    'else if (false) ignored.push(',
  ),
  services(
    'own-names-in-one-case',
    "A model of one's own is not found in another case.",
    'folded.get(name.toLowerCase())',
    'undefined',
  ),
  services(
    'same-weights-apart',
    "A service of one's own is not found by its model's other names.",
    'add(known, match.model.id, offer);',
    '',
  ),
  source(
    'free-is-not-free',
    'A call to a :free model is billed.',
    "':free': { maxPrice: { prompt: 0n, completion: 0n } },",
    "':free': {},",
    NAMES,
  ),
  offers('request-form.ts')(
    'image-objection-ignored',
    'The sheet offers images to a provider that would have to fetch them.',
    'return objection ? exclude(',
    'return false && objection ? exclude(',
    ['test/offers/sheet.test.ts'],
  ),
  assess(
    'long-uncounted',
    'A prompt is not counted although its length may decide.',
    'bound !== undefined && bound <= enough',
    'bound !== undefined',
    ['test/offers/uncounted.test.ts'],
  ),
  assess(
    'max-cost-uncounted',
    'A prompt is not counted although max_cost depends on it.',
    'given.countWhenRead && call.routing.maxCost === undefined &&',
    'given.countWhenRead &&',
    ['test/offers/uncounted.test.ts'],
  ),
  output(
    'room-for-all',
    'The most that can come back leaves no room for the prompt.',
    'context - prompt.largest, given ??',
    'context, given ??',
    ['test/offers/uncounted.test.ts'],
  ),
  assess(
    'schema-refusal-forgotten',
    'An offer is asked again and again to hold answers to schemas.',
    'if (given.world.health.refusesSchemas(provider, upstream, schemas, given.now, service)) return plain;',
    '',
    CAN,
  ),
  measure('schema-not-bounded', 'What a schema adds to a prompt breaks max_cost.', 'most + beside', 'most', CAN),
  rank(
    'always-first',
    'The sheet says that calls ask an offer first which comes after another.',
    'before.model === offer.model',
    'true',
    ['test/offers/routing.test.ts'],
  ),
  schema(
    'objects-left-open',
    'Bedrock refuses every schema of a library.',
    '...(describesObject(schema) ? { additionalProperties: false } : {}),',
    '',
  ),
  schema('circles-sent', 'Bedrock refuses a schema that refers to itself.', '!circles(fit)', 'true'),
  schema(
    'limits-unsaid',
    'A limit in a schema is lost without a word.',
    'for (const key of limits) left.add(key);',
    '',
  ),
  inFolder('catalog', 'src/catalog', NAMES)('find.ts')(
    'every-name-compared',
    'Every call to a model of one’s own compares its name with all names of the catalogue.',
    'get suggestions() {\n      return suggest(name);\n    },',
    'suggestions: suggest(name),',
  ),
];
