/**
 * A document of the SDK's as JSON text. Numbers beyond a double come as `bigint`, or as the SDK's `NumericValue` with
 * their digits in `string`, and `JSON.stringify` would fail on the one and misspell the other.
 */
export function documentJson(value: unknown): string {
  if (value === undefined) return '{}';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(documentJson).join(',')}]`;
  if (isNumericValue(value)) return value.string;
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}:${documentJson(member)}`)
    .join(',')}}`;
}

/** By its prototype, which a plain object with the same members does not have. */
const isNumericValue = (value: object): value is { string: string } =>
  Object.getPrototypeOf(value) !== Object.prototype && 'string' in value && typeof value.string === 'string';

/**
 * What a tool is called with: the document as JSON; or its text, where a model's own JSON comes as a string in its place. No
 * arguments are `{}`, whatever stands for them.
 */
export function argumentsJson(input: unknown): string {
  if (input === null || input === '') return '{}';
  return typeof input === 'string' && input.trimStart().startsWith('{') ? input : documentJson(input);
}
