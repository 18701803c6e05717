import { isJson, type Json } from '../json.ts';
import type { Answer } from '../wire/types.ts';
import { refuse } from './errors.ts';

type Rule = readonly [field: string, holds: (value: unknown) => boolean, says: string];

const between = (low: number, high: number) => (value: unknown) =>
  typeof value === 'number' && value >= low && value <= high;
const positive = (value: unknown) => Number.isInteger(value) && Number(value) >= 1;
const strings = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');
const tokens = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(Number.isInteger);
const isPrompt = (value: unknown) =>
  typeof value === 'string' || strings(value) || tokens(value) || (Array.isArray(value) && value.every(tokens));
const boolean = (value: unknown) => typeof value === 'boolean';

/** Only what is set is looked at; other fields are let through, as vLLM's models allow extra ones. */
const COMMON: readonly Rule[] = [
  ['temperature', between(0, Number.POSITIVE_INFINITY), 'temperature must be non-negative'],
  ['top_p', between(Number.MIN_VALUE, 1), 'top_p must be in (0, 1]'],
  ['top_k', Number.isInteger, 'top_k must be an integer'],
  ['min_p', between(0, 1), 'min_p must be in [0, 1]'],
  ['n', positive, 'n must be at least 1'],
  ['seed', Number.isInteger, 'Input should be a valid integer'],
  ['stop', (value) => typeof value === 'string' || strings(value), 'Input should be a valid string or list'],
  ['stream', boolean, 'Input should be a valid boolean'],
  ['presence_penalty', between(-2, 2), 'presence_penalty must be in [-2, 2]'],
  ['frequency_penalty', between(-2, 2), 'frequency_penalty must be in [-2, 2]'],
];

const RULES: Readonly<Record<'chat' | 'completions', readonly Rule[]>> = {
  chat: [
    ...COMMON,
    ['max_tokens', positive, 'max_tokens must be at least 1'],
    ['max_completion_tokens', positive, 'max_completion_tokens must be at least 1'],
    ['chat_template_kwargs', isJson, 'Input should be a valid dictionary'],
    ['messages', (value) => Array.isArray(value) && value.every(isJson), 'Input should be a valid list'],
    ['logprobs', boolean, 'Input should be a valid boolean'],
    ['top_logprobs', between(0, 20), 'top_logprobs must be between 0 and 20'],
    ['tools', (value) => Array.isArray(value) && value.every(isJson), 'Input should be a valid list'],
  ],
  completions: [
    ...COMMON,
    ['prompt', isPrompt, 'Input should be a valid string or list'],
    ['logprobs', Number.isInteger, 'Input should be a valid integer'],
    ['echo', boolean, 'Input should be a valid boolean'],
    ['suffix', () => false, 'suffix is not currently supported'],
  ],
};

const NEEDED = { chat: 'messages', completions: 'prompt' } as const;

/** vLLM's refusal of a request, if it has one. */
export function check(kind: 'chat' | 'completions', body: Json): Answer | undefined {
  if (body[NEEDED[kind]] === undefined) {
    return refuse(400, `[{'type': 'missing', 'loc': ('body', '${NEEDED[kind]}'), 'msg': 'Field required'}]`);
  }
  const { max_tokens: limit, echo } = body;
  // An echo alone, for the prompt's log probabilities.
  if (kind === 'completions' && limit != null && !positive(limit) && !(limit === 0 && echo === true)) {
    return refuse(400, 'max_tokens must be at least 1', { max_tokens: limit });
  }
  for (const [field, holds, says] of RULES[kind]) {
    const value = body[field];
    if (value !== undefined && value !== null && !holds(value)) return refuse(400, says, { [field]: value });
  }
  if (body.stream_options && body.stream !== true) {
    return refuse(400, 'Stream options can only be defined when `stream=True`.');
  }
  return undefined;
}
