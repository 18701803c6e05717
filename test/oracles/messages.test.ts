import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream';
import {
  type Arbitrary,
  anything,
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  type JsonValue,
  jsonValue,
  nat,
  oneof,
  property,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Event, GatewayError, type Usage } from '../../src/core/index.ts';
import {
  type Envelope,
  messagesDialect,
  messagesError,
  parseCount,
  parseMessages,
} from '../../src/dialects/messages/index.ts';
import { anthropicValues, assertAnthropic } from '../support/anthropic-schemas.ts';

/** Anthropic's own types and its own accumulator of streams judge what the dialect makes of anything. */

const context = { id: 'gen-1', strict: false };
const ask = (more: Record<string, unknown> = {}) =>
  parseMessages({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }], ...more }, context);
const envelope: Envelope = {
  id: 'gen-1',
  requestId: 'req_1',
  created: 0,
  model: 'm',
  provider: 'p',
  reasoningFamily: 'gpt-oss',
  fingerprint: null,
  promptTokens: () => 7,
};
const usage: Usage = { input: 7, cacheRead: 0, cacheWrite: 0, output: 5, reasoning: 2, source: 'provider' };

/** The events of a stream, as they would be read from the wire. */
function eventsIn(
  text: string,
): { readonly type: string; readonly index?: number; readonly [field: string]: unknown }[] {
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [, name, data = ''] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(frame) ?? [];
      const event = JSON.parse(data);
      expect(event.type).toBe(name);
      return event;
    });
}

/** Throws where a client would: blocks number 0, 1, 2 …, one is open at a time, and nothing comes for a closed one. */
function assertOrder(events: ReturnType<typeof eventsIn>): void {
  let open: number | undefined;
  let next = 0;
  for (const { type, index } of events) {
    if (type === 'content_block_start') {
      expect([open, index]).toEqual([undefined, next]);
      open = next++;
    } else if (type === 'content_block_delta') expect(index).toBe(open);
    else if (type === 'content_block_stop') {
      expect(index).toBe(open);
      open = undefined;
    } else expect(open).toBeUndefined();
  }
}

/** What Anthropic's client puts together from the events. */
async function accumulated(events: ReturnType<typeof eventsIn>) {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  return MessageStream.fromReadableStream(new Blob([lines]).stream()).finalMessage();
}

const split = (text: string, cuts: readonly number[]): string[] => {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [...places, text.length].map((end, n) => text.slice(places[n - 1] ?? 0, end));
};

/** Tool calls whose pieces come in any order among each other, and among texts and thoughts. */
const answers: Arbitrary<Event[]> = tuple(
  array(
    tuple(
      oneof(
        jsonValue({ maxDepth: 2 }).map((value: JsonValue) => JSON.stringify({ value })),
        constantFrom('{}', ''),
      ),
      array(nat(40), { maxLength: 4 }),
    ),
    { maxLength: 3 },
  ),
  array(tuple(constantFrom('text', 'reasoning'), string({ maxLength: 5 })), { maxLength: 6 }),
  array(nat(3), { maxLength: 30 }),
  constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
).map(([tools, texts, order, reason]) => {
  const sources: Event[][] = tools.map(([json, cuts], index) =>
    split(json, cuts).map((piece, at) => {
      const opening = at === 0 ? { id: `call_${index}`, name: `tool_${index}` } : {};
      return { type: 'tool', choice: 0, index, arguments: piece, ...opening };
    }),
  );
  sources.push(
    texts.map(
      ([type, text]): Event => (type === 'text' ? { type, choice: 0, text } : { type: 'reasoning', choice: 0, text }),
    ),
  );
  const out: Event[] = [];
  for (const pick of order) {
    const source = sources[pick % sources.length];
    const event = source?.shift();
    if (event) out.push(event);
  }
  for (const source of sources) out.push(...source);
  return [...out, { type: 'finish', choice: 0, reason }, { type: 'usage', usage }];
});

const batches = (events: readonly Event[], cuts: readonly number[]): Event[][] => {
  const places = [...new Set(cuts.map((cut) => cut % (events.length + 1)))].sort((a, b) => a - b);
  return [...places, events.length]
    .map((end, n) => events.slice(places[n - 1] ?? 0, end))
    .filter((one) => one.length > 0);
};

describe('any answer', () => {
  const requests = constantFrom(
    ask(),
    ask({ thinking: { type: 'disabled' } }),
    ask({ thinking: { type: 'adaptive', display: 'omitted' } }),
    ask({ max_tokens: 0 }),
  );

  it('streams in order as what it is in one piece, to Anthropic’s own client, and keeps to the published types', async () => {
    await assert(
      asyncProperty(requests, answers, array(nat(40), { maxLength: 10 }), async (request, events, cuts) => {
        const answer = messagesDialect.answer(request, envelope, events);
        assertAnthropic('Message', answer);
        const encoder = messagesDialect.stream(request, envelope);
        const text =
          batches(events, cuts)
            .map((batch) => encoder.encode(batch))
            .join('') + encoder.end();
        const streamed = eventsIn(text);
        for (const event of streamed) assertAnthropic('RawMessageStreamEvent', event);
        assertOrder(streamed);
        const { content, stop_reason, stop_sequence, usage: counted } = await accumulated(streamed);
        expect({ content, stop_reason, stop_sequence }).toEqual({
          content: answer.content,
          stop_reason: answer.stop_reason,
          stop_sequence: answer.stop_sequence,
        });
        expect(counted).toMatchObject({ input_tokens: 7, output_tokens: 7 });
      }),
      { numRuns: 400 },
    );
  });

  it('that breaks has an error as its last event, and no end', () => {
    assert(
      property(answers, nat(40), (events, at) => {
        const encoder = messagesDialect.stream(ask(), envelope);
        const some = events.slice(0, at % (events.length + 1));
        const error = new GatewayError('stream_interrupted', 'It broke.');
        const streamed = eventsIn((some.length > 0 ? encoder.encode(some) : '') + encoder.fail(error));
        expect(streamed.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error' }, request_id: 'req_1' });
        expect(streamed.some(({ type }) => type === 'message_stop')).toBe(false);
      }),
    );
  });

  it('with arguments that are no JSON is an error in one piece, and is streamed as the model wrote it', () => {
    const events: Event[] = [
      { type: 'tool', choice: 0, index: 0, id: 'a', name: 'f', arguments: '{"a":' },
      { type: 'finish', choice: 0, reason: 'tool_calls' },
    ];
    expect(() => messagesDialect.answer(ask(), envelope, events)).toThrow(/not valid JSON/);
    const encoder = messagesDialect.stream(ask(), envelope);
    expect(encoder.encode(events) + encoder.end()).toContain('"partial_json":"{\\"a\\":"');
  });

  it('that goes on with a tool call after its end breaks', () => {
    const piece = (index: number, text: string, opens: boolean): Event => ({
      type: 'tool',
      choice: 0,
      index,
      arguments: text,
      ...(opens ? { id: `call_${index}`, name: 'f' } : {}),
    });
    const encoder = messagesDialect.stream(ask(), envelope);
    encoder.encode([piece(0, '{}', true), piece(1, '{', true)]);
    expect(() => encoder.encode([piece(0, ' ', false)])).not.toThrow();
    expect(() => encoder.encode([piece(0, 'x', false)])).toThrow(/come to its end/);
  });
});

describe('any body', () => {
  const parsed = (parse: typeof parseMessages, body: unknown): void => {
    try {
      const { call, callersNames } = parse(body, context);
      expect(call.messages.length).toBeGreaterThanOrEqual(0);
      callersNames?.('messages[0].content tools[0].function.name reasoning_effort');
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      expect(thrown.status).toBeGreaterThanOrEqual(400);
      expect(thrown.status).toBeLessThan(500);
      const { body: answer } = messagesError(thrown, 'req_1');
      assertAnthropic('ErrorResponse', answer);
    }
  };

  it('of the published type is a call, or an error of the caller’s', () => {
    assert(
      property(anthropicValues('MessageCreateParams'), (body) => parsed(parseMessages, body)),
      { numRuns: 1500 },
    );
  });

  it('like Claude Code’s, with anything put in any place, is a call or an error of the caller’s', () => {
    const places = pathsIn(CLAUDE_CODE);
    assert(
      property(
        constantFrom(...places),
        oneof(anything({ maxDepth: 3 }), jsonValue()),
        boolean(),
        (path, value, counts) => {
          const body = structuredClone(CLAUDE_CODE);
          set(body, path, value);
          parsed(counts ? parseCount : parseMessages, JSON.parse(JSON.stringify(body)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('that is no object is refused', () => {
    for (const body of [null, 1, 'x', [], true]) expect(() => parseMessages(body, context)).toThrow(/JSON object/);
  });
});

type Path = readonly (string | number)[];

/** Every place in a value. */
function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsIn(member, [...path, key]))].filter(
    ({ length }) => length > 0,
  );
}

function set(target: unknown, path: Path, value: unknown): void {
  let at = target as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) ?? ''] = value;
}

/** A body as Claude Code 2.1.332 sends it: its fields and its blocks, with other texts. */
const CLAUDE_CODE = {
  model: 'claude-sonnet-5',
  max_tokens: 32_000,
  stream: true,
  system: [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.332.abc; cc_entrypoint=sdk-cli;' },
    { type: 'text', text: 'You are an agent.', cache_control: { type: 'ephemeral' } },
    { type: 'text', text: '\nBe brief.', cache_control: { type: 'ephemeral', ttl: '1h' } },
  ],
  tools: [
    {
      name: 'Read',
      description: 'Reads',
      input_schema: { type: 'object', properties: { file_path: { type: 'string' } } },
    },
    { name: 'Later', input_schema: { type: 'object' }, defer_loading: true, eager_input_streaming: true, strict: true },
    { name: 'web_search', type: 'web_search_20250305', max_uses: 3 },
  ],
  tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  metadata: { user_id: '{"device_id":"d","account_uuid":"","session_id":"75124840-860b-49e2-92a7-fcd23f511ec7"}' },
  thinking: { type: 'adaptive', display: 'updates' },
  context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
  output_config: { effort: 'high', format: { type: 'json_schema', schema: { type: 'object' } } },
  stop_sequences: ['</end>'],
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: '<system-reminder>x</system-reminder>' },
        { type: 'text', text: 'Read it.', cache_control: { type: 'ephemeral' } },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'A page.' }, title: 'T' },
      ],
    },
    { role: 'system', content: [{ type: 'text', text: 'Here.' }], clear_at: 'next_user_message' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Hm.', signature: 'foreign' },
        { type: 'redacted_thinking', data: 'x' },
        { type: 'text', text: 'I read.' },
        { type: 'tool_use', id: 'toolu_1', name: 'Read', input: { file_path: 'a' }, caller: { type: 'direct' } },
      ],
    },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: 'toolu_1',
          is_error: true,
          content: [
            { type: 'text', text: 'no' },
            { type: 'tool_reference', tool_name: 'Read' },
          ],
        },
        { type: 'text', text: 'Go on.' },
      ],
    },
    { role: 'system', content: 'Today.', output_config: { effort: 'low' } },
    { role: 'assistant', content: 'Well' },
  ],
};
