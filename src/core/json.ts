/** What has been parsed and not yet checked: objects, the path of a member, the order of names. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object: not an array, not null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The path of a member. A key that is not a plain name is quoted and cut. */
export const memberPath = (path: string, key: string): string =>
  /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 80))}]`;

/**
 * Orders by code units, the same on every machine. `localeCompare` does not, and loads a collation at its first use:
 * 14 ms of a cold start.
 */
export const byCodeUnits = (a: string, b: string): number => Number(a > b) - Number(a < b);
