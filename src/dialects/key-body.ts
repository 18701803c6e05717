/**
 * Keys and accounts as JSON: the bodies of `/v1/keys` and `/v1/accounts`, and how settings are shown in answers. A
 * change is a JSON Merge Patch (RFC 7396) of the form in which settings are shown.
 */
import * as v from 'valibot';
import { ACCOUNT_NAME, type Budget, type KeySettings } from '../accounts/index.ts';
import { nearestOf } from '../catalog/index.ts';
import { formatDollars, GatewayError, isObject, type JsonObject, MARKER_MODES, memberPath } from '../core/index.ts';
import { amountOf, dollars } from './routing.ts';
import { integer, invalid, name, optional, problemOf } from './validation.ts';

const MAX_NAME = 200;
/** An account keeps at most 65,536 characters of a key's settings. */
const MAX_LISTED = 100;
/** As in OpenAI's metadata. */
const MAX_PAIRS = 16;
const MAX_PAIR_NAME = 64;
const MAX_PAIR_TEXT = 512;
/** Of a field's name, in an error. */
const MAX_PARAM = 100;
/** Dollars. Whoever means more has mistyped. */
const MOST_BUDGET = '1000000000';
const MOST_RPM = 1_000_000;
const MOST_TPM = 10_000_000_000;
const MOST_AT_ONCE = 100_000;

const PERIODS = ['day', 'week', 'month', 'total'] as const;

const wellFormed = v.check((text: string) => text.isWellFormed(), 'must be well-formed Unicode');

const keyName = v.pipe(
  v.string(),
  v.check((text) => text.trim() !== '', 'must not be empty'),
  v.maxLength(MAX_NAME, `must be at most ${MAX_NAME} characters`),
  wellFormed,
);

const amount = v.pipe(
  dollars,
  v.check((given) => amountOf(given) > 0n, 'must be more than 0'),
  v.check((given) => amountOf(given) <= amountOf(MOST_BUDGET), `must be at most ${MOST_BUDGET} dollars`),
);

export const budget = v.strictObject({
  limit: optional(amount),
  period: optional(v.picklist(PERIODS, 'must be "day", "week", "month" or "total"')),
});

const listed = v.pipe(
  v.array(name),
  v.minLength(1, 'must name at least one, or be null for all'),
  v.maxLength(MAX_LISTED, `must name at most ${MAX_LISTED}`),
);

export const settings = v.strictObject({
  name: optional(keyName),
  budget: optional(budget),
  limits: optional(
    v.strictObject({
      rpm: optional(integer(1, MOST_RPM)),
      tpm: optional(integer(1, MOST_TPM)),
      concurrency: optional(integer(1, MOST_AT_ONCE)),
    }),
  ),
  allow: optional(v.strictObject({ models: optional(listed), providers: optional(listed) })),
  expires_at: optional(
    v.union([v.string(), v.number()], 'must be a time, like "2027-01-31T00:00:00Z", or milliseconds since 1970'),
  ),
  // Checked by hand: valibot leaves out names such as `__proto__` without a word.
  metadata: optional(v.custom<JsonObject>(isObject, 'must be an object of texts')),
  markers: optional(v.picklist(MARKER_MODES, 'must be "reject", "neutralise" or "allow"')),
  at_limit: optional(v.picklist(['clamp', 'cheaper'], 'must be "clamp" or "cheaper"')),
});

type WireSettings = v.InferOutput<typeof settings>;

export const newKey = v.strictObject({
  ...settings.entries,
  account: optional(
    v.pipe(
      v.string(),
      v.regex(ACCOUNT_NAME, 'must be 1 to 63 letters, digits, "." , "_" or "-", and begin with a letter or digit'),
    ),
  ),
});

export const accountBody = v.strictObject({ budget: optional(budget) });

type AnySchema = typeof newKey | typeof settings | typeof accountBody;

const FIELDS = [...Object.keys(newKey.entries), 'limit', 'period', 'rpm', 'tpm', 'concurrency', 'models', 'providers'];

/** Throws `invalid_request` with the field at fault. */
function checked<S extends AnySchema>(schema: S, body: unknown): v.InferOutput<S> {
  if (!isObject(body)) throw new GatewayError('invalid_request', 'The body must be a JSON object.');
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (result.success) return result.output;
  const { param, text } = problemOf(result.issues[0], (field) => nearestOf(field, FIELDS)[0]);
  throw invalid(param.slice(0, MAX_PARAM), text);
}

/** RFC 7396. Members are defined and not assigned, so that `__proto__` is a name like any other. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, merged(members.get(key), value));
  }
  return Object.fromEntries(members);
}

function toBudget({ limit, period }: NonNullable<WireSettings['budget']>): Budget {
  if (limit == null) throw invalid('budget.limit', 'is required: an amount in dollars, like "5.00".');
  if (period == null) throw invalid('budget.period', 'is required: "day", "week", "month" or "total".');
  return { limit: amountOf(limit), period };
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/i;

function toTime(given: string | number): number {
  const ms = typeof given === 'number' ? given : RFC_3339.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isSafeInteger(ms) && ms >= 0 && !Number.isNaN(new Date(ms).getTime())) return ms;
  throw invalid('expires_at', 'must be a time, like "2027-01-31T00:00:00Z", or milliseconds since 1970.');
}

function toMetadata(given: JsonObject): Readonly<Record<string, string>> {
  const pairs = Object.entries(given);
  if (pairs.length > MAX_PAIRS) throw invalid('metadata', `must have at most ${MAX_PAIRS} members.`);
  const known: [string, string][] = [];
  for (const [key, text] of pairs) {
    const param = memberPath('metadata', key.slice(0, MAX_PARAM));
    if (!/^[A-Za-z0-9][\w.-]*$/.test(key) || key.length > MAX_PAIR_NAME) {
      throw invalid(param, `names have 1 to ${MAX_PAIR_NAME} letters, digits, "_", "." or "-".`);
    }
    if (typeof text !== 'string') throw invalid(param, 'must be a text.');
    if (text.length > MAX_PAIR_TEXT) throw invalid(param, `must be at most ${MAX_PAIR_TEXT} characters.`);
    if (!text.isWellFormed()) throw invalid(param, 'must be well-formed Unicode.');
    known.push([key, text]);
  }
  return Object.fromEntries(known);
}

function toSettings(wire: WireSettings): KeySettings {
  if (wire.name == null) throw invalid('name', 'is required: what the key is for, in a few words.');
  const { rpm, tpm, concurrency } = wire.limits ?? {};
  const { models, providers } = wire.allow ?? {};
  return {
    name: wire.name,
    ...(wire.budget == null ? {} : { budget: toBudget(wire.budget) }),
    ...(rpm == null ? {} : { rpm }),
    ...(tpm == null ? {} : { tpm }),
    ...(concurrency == null ? {} : { concurrency }),
    ...(models == null ? {} : { models }),
    ...(providers == null ? {} : { providers }),
    ...(wire.markers == null ? {} : { markers: wire.markers }),
    atLimit: wire.at_limit ?? 'clamp',
    ...(wire.expires_at == null ? {} : { expiresAt: toTime(wire.expires_at) }),
    ...(wire.metadata == null ? {} : { metadata: toMetadata(wire.metadata) }),
  };
}

/** Settings as answers show them. Null: not set. */
export function settingsJson(known: KeySettings) {
  const { rpm, tpm, concurrency, models, providers, expiresAt } = known;
  const limits = {
    ...(rpm === undefined ? {} : { rpm }),
    ...(tpm === undefined ? {} : { tpm }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
  const allow = { ...(models ? { models } : {}), ...(providers ? { providers } : {}) };
  return {
    name: known.name,
    budget: budgetJson(known.budget),
    limits: Object.keys(limits).length > 0 ? limits : null,
    allow: Object.keys(allow).length > 0 ? allow : null,
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    metadata: known.metadata ?? {},
    markers: known.markers ?? null,
    at_limit: known.atLimit,
  };
}

export const budgetJson = (known: Budget | undefined) =>
  known ? { limit: formatDollars(known.limit), period: known.period } : null;

/** Throws `invalid_request` for a time that is over. */
function assertAhead(known: KeySettings, now: number): KeySettings {
  if (known.expiresAt === undefined || known.expiresAt > now) return known;
  throw invalid('expires_at', 'must be in the future. DELETE /v1/keys/{id} revokes a key at once.');
}

/**
 * The body of `POST /v1/keys`. Throws `invalid_request` with the field at fault.
 *
 * @param now milliseconds since the epoch
 */
export function readNewKey(
  body: unknown,
  now: number,
): { readonly account: string | undefined; readonly settings: KeySettings } {
  const { account, ...wire } = checked(newKey, body);
  return { account: account ?? undefined, settings: assertAhead(toSettings(wire), now) };
}

/**
 * The settings of a key after the body of `PATCH /v1/keys/{id}`: members replace, null removes, the rest stays. Throws
 * `invalid_request` with the field at fault.
 */
export function changedSettings(known: KeySettings, body: unknown, now: number): KeySettings {
  if (isObject(body) && Object.hasOwn(body, 'account')) {
    throw invalid('account', 'a key stays with its account. Make another key there.');
  }
  const patch = checked(settings, body);
  const changed = toSettings(checked(settings, merged(settingsJson(known), body)));
  return patch.expires_at == null ? changed : assertAhead(changed, now);
}

/** The budget of an account after the body of `PATCH /v1/accounts/{id}`. Undefined: none. */
export function changedBudget(known: Budget | undefined, body: unknown): Budget | undefined {
  const patch = checked(accountBody, body);
  if (patch.budget === undefined) throw invalid('budget', 'is required: {"limit", "period"}, or null to remove it.');
  const wire = checked(accountBody, merged({ budget: budgetJson(known) ?? {} }, body));
  return wire.budget == null ? undefined : toBudget(wire.budget);
}
