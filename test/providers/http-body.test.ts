import { assert, asyncProperty, integer, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyText } from '../../providers/http/index.ts';
import { readAnswer } from '../../providers/openai/index.ts';
import { collect } from '../support/collect.ts';
import {
  prediction,
  job as replicateJob,
  upstream as replicateUpstream,
  run as runReplicate,
} from './replicate-upstream.ts';
import { upstream as answering, bedrock, converseJob, run as runBedrock } from './support/bedrock.ts';
import { calm, chatJob } from './support/openai-jobs.ts';

const TEXT = 'El ñandú corre: 🦙, 中文, é.';

/** A body that says nothing of its length, in these pieces. */
function inPieces(bytes: Uint8Array<ArrayBuffer>, cuts: readonly number[], init: ResponseInit = {}): Response {
  const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  let from = 0;
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const to = ends[next++];
        if (to === undefined) return controller.close();
        if (to > from) controller.enqueue(bytes.subarray(from, to));
        else return this.pull?.(controller);
        from = to;
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'application/json' }, ...init });
}

const encoded = (value: unknown) =>
  Uint8Array.from(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)));
/** Every place at which a network may cut it in two. */
const everyCut = (bytes: Uint8Array): number[] => Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);

describe('a body without a length', () => {
  it('is the same text wherever it is split, inside a character too', async () => {
    await assert(
      asyncProperty(
        string({ unit: 'binary', maxLength: 60 }),
        uniqueArray(integer({ min: 1, max: 240 })),
        async (text, cuts) => {
          expect(await bodyText(inPieces(encoded(text), cuts), calm(), 1000)).toEqual({
            text: text.replace(/^\ufeff/, ''),
            cut: false,
          });
        },
      ),
    );
  });

  it('is an answer on the OpenAI wire', async () => {
    const bytes = encoded({ choices: [{ index: 0, message: { content: TEXT }, finish_reason: 'stop' }] });
    for (const cut of everyCut(bytes)) {
      const { events } = await readAnswer(inPieces(bytes, [cut]), chatJob({ stream: false }), calm(), {
        id: 'mine',
        name: 'Mine',
      });
      expect((await collect(events)).choices.get(0)?.text).toBe(TEXT);
    }
  });

  it('is an error on the OpenAI wire, with its words', async () => {
    const bytes = encoded({ error: { message: TEXT, code: 400 } });
    for (const cut of everyCut(bytes)) {
      const answer = readAnswer(inPieces(bytes, [cut], { status: 400 }), chatJob(), calm(), {
        id: 'mine',
        name: 'Mine',
      });
      await expect(answer).rejects.toMatchObject({ details: { upstreamMessage: TEXT } });
    }
  });

  it('is an answer of Bedrock', async () => {
    const bytes = encoded({
      output: { message: { role: 'assistant', content: [{ text: TEXT }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
    });
    for (const cut of everyCut(bytes)) {
      const got = await runBedrock(
        bedrock(answering(() => inPieces(bytes, [cut])).fetch),
        converseJob({ stream: false }),
      );
      expect(got.choices.get(0)?.text).toBe(TEXT);
    }
  });

  it('is a prediction of Replicate', async () => {
    const bytes = encoded(prediction('succeeded', { output: [TEXT] }));
    for (const cut of everyCut(bytes)) {
      const { fetch } = replicateUpstream({ create: () => inPieces(bytes, [cut], { status: 201 }) });
      expect(await runReplicate(fetch, replicateJob({ stream: false }))).toMatchObject({
        text: TEXT,
        error: undefined,
      });
    }
  });
});
