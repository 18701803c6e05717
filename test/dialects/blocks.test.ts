import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/index.ts';
import { joined } from '../../src/dialects/blocks.ts';
import { parseMessages } from '../../src/dialects/messages/request.ts';
import { messageStream } from '../../src/dialects/messages/stream.ts';

/** What came in one network read leaves as few events, and says the same. */

const piece = (type: 'text' | 'reasoning') =>
  fc.record({ type: fc.constant(type), choice: fc.constant(0), text: fc.string() });
const withLogprobs = fc.record({
  type: fc.constant('text' as const),
  choice: fc.constant(0),
  text: fc.string(),
  logprobs: fc.constant([{ token: 'a', logprob: -1, bytes: null, top: [] }]),
});
const finish = fc.constant({ type: 'finish' as const, choice: 0, reason: 'stop' as const });
const event: fc.Arbitrary<Event> = fc.oneof(piece('text'), piece('text'), piece('reasoning'), withLogprobs, finish);

const isPlain = (one: Event): boolean => one.type !== 'finish' && !('logprobs' in one);
/** Each character with the type of its event, and what has no text. */
const said = (events: readonly Event[]) =>
  events.flatMap((one) => ('text' in one ? [...one.text].map((char) => `${one.type} ${char}`) : [one.type]));

describe('events of one network read', () => {
  it('are joined where one text goes on, and nowhere else', () => {
    fc.assert(
      fc.property(fc.array(event), (batch) => {
        const out = joined(batch);
        expect(said(out)).toEqual(said(batch));
        expect(out.filter((one) => !isPlain(one))).toEqual(batch.filter((one) => !isPlain(one)));
        for (const [at, one] of out.entries()) {
          const next = out[at + 1];
          if (next && isPlain(one) && isPlain(next)) expect(next.type).not.toBe(one.type);
        }
      }),
    );
  });

  it('are one delta of Messages for each text, also in the read that ends the answer', () => {
    const body = { model: 'm', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'Hi' }] };
    const request = parseMessages(body, { id: 'gen-1', strict: false, client: '' });
    const envelope = { id: 'gen-1', created: 0, model: 'm', provider: 'p', fingerprint: null };
    const stream = messageStream(request, envelope);
    const texts = (...all: string[]) => all.map((text) => ({ type: 'text' as const, choice: 0, text }));
    const first = stream.encode(texts('One', ' two'));
    const last = stream.encode([...texts(' three', ' four'), { type: 'finish', choice: 0, reason: 'stop' }]);
    const deltas = [...`${first}${last}`.matchAll(/"text_delta","text":"([^"]*)"/g)].map(([, text]) => text);
    expect(deltas).toEqual(['One two', ' three four']);
  });
});
