import fc from 'fast-check';
import { GatewayError, type JsonObject } from '../../src/core/index.ts';
import type { CallContext } from '../../src/dialects/openai/index.ts';

export const context: CallContext = { id: 'gen-1', strict: false };
export const hi = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };

/** The error of what must not be accepted. */
export function errorOf(run: () => unknown): GatewayError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error('it was accepted');
}

/** What stands at a place is another of these. */
const strange = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 1e12, '', 'x', 'none', 'auto', [], {}, [1, 2], [[1]], {
    type: 'text',
  }),
  fc.constantFrom(
    'x'.repeat(600),
    Array.from({ length: 200 }, () => 'x'),
    { constructor: 1 },
    [{ role: 'user' }],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

export type Change = { readonly at: number; readonly how: 'replace' | 'remove' | 'add'; readonly value: unknown };
export const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('replace', 'remove', 'add'),
  value: strange,
});

/** Every object and list inside a value. */
export function containers(value: unknown): (Record<string, unknown> | unknown[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(containers)];
}

/** A copy of a body with something else at some places. */
export function changed(body: object, changes: readonly Change[]): JsonObject {
  const copy = structuredClone(body);
  for (const { at, how, value: shared } of changes) {
    const value = structuredClone(shared);
    const all = containers(copy).flatMap((one) => [...Object.keys(one), ''].map((key) => ({ one, key })));
    const place = all[at % all.length];
    if (!place) continue;
    const { one, key } = place;
    if (how === 'add' || key === '')
      Object.assign(one, Array.isArray(one) ? { [one.length]: value } : { unknown: value });
    else if (how === 'remove' && !Array.isArray(one)) delete one[key];
    else Object.assign(one, { [key]: value });
  }
  return JSON.parse(JSON.stringify(copy)) as JsonObject;
}
