import * as v from 'valibot';
import { GatewayError } from '../../core/index.ts';

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
    return { param, text: 'unknown field. Check its spelling or remove it.' };
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
