import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

type Line = Readonly<Record<string, string | number | null>>;

/** Nano-dollars of a decimal text: done here, and not by the gateway's own code. */
function nano(text: unknown): bigint {
  const [whole = '0', decimals = ''] = String(text).split('.');
  return BigInt(whole + decimals.padEnd(9, '0'));
}

async function makeKey(account: string): Promise<Record<string, string>> {
  const answer = await stack.post('/v1/keys', { name: 'reports', account });
  const { key } = (await answer.json()) as { key: string };
  expect(answer.status).toBeLessThan(300);
  return { authorization: `Bearer ${key}` };
}

const chat = (model: string, more: Record<string, unknown> = {}) => ({
  model,
  messages: [{ role: 'user', content: 'Count to five.' }],
  max_tokens: 20,
  ...more,
});

async function ask(path: string, body: unknown, key: Record<string, string>): Promise<{ id: string; cost: bigint }> {
  const answer = await stack.post(path, body, key);
  const said = (await answer.json()) as { id?: string; usage?: { cost_exact?: string } };
  expect(answer.status, JSON.stringify(said)).toBe(200);
  return { id: answer.headers.get('x-chasqui-generation-id') ?? '', cost: nano(said.usage?.cost_exact) };
}

async function report(path: string, key: Record<string, string>) {
  const answer = await stack.get(path, key);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as {
    data: Line[];
    total: Line;
    pending: number | null;
    actual: Line;
    attempts: Line[];
    alternatives: Line[];
  } & Line;
}

describe('the reports of a key', () => {
  it('have each call at once, at what its receipt says', async () => {
    const key = await makeKey('at-once');
    let cost = 0n;
    for (const [index, [path, body]] of (
      [
        ['/v1/chat/completions', chat('together/gpt-oss-120b')],
        ['/v1/chat/completions', chat('bedrock/llama-3-8b-instruct')],
        ['/v1/completions', { model: 'replicate/llama-3-8b-instruct', prompt: 'Once', max_tokens: 8 }],
        ['/v1/responses', { model: 'together/gpt-oss-120b', input: 'Hi', max_output_tokens: 20 }],
      ] as const
    ).entries()) {
      const made = await ask(path, body, key);
      cost += made.cost;
      const { total, pending } = await report('/v1/usage', key);
      expect(pending).toBe(0);
      expect(total).toMatchObject({ calls: index + 1, requests: index + 1, errors: 0, cost_upper_bound: '0' });
      expect(nano(total.cost)).toBe(cost);
      const one = await report(`/v1/generations/${made.id}`, key);
      expect(nano(one.cost)).toBe(made.cost);
      expect(one.attempts).toMatchObject([{ outcome: 'ok', billing: 'exact' }]);
    }
    const { data } = await report('/v1/usage?group_by=provider,dialect', key);
    expect(data.map(({ provider, dialect, calls }) => [provider, dialect, calls])).toEqual([
      ['bedrock', 'chat', 1],
      ['replicate', 'completions', 1],
      ['together', 'chat', 1],
      ['together', 'responses', 1],
    ]);
    const { actual, data: lines } = await report('/v1/whatif?model=llama-3-8b-instruct', key);
    expect(actual).toMatchObject({ requests: 2, unknown_cost: 0 });
    for (const provider of ['bedrock', 'replicate']) {
      expect(lines.find((line) => line.provider === provider)).toMatchObject({ requests: 2, unpriced_requests: 0 });
    }
  });

  it('have a stream, and one that its reader leaves', async () => {
    const key = await makeKey('streams');
    const whole = await stack.post('/v1/chat/completions', chat('together/gpt-oss-120b', { stream: true }), key);
    expect(await whole.text()).toContain('[DONE]');
    expect((await report('/v1/usage', key)).total).toMatchObject({ requests: 1, canceled: 0 });
    await stack.dial({ provider: 'together', fault: { kind: 'drip', ms: 200 } });
    const left = new AbortController();
    const answer = await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: key,
      body: JSON.stringify(chat('together/gpt-oss-120b', { stream: true, max_tokens: 400 })),
      signal: left.signal,
    });
    await answer.body?.getReader().read();
    left.abort();
    await expect.poll(async () => (await report('/v1/usage', key)).total.requests).toBe(2);
    expect((await report('/v1/usage', key)).total).toMatchObject({ calls: 2, canceled: 1 });
  });

  it('have every attempt of a call that failed over', async () => {
    const key = await makeKey('failed-over');
    await stack.dial({ provider: 'together', times: 0, fault: { kind: 'status', status: 503 } });
    const { id, cost } = await ask(
      '/v1/chat/completions',
      chat('gpt-oss-120b', { provider: { order: ['together', 'bedrock'] } }),
      key,
    );
    const { attempts, ...one } = await report(`/v1/generations/${id}`, key);
    expect(attempts.at(-1)).toMatchObject({ provider: 'bedrock', outcome: 'ok' });
    expect(attempts.slice(0, -1).every(({ provider, outcome }) => provider === 'together' && outcome !== 'ok')).toBe(
      true,
    );
    expect(nano(one.cost)).toBe(cost);
    const { total } = await report('/v1/usage', key);
    expect(total).toMatchObject({ calls: 1, requests: attempts.length, errors: attempts.length - 1 });
    const errors = await report('/v1/generations?outcome=ok', key);
    expect(errors.data.map(({ id: of }) => of)).toEqual([id]);
  });

  it('add up to the same for the key, for its account and for the whole deployment', async () => {
    const [one, two] = [await makeKey('sums'), await makeKey('sums')];
    const costs = await Promise.all(
      [one, two, one, two, one].map((key) => ask('/v1/chat/completions', chat('bedrock/llama-3-8b-instruct'), key)),
    );
    const sum = (of: readonly { cost: bigint }[]) => of.reduce((all, { cost }) => all + cost, 0n);
    expect(nano((await report('/v1/usage', one)).total.cost)).toBe(
      sum([...costs.values()].filter((_, at) => at % 2 === 0)),
    );
    const account = await report('/v1/usage?account=sums&group_by=key', {});
    expect(account.data).toHaveLength(2);
    expect(nano(account.total.cost)).toBe(sum(costs));
    // What the account itself has counted, which no report is made from.
    const state = (await (await stack.get('/v1/accounts/sums')).json()) as Line;
    expect(nano(state.spent)).toBe(sum(costs));
    expect(nano(state.pending)).toBe(0n);
    const all = await report('/v1/usage?group_by=account', {});
    expect(nano(all.data.find(({ account: of }) => of === 'sums')?.cost)).toBe(sum(costs));
  });
});

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

describeWithPython('the metrics, as the client of Prometheus reads them', 'requirements', (python) => {
  it('are valid in both formats, and add up to the usage', async () => {
    await ask('/v1/chat/completions', chat('replicate/llama-3-8b-instruct'), await makeKey('metrics'));
    const { total } = await report('/v1/usage', {});
    const formats = [
      ['text', 'text/plain'],
      ['openmetrics', 'application/openmetrics-text; version=1.0.0, text/plain;q=0.5'],
    ] as const;
    const read = await Promise.all(
      formats.map(async ([format, accept]) => {
        const text = await (await stack.get('/metrics', { accept })).text();
        const { status, stdout, stderr } = spawnSync(python, ['test/clients/metrics.py', format], { input: text });
        expect(status, String(stderr)).toBe(0);
        return JSON.parse(String(stdout)) as Metric[];
      }),
    );
    for (const metrics of read) {
      const sum = (family: string, of = (_: string) => true) =>
        metrics
          .filter(({ name }) => name === family)
          .flatMap(({ samples }) => samples)
          .filter(({ name }) => of(name))
          .reduce((all, { value }) => all + value, 0);
      expect(sum('chasqui_attempts', (name) => name.endsWith('_total'))).toBe(total.requests);
      expect(sum('chasqui_calls', (name) => name.endsWith('_total'))).toBe(total.calls);
      expect(sum('gen_ai_client_inference_usage_output_tokens')).toBe(total.completion_tokens);
      expect(sum('chasqui_cost_dollars')).toBeCloseTo(Number(total.cost), 9);
      expect(sum('gen_ai_client_inference_duration_seconds', (name) => name.endsWith('_count'))).toBe(total.requests);
    }
    const names = read.map((metrics) => metrics.map(({ name, type }) => `${name} ${type}`));
    expect(names[0]).toEqual(names[1]);
  });
});

describe('what a caller wrote and what a model said', () => {
  it('is in no report', async () => {
    const key = await makeKey('canary');
    const canary = 'canary-7f3a91';
    const body = chat('together/gpt-oss-120b', {
      messages: [{ role: 'user', content: `Reply with exactly ${canary}` }],
    });
    const answer = await stack.post('/v1/chat/completions', body, key);
    expect(await answer.text()).toContain(canary);
    const id = answer.headers.get('x-chasqui-generation-id');
    const paths = ['/v1/usage?group_by=key,model', '/v1/whatif', '/v1/generations', `/v1/generations/${id}`];
    const texts = await Promise.all(paths.map(async (path) => (await stack.get(path, key)).text()));
    expect(texts[2]).toContain(String(id));
    const all = [...texts, await (await stack.get('/metrics')).text(), stack.logs()].join('\n');
    for (const secret of [canary, key.authorization?.slice(7) ?? '', KEY]) expect(all).not.toContain(secret);
  });
});

describe('docs/reports.md', () => {
  it('shows commands that work', async () => {
    const page = readFileSync('docs/reports.md', 'utf8');
    const commands = [...page.matchAll(/^```sh\n(curl[\s\S]*?)^```/gm)].map(([, text = '']) => text);
    expect(commands).toHaveLength(6);
    const { id } = await ask('/v1/chat/completions', chat('together/gpt-oss-120b'), await makeKey('main'));
    const env = { ...process.env, CHASQUI_URL: stack.url, CHASQUI_ADMIN_KEY: KEY, GENERATION_ID: id };
    const run = async (command = ''): Promise<string> => {
      const { stdout } = await promisify(execFile)('bash', ['-c', command.replace('curl', 'curl --fail-with-body')], {
        env,
      });
      return stdout;
    };
    const [usage, whatIf, list, one, live, metrics] = commands;
    expect(JSON.parse(await run(usage)).total.calls).toBeGreaterThan(0);
    expect(JSON.parse(await run(whatIf)).data.at(-1)).toMatchObject({ policy: 'order=together,bedrock' });
    expect(JSON.parse(await run(list)).data[0]).toMatchObject({ id, outcome: 'ok' });
    expect(JSON.parse(await run(one))).toMatchObject({ id, attempts: [{ billing: 'exact' }] });
    // It is a stream without end, which curl leaves after its own time.
    const watched = await run(live).catch((stopped: { stdout?: string }) => stopped.stdout ?? '');
    expect(watched).toContain('event: running');
    expect(await run(metrics)).toContain('chasqui_calls_total{');
  });
});
