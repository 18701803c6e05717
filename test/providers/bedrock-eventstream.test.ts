import { array, assert, asyncProperty, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/index.ts';
import { bodyOf, captures } from '../support/captures.ts';
import { bedrock, converseJob, run, upstream } from './support/bedrock.ts';
import { codec, eventOf, joined, metadata, readsOf, START, stop, streamOf, text } from './support/bedrock-frames.ts';

const vectors = captures('eventstream-vectors/').map((c) => ({ name: c.id, c }));
const positive = vectors.filter(({ c }) => c.expected.outcome === 'ok');
const negative = vectors.filter(({ c }) => c.expected.outcome !== 'ok');

const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

describe('the test vectors of the event stream format', () => {
  it('are all there', () => {
    expect(positive.length).toBeGreaterThanOrEqual(5);
    expect(negative.length).toBeGreaterThanOrEqual(4);
  });

  it.each(positive)('decode: $name', ({ c }) => {
    const bytes = bodyOf(c);
    const message = codec.decode(bytes);
    const decoded: unknown = Reflect.get(c.expected, 'decoded');
    expect(decoded).toMatchObject({ total_length: bytes.length });
    expect(btoa(String.fromCharCode(...message.body))).toBe(Reflect.get(Object(decoded), 'payload'));
  });

  it.each(negative)('break the stream, and nothing else: $name', async ({ c }) => {
    const got = await run(
      bedrock(upstream(() => streamOf(START, text('Hel'), bodyOf(c), text('lo'), stop('end_turn'))).fetch),
      converseJob(),
    );
    expect(got.choices.get(0)).toMatchObject({ text: 'Hel', finish: undefined });
    expect(got.error).toBeInstanceOf(GatewayError);
    expect(got.error).toMatchObject({ code: 'stream_interrupted' });
  });
});

describe('a frame whose length is impossible', () => {
  it.each([0, 1, 3, 4, 15, 64 * 1024 * 1024, 0x80000000, 0xffffffff])(
    'breaks the stream at once, before any memory is taken for it: %i',
    async (length) => {
      const { fetch } = upstream(() => streamOf(START, text('Hel'), u32(length), new Uint8Array(40)));
      const got = await run(bedrock(fetch), converseJob());
      expect(got.error).toMatchObject({ code: 'stream_interrupted' });
    },
  );
});

describe('what came whole before a frame that is corrupt', () => {
  const corrupt = (bytes: Uint8Array<ArrayBuffer>, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const bad: Readonly<Record<string, Uint8Array>> = {
    'an impossible length': joined([u32(3), new Uint8Array(40)]),
    'a length beyond memory': joined([u32(0xffffffff), new Uint8Array(40)]),
    'a wrong checksum': corrupt(text('bad'), text('bad').length - 1),
    'a wrong prelude': corrupt(text('bad'), 9),
    'a payload that is no JSON': eventOf('contentBlockDelta', '{"contentBlockIndex":0,"del'),
  };

  it.each(Object.entries(bad))('is delivered however the network splits it: %s', async (_, frame) => {
    const said = ['Hel', 'lo, ', 'ñandú ', '🦙'];
    const sound = [START, ...said.map((one) => text(one))];
    const bytes = joined([...sound, frame, text('never'), stop('end_turn')]);
    const lengths = sound.map(({ length }) => length);
    const splits = array(integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 });
    await assert(
      asyncProperty(splits, async (at) => {
        const cuts = [0, ...at.sort((a, b) => a - b), bytes.length];
        const pieces = cuts.slice(1).map((end, i) => [bytes.subarray(cuts[i], end)]);
        const got = await run(bedrock(upstream(() => readsOf(...pieces)).fetch), converseJob());
        expect(got.choices.get(0)?.text).toBe(said.join(''));
        expect(got.choices.get(0)?.finish).toBeUndefined();
        expect(got.error).toMatchObject({ code: 'stream_interrupted' });
      }),
      { numRuns: 60, examples: [[[]], [[lengths.reduce((sum, one) => sum + one, 0)]]] },
    );
  });
});

describe('a stream cut at any byte', () => {
  const whole = [START, text('Hel'), text('lo'), stop('end_turn'), metadata()];
  const stopEnds = whole.slice(0, 4).reduce((size, frame) => size + frame.length, 0);

  it('never looks complete, unless it ends where the message does', async () => {
    const bytes = joined(whole);
    for (let cut = 0; cut < bytes.length; cut++) {
      const got = await run(bedrock(upstream(() => streamOf(bytes.subarray(0, cut))).fetch), converseJob());
      const finish = got.choices.get(0)?.finish;
      // Between messageStop and metadata the answer is whole, and only its usage is unknown.
      if (cut === stopEnds) expect({ finish, error: got.error }).toEqual({ finish: 'stop', error: undefined });
      else
        expect({ cut, finish, error: got.error }).toMatchObject({
          finish: undefined,
          error: { code: 'stream_interrupted' },
        });
    }
  });
});
