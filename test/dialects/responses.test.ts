import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Event, GatewayError } from '../../src/core/index.ts';
import type { Envelope } from '../../src/dialects/dialect.ts';
import { writeCarrier } from '../../src/dialects/reasoning-carrier.ts';
import { responsesDialect } from '../../src/dialects/responses/index.ts';
import { assertResponse, readResponses } from '../support/responses.ts';
import { context, errorOf } from './support.ts';

const { parse, answer, stream } = responsesDialect;
const callOf = (body: object) => parse({ model: 'm', input: 'Hi', ...body }, context).call;
const refused = (body: object) => errorOf(() => parse({ model: 'm', input: 'Hi', ...body }, context));

const envelope: Envelope = {
  id: 'gen-1a',
  created: 1,
  now: () => 2500,
  model: 'llama',
  provider: 'bedrock',
  reasoningFamily: 'qwen3',
  fingerprint: null,
};

const run = { type: 'function', name: 'run', parameters: { type: 'object' }, strict: false };
const patch = { type: 'custom', name: 'patch', description: 'Edits', format: { type: 'text' } };
const files = {
  type: 'namespace',
  name: 'files',
  description: 'About files.',
  tools: [{ ...run, name: 'read' }, patch],
};

describe('the input of a response', () => {
  it('is a text, or items that make the turns of a chat', () => {
    expect(callOf({ instructions: 'Be brief.' }).messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ]);
    const carrier = writeCarrier({ reasoning: 'I think', reasoningFamily: 'qwen3' });
    const { messages } = callOf({
      input: [
        { role: 'developer', content: 'Be kind.' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: carrier },
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'read', namespace: 'files', arguments: '{}' },
        { type: 'custom_tool_call', call_id: 'b', name: 'patch', namespace: 'functions', input: 'x\n"y"' },
        { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_text', text: 'found' }] },
        { type: 'custom_tool_call_output', call_id: 'b', output: 'done' },
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: 'I look.',
        reasoning: 'I think',
        reasoningFamily: 'qwen3',
        toolCalls: [
          { id: 'a', name: 'files__read', arguments: '{}' },
          { id: 'b', name: 'patch', arguments: '{"input":"x\\n\\"y\\""}' },
        ],
      },
      { role: 'tool', content: 'found', toolCallId: 'a' },
      { role: 'tool', content: 'done', toolCallId: 'b' },
    ]);
  });

  it('keeps texts of the assistant apart that are no one answer', () => {
    const said = (content: string) => ({ role: 'assistant', content });
    expect(callOf({ input: [said('One.'), said('Two.'), { role: 'user', content: 'Go on' }] }).messages).toHaveLength(
      3,
    );
  });

  it('loses what only OpenAI can read, and says so', () => {
    const { unknownParameters, messages } = callOf({
      input: [
        { role: 'user', content: 'Hi' },
        { type: 'reasoning', summary: [], encrypted_content: 'gAAAAA' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } },
      ],
      tools: [{ type: 'web_search', external_web_access: false }, run],
      truncation: 'auto',
      text: { verbosity: 'low' },
      include: ['reasoning.encrypted_content', 'something.else'],
      moderation: {},
    });
    expect(messages).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(unknownParameters).toEqual([
      'moderation',
      'include (something.else)',
      'text.verbosity',
      'truncation',
      'input[] (reasoning)',
      'input[] (web_search_call)',
      'tools[0] (web_search)',
    ]);
  });

  it.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id', /Resend the full input/],
    [{ previous_response_id: 'resp_1', input: undefined }, 'previous_response_id', /Resend the full input/],
    [{ conversation: 'conv_1' }, 'conversation', /Resend the full input/],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]', /Resend the full input.*"store": false/],
    [{ background: true }, 'background', /wait or stream/],
    [{ prompt: { id: 'p' } }, 'prompt', /instructions and input/],
    [{ input: undefined }, 'input', /is required/],
    [{ input: [] }, 'input', /at least one/],
    [{ input: [{ type: 'function_call_output', call_id: 'a', output: '' }] }, 'input[0].call_id', /no call/],
    [{ input: [{ type: 'compaction', encrypted_content: 'x' }] }, 'input[0]', /compact/],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
      'input[0].content[0].image_url',
      /stores no files/,
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://x/y.pdf' }] }] },
      'input[0].content[0].file_url',
      /no files/,
    ],
    [{ input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'input[0].content[0].type', /input_text/],
    [{ input: [{ role: 'tool', content: '' }] }, 'input[0].role', /user/],
    [{ max_tokens: 5 }, 'max_tokens', /max_output_tokens/],
    [{ messages: [{ role: 'user', content: 'Hi' }] }, 'messages', /input/],
    [{ max_cost: 1 }, 'max_cost', /provider/],
    [{ tool_choice: 'required' }, 'tool_choice', /needs tools/],
    [{ tool_choice: { type: 'function', name: 'x' }, tools: [run] }, 'tool_choice.name', /not one of the tools/],
    [{ tools: [run, run] }, 'tools[1].name', /earlier tool/],
    [{ tools: [{ type: 'function', name: 'files__read' }, files] }, 'tools[1].tools[0].name', /earlier tool/],
    [{ tools: [{ type: 'function', function: run }] }, 'tools[0].name', /required/],
    [{ model: undefined }, 'model', /required/],
  ])('refuses %j by the name of its field', (body, param, message) => {
    expect(refused(body)).toMatchObject({ details: { param }, message: expect.stringMatching(message) });
  });
});

describe('the tools of a response', () => {
  it('become functions, by names that every server takes', () => {
    const long = {
      type: 'namespace',
      name: 'n'.repeat(60),
      tools: [
        { ...run, name: 'one' },
        { ...run, name: 'two' },
      ],
    };
    const { call, known } = parse(
      {
        model: 'm',
        input: [
          { role: 'user', content: 'Hi' },
          { type: 'additional_tools', role: 'developer', tools: [long] },
        ],
        tools: [run, files],
      },
      context,
    );
    const names = call.tools.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['run', 'files__read', 'files__patch']);
    expect(names).toHaveLength(5);
    expect(new Set(names).size).toBe(5);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(known.get(names[4] ?? '')).toEqual({ name: 'two', namespace: 'n'.repeat(60), freeform: false });
    expect(call.tools[1]?.description).toBe('About files.');
    expect(call.tools[2]).toMatchObject({ freeform: true, description: 'Edits' });
  });

  it('of the namespace functions keep their names', () => {
    const plain = { ...files, name: 'functions' };
    expect(callOf({ tools: [plain] }).tools.map(({ name }) => name)).toEqual(['read', 'patch']);
  });

  it('are only those that are allowed', () => {
    const allowed = {
      type: 'allowed_tools',
      mode: 'required',
      tools: [{ type: 'custom', name: 'patch' }, { type: 'web_search' }],
    };
    const { tools, allowedTools, toolChoice, unknownParameters } = callOf({
      tools: [run, files],
      tool_choice: allowed,
    });
    expect(tools.map(({ name }) => name)).toEqual(['files__patch']);
    expect({ allowedTools, toolChoice }).toEqual({ allowedTools: ['files__patch'], toolChoice: 'required' });
    expect(unknownParameters).toEqual(['tool_choice.tools[1] (web_search)']);
  });

  it('are named in errors as the caller has them', () => {
    const { callersNames } = parse(
      {
        model: 'm',
        instructions: 'x',
        input: [
          { role: 'user', content: 'a' },
          { type: 'function_call', call_id: 'a', name: 'n', arguments: '' },
        ],
        tools: [{ type: 'web_search' }, run],
      },
      context,
    );
    expect(callersNames?.('messages[0].content and messages[1].content')).toBe('instructions and input[0].content');
    expect(callersNames?.('messages[2].tool_calls[0].function.arguments: bad')).toBe('input[1].arguments: bad');
    expect(callersNames?.('tools[0].function.description, reasoning_effort')).toBe(
      'tools[1].description, reasoning.effort',
    );
    expect(callersNames?.('response_format')).toBe('text.format');
  });
});

/** Any order of pieces, with tool calls that interleave, before a finish and a usage. */
const events: fc.Arbitrary<Event[]> = fc
  .tuple(
    fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }).map((text): Event => ({ type: 'text', choice: 0, text })),
        fc.string().map((text): Event => ({ type: 'reasoning', choice: 0, text })),
        fc
          .tuple(fc.nat(2), fc.constantFrom('{"input":', '"a\\nb', '"}', '', ' '))
          .map(([index, args]): Event => ({ type: 'tool', choice: 0, index, arguments: args })),
      ),
      { maxLength: 14 },
    ),
    fc.constantFrom('stop', 'length', 'content_filter', 'tool_calls'),
  )
  .map(([pieces, reason]) => {
    const begun = new Set<number>();
    const named = pieces.map((event): Event => {
      if (event.type !== 'tool' || begun.has(event.index)) return event;
      begun.add(event.index);
      const name = ['run', 'files__patch', 'nobody_has_this'][event.index] ?? '';
      return { ...event, id: `call_${event.index}`, name };
    });
    const usage = { input: 3, cacheRead: 2, cacheWrite: 1, output: 4, reasoning: 5, source: 'provider' as const };
    return [...named, { type: 'finish', choice: 0, reason }, { type: 'usage', usage }];
  });

const batched = fc.tuple(events, fc.array(fc.integer({ min: 1, max: 4 }))).map(([all, sizes]) => {
  const rest = [...all];
  const out = sizes.map((size) => rest.splice(0, size));
  return [...out, rest];
});

const request = parse(
  { model: 'm', input: 'Hi', tools: [run, files], include: ['reasoning.encrypted_content'], instructions: 'Be brief.' },
  context,
);

/** The answer, or the code of the error it ends in. */
function whole(all: readonly Event[]): Record<string, unknown> | string {
  try {
    return answer(request, envelope, all);
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.code;
    throw thrown;
  }
}

describe('a stream of a response', () => {
  it('says what the JSON answer says, whatever comes in whatever batches', () => {
    fc.assert(
      fc.property(batched, (batches) => {
        const encoder = stream(request, envelope);
        const expected = whole(batches.flat());
        let text = '';
        try {
          for (const batch of batches) text += encoder.encode(batch);
          text += encoder.end();
        } catch (thrown) {
          if (!(thrown instanceof GatewayError)) throw thrown;
          expect(thrown.code).toBe(expected);
          return;
        }
        const { final, output, done } = readResponses(text);
        expect(final).toEqual(expected);
        expect(final.output).toEqual(output);
        expect(done).toBe(true);
        assertResponse(final);
      }),
      { numRuns: 400 },
    );
  });

  it('takes namespaces and freeform tools apart again', () => {
    const encoder = stream(request, envelope);
    const tool = (index: number, name: string, args: string): Event => ({
      type: 'tool',
      choice: 0,
      index,
      id: `c${index}`,
      name,
      arguments: args,
    });
    const text = encoder.encode([
      tool(0, 'files__patch', '{"input":"a\\'),
      tool(1, 'files__read', ''),
      { type: 'tool', choice: 0, index: 0, arguments: 'nb"}' },
      { type: 'finish', choice: 0, reason: 'tool_calls' },
    ]);
    const { output } = readResponses(text + encoder.end());
    expect(output).toEqual([
      {
        id: 'ctc_1a_0',
        type: 'custom_tool_call',
        status: 'completed',
        call_id: 'c0',
        name: 'patch',
        namespace: 'files',
        input: 'a\nb',
      },
      {
        id: 'fc_1a_1',
        type: 'function_call',
        status: 'completed',
        call_id: 'c1',
        name: 'read',
        namespace: 'files',
        arguments: '{}',
      },
    ]);
  });

  it('carries reasoning so that it comes back as what it was', () => {
    const said = answer(request, envelope, [{ type: 'reasoning', choice: 0, text: 'Hm.' }]);
    const { messages } = callOf({ input: [{ role: 'user', content: 'Hi' }, ...(said.output as object[])] });
    expect(messages[1]).toMatchObject({ role: 'assistant', reasoning: 'Hm.', reasoningFamily: 'qwen3' });
  });

  it.each([
    ['context_length_exceeded', 'context_length_exceeded'],
    ['provider_rate_limited', 'rate_limit_exceeded'],
    ['insufficient_budget', 'insufficient_quota'],
    ['stream_interrupted', 'server_error'],
  ] as const)('that breaks with %s ends in response.failed with %s, and never completes', (code, expected) => {
    const encoder = stream(request, envelope);
    const begun = encoder.encode([{ type: 'text', choice: 0, text: 'Half' }]);
    const text = begun + encoder.fail(new GatewayError(code, 'It broke.', { retryAfterMs: 1500 }));
    const { final, events: all, done } = readResponses(text);
    expect(final).toMatchObject({ status: 'failed', completed_at: null, error: { code: expected } });
    expect(final.output).toMatchObject([{ type: 'message', status: 'incomplete', content: [{ text: 'Half' }] }]);
    expect(all.at(-2)).toMatchObject({ type: 'error', code: expected });
    expect(done).toBe(false);
    expect(text).not.toMatch(/response\.completed|output_item\.done/);
    const { message } = final.error as { message: string };
    expect(message.endsWith('Please try again in 1.5s.')).toBe(
      code === 'provider_rate_limited' || code === 'stream_interrupted',
    );
  });
});
