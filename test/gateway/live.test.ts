import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

/** However slow the machine is. */
const eventually = <T>(of: () => T) => expect.poll(of, { timeout: 60_000 });

interface SentEvent {
  readonly event: string;
  readonly data: unknown;
}
interface Attempt {
  readonly id: string;
  readonly attempt: number;
  readonly provider: string;
  readonly outcome: string;
  readonly cost: string | null;
  readonly key: string;
}
interface Running {
  readonly calls: number;
  readonly attempts: readonly { readonly id: string; readonly provider: string }[];
}

/** A watch: what it was sent, and the id that it would come back with. */
class Watch {
  readonly events: SentEvent[] = [];
  lastId = '';
  readonly #left = new AbortController();

  async open(query = '', headers: Record<string, string> = {}): Promise<this> {
    const answer = await fetch(`${stack.url}/v1/live${query}`, {
      headers: { authorization: 'Bearer test-admin-key', ...headers },
      signal: this.#left.signal,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    void this.#read(answer);
    await eventually(() => this.events.length).toBeGreaterThan(0);
    return this;
  }
  async #read(answer: Response): Promise<void> {
    let text = '';
    try {
      for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const blocks = (text + piece).split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // The test left.
    }
  }
  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
    );
    const id = fields.get('id');
    if (id !== undefined) this.lastId = id;
    const event = fields.get('event');
    if (event !== undefined) this.events.push({ event, data: JSON.parse(fields.get('data') ?? '') });
  }
  leave(): void {
    this.#left.abort();
  }
  get attempts(): readonly Attempt[] {
    return this.events.flatMap(({ event, data }) => (event === 'attempts' ? (data as Attempt[]) : []));
  }
  get running(): readonly Running[] {
    return this.events.flatMap(({ event, data }) => (event === 'running' ? [data as Running] : []));
  }
}

const chat = (model: string, more: Record<string, unknown> = {}) => ({
  model,
  messages: [{ role: 'user', content: 'A secret of my own: swordfish.' }],
  max_tokens: 20,
  ...more,
});

async function ask(body: unknown, headers: Record<string, string> = {}): Promise<string> {
  const answer = await stack.post('/v1/chat/completions', body, headers);
  expect(answer.status, await answer.clone().text()).toBe(200);
  await answer.text();
  return answer.headers.get('x-chasqui-generation-id') ?? '';
}

async function makeKey(account: string): Promise<Record<string, string>> {
  const answer = await stack.post('/v1/keys', { name: 'watcher', account });
  const { key } = (await answer.json()) as { key: string };
  return { authorization: `Bearer ${key}` };
}

describe('GET /v1/live', () => {
  it('shows the attempts of a call that failed over, once each, and none of its text', async () => {
    const watch = await new Watch().open();
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 503 } });
    const id = await ask(chat('gpt-oss-120b', { provider: { order: ['together', 'bedrock'] } }));
    const own = () => watch.attempts.filter((one) => one.id === id);
    await eventually(() => own().at(-1)?.outcome).toBe('ok');
    const { attempts } = (await (await stack.get(`/v1/generations/${id}`)).json()) as { attempts: Attempt[] };
    expect(attempts.length).toBeGreaterThan(1);
    expect(own()).toEqual(attempts.map((one) => expect.objectContaining(one)));
    await ask(chat('bedrock/llama-3-8b-instruct'));
    await eventually(() => watch.attempts.length).toBe(attempts.length + 1);
    expect(JSON.stringify(watch.events)).not.toMatch(/swordfish/);
    watch.leave();
  });

  it('goes on where an earlier watch ended', async () => {
    const first = await new Watch().open('?account=main');
    const seen = await ask(chat('bedrock/llama-3-8b-instruct'));
    await eventually(() => first.attempts.map(({ id }) => id)).toEqual([seen]);
    await eventually(() => first.lastId).toMatch(/^main:\d+$/);
    first.leave();
    const missed = [await ask(chat('bedrock/llama-3-8b-instruct')), await ask(chat('together/gpt-oss-120b'))];
    const second = await new Watch().open('?account=main', { 'last-event-id': first.lastId });
    await eventually(() => second.attempts.map(({ id }) => id)).toEqual(missed);
    expect(second.events.map(({ event }) => event)).not.toContain('gap');
    second.leave();
    const late = await new Watch().open('?account=main', { 'last-event-id': 'main:999999' });
    expect(late.events[0]?.event).toBe('gap');
    late.leave();
  });

  it('shows a key its own calls only, of other accounts to the admin, and what the filters leave', async () => {
    const [one, two] = [await makeKey('live-one'), await makeKey('live-two')];
    const own = await new Watch().open('', one);
    const all = await new Watch().open();
    const filtered = await new Watch().open('?account=live-two&provider=together&outcome=ok&dialect=chat');
    const calls = [
      await ask(chat('bedrock/llama-3-8b-instruct'), one),
      await ask(chat('bedrock/llama-3-8b-instruct'), two),
      await ask(chat('together/gpt-oss-120b'), two),
    ];
    await eventually(() => own.attempts.map(({ id }) => id)).toEqual([calls[0]]);
    await eventually(() => filtered.attempts.map(({ id }) => id)).toEqual([calls[2]]);
    // Accounts that had no calls when the watch began come with a gap: whoever watches then reads the list again.
    await eventually(() => all.events.some(({ event }) => event === 'gap')).toBe(true);
    const later = await ask(chat('bedrock/llama-3-8b-instruct'), two);
    await eventually(() => all.attempts.map(({ id }) => id)).toContain(later);
    expect(own.attempts).toHaveLength(1);
    for (const watch of [own, all, filtered]) watch.leave();
  });

  it('shows a call while it runs', async () => {
    const watch = await new Watch().open('?account=main');
    await stack.dial({ provider: 'together', fault: { kind: 'drip', ms: 100 } });
    const asked = ask(chat('together/gpt-oss-120b', { stream: true, max_tokens: 60 }));
    await eventually(() => watch.running.find(({ calls }) => calls === 1)?.attempts[0]?.provider).toBe('together');
    const id = await asked;
    await eventually(() => watch.running.at(-1)).toEqual({ calls: 0, attempts: [] });
    expect(watch.running.find(({ calls }) => calls === 1)?.attempts[0]?.id).toBe(id);
    watch.leave();
  });

  it('ends when its key is revoked', async () => {
    const made = (await (await stack.post('/v1/keys', { name: 'short' })).json()) as { id: string; key: string };
    const headers = { authorization: `Bearer ${made.key}` };
    const answer = await fetch(`${stack.url}/v1/live`, { headers });
    await fetch(`${stack.url}/v1/keys/${made.id}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer test-admin-key' },
    });
    await answer.text();
    expect((await fetch(`${stack.url}/v1/live`, { headers })).status).toBe(401);
  });

  it('refuses what it does not know, by name', async () => {
    const key = await makeKey('live-refused');
    for (const [query, headers, status, param] of [
      ['?outcome=fine', {}, 400, 'outcome'],
      ['?limit=3', {}, 400, 'limit'],
      ['?after=x', {}, 400, 'after'],
      ['', { 'last-event-id': 'x' }, 400, 'last-event-id'],
      ['?account=main', key, 403, 'account'],
    ] as const) {
      const answer = await stack.get(`/v1/live${query}`, headers);
      expect([answer.status, ((await answer.json()) as { error: { param: string } }).error.param]).toEqual([
        status,
        param,
      ]);
    }
  });
});
