export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether what was parsed, and nobody has checked, is an object: no array, not null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Path of a member; a key that is no plain name is quoted, and cut. */
export const memberPath = (path: string, key: string): string =>
  /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 80))}]`;
