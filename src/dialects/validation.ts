/** Checks values by valibot schemas, and says what is wrong in words that name the field. */
import * as v from 'valibot';
import { GatewayError } from '../core/index.ts';
import { MAX_SESSION } from './dialect.ts';

/** Clients write out fields that are not set. */
export const isUnset = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);

/** OpenAI takes `null` for a field that is not set; so do we. */
export const optional = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);

export const finite = v.pipe(v.number(), v.finite('must be a finite number'));

export const between = (low: number, high: number) =>
  v.pipe(finite, v.minValue(low, `must be at least ${low}`), v.maxValue(high, `must be at most ${high}`));

export const integer = (low: number, high = Number.MAX_SAFE_INTEGER) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(low, `must be at least ${low}`),
    v.maxValue(high, `must be at most ${high}`),
  );

const MAX_NAMES = 32;
const MAX_NAME = 512;

/** The name of a model, a provider or a template. */
export const name = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_NAME, `must be at most ${MAX_NAME} characters`),
);

export const names = v.pipe(
  v.array(name),
  v.minLength(1, 'must name at least one'),
  v.maxLength(MAX_NAMES, `must name at most ${MAX_NAMES}`),
);

/** The caller's id of a conversation. */
export const sessionId = v.pipe(v.string(), v.maxLength(MAX_SESSION, `must be at most ${MAX_SESSION} characters`));

function append(path: string, issue: v.BaseIssue<unknown>): string {
  let out = path;
  for (const { key } of issue.path ?? [])
    out += typeof key === 'number' ? `[${key}]` : `${out ? '.' : ''}${String(key)}`;
  return out;
}

/** The most useful issue: where a union matched no option, that of the option which got furthest. */
function deepestIssue(issue: v.BaseIssue<unknown>, path: string): { issue: v.BaseIssue<unknown>; path: string } {
  const here = append(path, issue);
  const deepest = (issue.issues ?? [])
    .filter((inner) => inner.path?.length)
    .sort((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0];
  return deepest ? deepestIssue(deepest, here) : { issue, path: here };
}

const MAX_MESSAGE = 200;

export interface Problem {
  /** The path of the field at fault; empty for the whole value. */
  readonly param: string;
  readonly text: string;
}

/**
 * What is wrong with a value.
 *
 * @param meant the name that an unknown field of a strict object was probably meant to be
 */
export function problemOf(first: v.BaseIssue<unknown>, meant: (field: string) => string | undefined): Problem {
  const { issue, path: param } = deepestIssue(first, '');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const right = meant(param.slice(param.lastIndexOf('.') + 1));
    const hint = right === undefined ? 'Check its spelling or remove it.' : `Did you mean ${right}?`;
    return { param, text: `unknown field. ${hint}` };
  }
  const plain = /^Invalid/.test(issue.message)
    ? `expected ${issue.expected ?? 'another value'}, received ${issue.received}`
    : issue.message;
  const message = issue.received === 'undefined' ? 'is required' : plain;
  const shown = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  return { param, text: `${shown}.` };
}

export function toError({ param, text }: Problem): GatewayError {
  return new GatewayError('invalid_request', `${param || 'body'}: ${text}`, param ? { param } : {});
}

/** An error that names the field at fault. */
export const invalid = (param: string, text: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${text}`, { param });

/** No call can be made without a model. */
export const modelMissing = (): GatewayError =>
  invalid('model', 'is required. GET /v1/models lists what can be asked for.');

/** Nesting beyond what anyone writes by hand; JSON.stringify overflows the stack at some greater depth. */
const MAX_DEPTH = 100;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((member) => isDeeper(member, levels - 1));
  for (const member of Object.values(value)) if (isDeeper(member, levels - 1)) return true;
  return false;
}

/** Throws `invalid_request` for a value that is nested too deeply. Takes time linear in its size. */
export function assertShallow(value: unknown, param: string): void {
  if (isDeeper(value, MAX_DEPTH)) throw invalid(param, `nested more than ${MAX_DEPTH} levels deep.`);
}
