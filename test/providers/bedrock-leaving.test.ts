import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/index.ts';
import { bedrock, converseJob, upstream } from './support/bedrock.ts';
import { openStream, START, streamOf, text } from './support/bedrock-frames.ts';

describe('leaving', () => {
  const opened = () => {
    const { response, canceled } = openStream(START, text('a'));
    let signal: AbortSignal | undefined;
    const { fetch } = upstream((given) => {
      signal = given;
      return response;
    });
    return { provider: bedrock(fetch), canceled, aborted: () => signal?.aborted };
  };

  it('by the signal cancels the upstream and says why', async () => {
    const { provider, canceled, aborted } = opened();
    const caller = new AbortController();
    const { events } = await provider.generate(converseJob(), caller.signal);
    const iterator = events[Symbol.asyncIterator]();
    await iterator.next();
    const pending = iterator.next();
    caller.abort(new GatewayError('timeout', 'Too slow.'));
    await expect(pending).rejects.toMatchObject({ code: 'timeout' });
    expect({ canceled: canceled(), aborted: aborted() }).toEqual({ canceled: true, aborted: true });
  });

  it('by the signal cancels the upstream even while nobody reads', async () => {
    const { provider, canceled } = opened();
    const caller = new AbortController();
    const { events } = await provider.generate(converseJob(), caller.signal);
    caller.abort();
    expect(canceled()).toBe(true);
    await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'canceled' });
  });

  it('by breaking out of the loop cancels the upstream', async () => {
    const { provider, canceled, aborted } = opened();
    const { events } = await provider.generate(converseJob(), new AbortController().signal);
    for await (const _ of events) break;
    expect({ canceled: canceled(), aborted: aborted() }).toEqual({ canceled: true, aborted: true });
  });

  it('while a read is pending does not wait for it', async () => {
    const { provider, canceled } = opened();
    const { events } = await provider.generate(converseJob(), new AbortController().signal);
    const iterator = events[Symbol.asyncIterator]();
    await iterator.next();
    const pending = iterator.next().catch((error: unknown) => error);
    await iterator.return?.();
    expect(canceled()).toBe(true);
    expect(await pending).toMatchObject({ code: 'canceled' });
  });

  it.each([true, false])('before any answer came rejects at once (stream: %s)', async (stream) => {
    const caller = new AbortController();
    const provider = bedrock(upstream(() => new Promise<Response>(() => undefined)).fetch);
    const pending = provider.generate(converseJob({ stream }), caller.signal);
    const settled = expect(pending).rejects.toMatchObject({ code: 'canceled' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    caller.abort();
    await settled;
  });

  it('before it began sends nothing', async () => {
    const { fetch, sent } = upstream(() => streamOf());
    await expect(bedrock(fetch).generate(converseJob(), AbortSignal.abort())).rejects.toMatchObject({
      code: 'canceled',
    });
    expect(sent).toHaveLength(0);
  });
});
