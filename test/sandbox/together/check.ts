import { isJson, type Json } from '../json.ts';
import type { Answer } from '../wire/types.ts';
import { refuse } from './errors.ts';

type Rule = readonly [field: string, holds: (value: unknown) => boolean, wanted: string];

const isNumber = (value: unknown) => typeof value === 'number';
const isCount = (high: number) => (value: unknown) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= high;
const isTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isObjects = (value: unknown) => Array.isArray(value) && value.every(isJson);
const isBoolean = (value: unknown) => typeof value === 'boolean';

/** The types of github.com/togethercomputer/openapi. Fields it does not know are let through, as peers' traffic shows. */
const COMMON: readonly Rule[] = [
  ['max_tokens', Number.isInteger, 'an integer'],
  ['stop', isTexts, 'an array of strings'],
  ['temperature', isNumber, 'a number'],
  ['top_p', isNumber, 'a number'],
  ['top_k', Number.isInteger, 'an integer'],
  ['repetition_penalty', isNumber, 'a number'],
  ['presence_penalty', isNumber, 'a number'],
  ['frequency_penalty', isNumber, 'a number'],
  ['seed', Number.isInteger, 'an integer'],
  ['n', isCount(128), 'an integer from 1 to 128'],
  // Not OpenAI's boolean.
  [
    'logprobs',
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 20,
    'an integer from 0 to 20',
  ],
  ['echo', isBoolean, 'a boolean'],
  ['stream', isBoolean, 'a boolean'],
];

export const RULES: Readonly<Record<'chat' | 'completions', readonly Rule[]>> = {
  chat: [...COMMON, ['messages', isObjects, 'an array of messages'], ['tools', isObjects, 'an array of tools']],
  // One string: arrays of prompts are OpenAI's.
  completions: [...COMMON, ['prompt', (value) => typeof value === 'string', 'a string']],
};

const NEEDED = { chat: 'messages', completions: 'prompt' } as const;

/** Together's refusal of a request, if it has one. */
export function check(kind: 'chat' | 'completions', body: Json): Answer | undefined {
  const needed = NEEDED[kind];
  if (body[needed] === undefined)
    return refuse(400, { message: `Missing required parameter: '${needed}'.`, param: needed });
  for (const [field, holds, wanted] of RULES[kind]) {
    const value = body[field];
    if (value !== undefined && value !== null && !holds(value)) {
      return refuse(422, { message: `Input validation error: \`${field}\` must be ${wanted}`, param: field });
    }
  }
  return undefined;
}
