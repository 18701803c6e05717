import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { GatewayError, type JsonObject } from '../../src/core/index.ts';
import { bodySchema } from '../../src/dialects/body-schema.ts';
import { chatSchema, completionSchema, parseChat, parseCompletion } from '../../src/dialects/openai/request.ts';
import { change, changed, containers, context, errorOf, hi } from './support.ts';

const tool = { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } };
const call = { id: 'c', type: 'function', index: 0, function: { name: 'f', arguments: '{}' } };

const CHAT = {
  model: 'm',
  models: ['a', 'b'],
  messages: [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'image_url', image_url: { url: 'data:,' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [call],
      reasoning_details: [{ type: 'reasoning.text', text: 't' }],
    },
    { role: 'tool', content: 'x', tool_call_id: 'c' },
    { role: 'user', content: 'b', name: 'n' },
  ],
  provider: {
    order: ['together'],
    max_price: { prompt: '0.5', completion: 1 },
    max_cost: 0.01,
    sort: { by: 'price', partition: 'model' },
    preferred_max_latency: { p50: 1, p90: 2 },
    zdr: false,
  },
  template: { markers: 'allow' },
  temperature: 0.5,
  top_k: 1,
  seed: 3,
  logit_bias: { 1: -100 },
  n: 1,
  stop: ['a'],
  stream: true,
  stream_options: { include_usage: true },
  tools: [tool],
  tool_choice: { type: 'function', function: { name: 'f' } },
  functions: [tool.function],
  response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } },
  reasoning: { effort: 'low', enabled: true },
  logprobs: true,
  top_logprobs: 2,
  max_completion_tokens: 5,
  user: 'u',
};

const COMPLETION = {
  model: 'm',
  prompt: ['a', 'b'],
  max_tokens: 3,
  logprobs: 1,
  echo: true,
  suffix: 'c',
  best_of: 1,
  provider: { max_cost: '0.1' },
};

/** A call without what is said of unknown fields. */
const known = ({ call: { unknownParameters: _, extra: __, ...call }, ...form }: ReturnType<typeof parseChat>) => ({
  call,
  form,
});

const outcome = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    return { code: thrown.code, message: thrown.message };
  }
};

describe('a body that is checked without valibot', () => {
  it.each([
    ['chat', chatSchema, CHAT],
    ['completion', completionSchema, COMPLETION],
  ] as const)('is accepted only where valibot accepts it, whatever is changed in a %s', (_kind, schema, body) => {
    const read = bodySchema(schema);
    expect(read.accepts(body)).toBe(true);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        const given = changed(body, changes);
        const valid = v.safeParse(schema, given).success;
        if (read.accepts(given)) expect(valid).toBe(true);
        else if (valid) expect(changes.some(({ value }) => onlyValibotKnows(value))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('makes the call, or the error, that its copy by valibot makes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2 }), (changes) => {
        const given = changed(CHAT, changes);
        const copy = v.safeParse(chatSchema, given);
        if (!copy.success) return;
        // A copy has no field that is refused for being unknown.
        const direct = outcome(() => known(parseChat(pick(given, Object.keys(copy.output)), context)));
        expect(direct).toEqual(outcome(() => known(parseChat(copy.output, context))));
      }),
      { numRuns: 2000 },
    );
  });

  it('is what bodies usually are, unknown fields and all', () => {
    const read = bodySchema(chatSchema);
    expect(read.accepts({ ...hi, top_a: 1, messages: [{ role: 'user', content: 'x', cache_control: {} }] })).toBe(true);
    expect(bodySchema(completionSchema).accepts({ model: 'm', prompt: [[1, 2]] })).toBe(true);
  });

  it('is left to valibot where its keys are odd', () => {
    const parameters = { type: 'object', constructor: 1 };
    const { call } = parseChat({ ...hi, tools: [{ type: 'function', function: { name: 'f', parameters } }] }, context);
    expect(call.tools).toEqual([{ name: 'f', parameters: { type: 'object' } }]);
  });

  it('is refused in the words of its schema', () => {
    expect(errorOf(() => parseChat({ ...hi, provider: { max_cost: 'x' } }, context)).message).toBe(
      'provider.max_cost: must be an amount in dollars, 0 or more, with at most 9 decimals.',
    );
    expect(errorOf(() => parseCompletion({ model: 'm', prompt: [1, 'a'] }, context)).details.param).toBe('prompt[1]');
  });
});

const pick = (body: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([key]) => keys.includes(key)));

/** valibot takes a list for an object, and leaves odd keys out of a record. */
const onlyValibotKnows = (value: unknown): boolean =>
  containers(value).some((one) => Array.isArray(one) || /constructor|proto/.test(Object.keys(one).join()));
