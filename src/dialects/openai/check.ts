import * as v from 'valibot';
import { GatewayError } from '../../core/index.ts';
import { routingFieldMeant } from './slips.ts';

function append(path: string, issue: v.BaseIssue<unknown>): string {
  let out = path;
  for (const { key } of issue.path ?? [])
    out += typeof key === 'number' ? `[${key}]` : `${out ? '.' : ''}${String(key)}`;
  return out;
}

/** The issue that says most: of a union that matched no branch, the branch that went deepest before it failed. */
function mostTelling(issue: v.BaseIssue<unknown>, path: string): { issue: v.BaseIssue<unknown>; path: string } {
  const here = append(path, issue);
  const deepest = (issue.issues ?? [])
    .filter((inner) => inner.path?.length)
    .sort((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0];
  return deepest ? mostTelling(deepest, here) : { issue, path: here };
}

const MAX_MESSAGE = 200;

/** Which field is at fault, empty for the whole, and what is wrong with it. */
export function problemOf(first: v.BaseIssue<unknown>): { readonly param: string; readonly text: string } {
  const { issue, path: param } = mostTelling(first, '');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const meant = routingFieldMeant(param.slice(param.lastIndexOf('.') + 1), 3);
    const hint = meant === undefined ? 'Check its spelling or remove it.' : `Did you mean ${meant}?`;
    return { param, text: `unknown field. ${hint}` };
  }
  const plain = /^Invalid/.test(issue.message)
    ? `expected ${issue.expected ?? 'another value'}, received ${issue.received}`
    : issue.message;
  const message = issue.received === 'undefined' ? 'is required' : plain;
  const shown = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  return { param, text: `${shown}.` };
}

function toError(first: v.BaseIssue<unknown>): GatewayError {
  const { param, text } = problemOf(first);
  return new GatewayError('invalid_request', `${param || 'body'}: ${text}`, param ? { param } : {});
}

/** The body by its schema. Throws `invalid_request` naming the field that is not as it says. */
export function check<T extends v.GenericSchema>(schema: T, body: unknown): v.InferOutput<T> {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new GatewayError('invalid_request', 'The body must be a JSON object.');
  }
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (!result.success) throw toError(result.issues[0]);
  return result.output;
}

/** Deeper than anything a person writes; JSON.stringify overflows the stack somewhere past it. */
const MAX_DEPTH = 100;

/** @throws GatewayError for a value of the caller's that is nested beyond reason; linear in its size */
export function assertShallow(value: unknown, param: string): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new GatewayError('invalid_request', `${param}: nested more than ${MAX_DEPTH} levels deep.`, { param });
    }
    level = level.flatMap((item) => (item !== null && typeof item === 'object' ? Object.values(item) : []));
  }
}
