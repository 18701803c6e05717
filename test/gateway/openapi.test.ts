import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';

/** The description of the API against the running gateway: its examples work, and answers are what it says. */

interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly example?: string | number;
}
interface Answer {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly examples: Record<string, { readonly value: Body }> } };
  };
  readonly responses: Readonly<Record<string, Answer>>;
  readonly security?: readonly unknown[];
}
type Body = Readonly<Record<string, unknown>>;
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
}

const document = JSON.parse(
  readFileSync(new URL('../../src/assets/ui/openapi.json', import.meta.url).pathname, 'utf8'),
) as Document;
const ajv = new Ajv2020({ strict: false, allErrors: true, schemas: { api: document } });

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
/** What works for the page of this gateway alone: test/browser has it. */
const ofPage = ({ operation }: { readonly operation: Operation }): boolean =>
  operation.operationId === 'signIn' || operation.operationId === 'signOut';
const called = (id: string) => operations.find(({ operation }) => operation.operationId === id);

/** A reranker is a model of a server of one's own. */
const reranker = (origin: string): string =>
  JSON.stringify([
    {
      id: 'mine',
      base_url: `${origin}/openai-compatible/v1`,
      models: { 'mxbai-rerank-large-v2': { upstream: 'BAAI/bge-reranker-v2-m3', kind: 'rerank' } },
    },
  ]);

let stack: Stack;
/** What stands in a path, where the example's is nobody's. */
const ids: Record<string, string> = {};
beforeAll(async () => {
  stack = await startStack((origin) => ({ ...sandboxEnv(origin), OPENAI_COMPATIBLE_SERVICES: reranker(origin) }));
  const made = (await (await stack.post('/v1/keys', { name: 'Examples' })).json()) as { id: string };
  ids['/v1/keys/{id}'] = made.id;
  const model = 'llama-3.3-70b-instruct';
  const answer = await stack.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hi' }] });
  ids['/v1/generations/{id}'] = ((await answer.json()) as { id: string }).id;
});
afterAll(() => stack.stop());

type Asked = { readonly method: string; readonly path: string; readonly operation: Operation };

/** @param values of parameters; the path's is always given */
function send(
  { method, path, operation }: Asked,
  body: Body | undefined,
  withExamples: boolean,
  headers: Readonly<Record<string, string>> = { authorization: `Bearer ${KEY}` },
): Promise<Response> {
  const parameters = operation.parameters ?? [];
  const query = new URLSearchParams();
  for (const one of parameters) {
    if (withExamples && one.in === 'query' && one.example !== undefined) query.set(one.name, String(one.example));
  }
  const example = parameters.find((one) => one.in === 'path')?.example ?? '';
  const at = path.replace('{id}', encodeURIComponent(ids[path] ?? String(example)));
  return fetch(`${stack.url}${at}${query.size > 0 ? `?${query}` : ''}`, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

const answerFor = (operation: Operation, status: number): Answer | undefined => {
  const found = operation.responses[status];
  return found?.$ref ? document.components.responses[found.$ref.split('/').at(-1) ?? ''] : found;
};

/** Throws where an answer is not what the document says of its status. */
async function assertDescribed({ operation }: Asked, response: Response): Promise<unknown> {
  const described = answerFor(operation, response.status);
  // A watch has no end.
  const watched = operation.operationId === 'watchCalls' && response.status === 200;
  const text = watched ? '' : await response.text();
  if (watched) await response.body?.cancel();
  if (!described) throw new Error(`${operation.operationId}: ${response.status} is not described. ${text}`);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  const content = described.content?.[type];
  expect(Object.keys(described.content ?? {}), operation.operationId).toContain(type);
  for (const name of response.headers.keys()) {
    if (/^(?:x-chasqui-(?!sandbox)|ratelimit|link$|retry-after$|x-should-retry$)/.test(name)) {
      expect(Object.keys(described.headers ?? {}), operation.operationId).toContain(name);
    }
  }
  expect(response.headers.get('x-request-id')).toBeTruthy();
  if (!content || type !== 'application/json') return text;
  const value: unknown = JSON.parse(text);
  // References in the schema are into the document.
  const validate = ajv.compile(JSON.parse(JSON.stringify(content.schema).replaceAll('"#/', '"api#/')));
  if (!validate(value)) throw new Error(`${operation.operationId}: ${ajv.errorsText(validate.errors)}\n${text}`);
  return value;
}

const isGood = (status: number): boolean => status === 200 || status === 201;

describe('an example', () => {
  const withBody = operations.flatMap((asked) =>
    Object.entries(asked.operation.requestBody?.content['application/json'].examples ?? {}).map(
      ([name, { value }]) => [`${asked.operation.operationId}: ${name}`, asked, value] as const,
    ),
  );

  it('is there for every body', () => {
    const bare = operations.filter((asked) => asked.operation.requestBody && !ofPage(asked));
    const shown = new Set(withBody.map(([, { operation }]) => operation.operationId));
    expect(bare.map(({ operation }) => operation.operationId).filter((id) => !shown.has(id))).toEqual([]);
  });

  it.each(withBody)('of a body is answered as described: %s', async (_name, asked, body) => {
    const response = await send(asked, body, false);
    expect(isGood(response.status), `${response.status}`).toBe(true);
    await assertDescribed(asked, response);
  });

  // Revoking comes last, because it ends the key that the others show.
  const others = operations
    .filter((asked) => !asked.operation.requestBody && !ofPage(asked))
    .sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));

  it.each(others)('of parameters is answered as described: $method $path', async (asked) => {
    for (const withExamples of [false, true]) {
      const response = await send(asked, undefined, withExamples);
      expect(isGood(response.status), `${response.status}`).toBe(true);
      await assertDescribed(asked, response);
    }
  });

  it('of a report is there as CSV, too', async () => {
    for (const id of ['getUsage', 'listGenerations']) {
      const asked = called(id);
      if (!asked) throw new Error(id);
      const headers = { authorization: `Bearer ${KEY}`, accept: 'text/csv' };
      expect(await assertDescribed(asked, await send(asked, undefined, false, headers))).toMatch(/,cost,/);
    }
  });
});

describe('an error', () => {
  it.each(operations)('is as described, without a key: $method $path', async (asked) => {
    const response = await send(asked, asked.operation.requestBody ? {} : undefined, false, {});
    if (ofPage(asked)) expect(response.status).toBe(403);
    else if (asked.operation.security?.length === 0) expect(response.status).toBe(200);
    else expect(response.status).toBe(401);
    await assertDescribed(asked, response);
  });

  it.each(operations.filter(({ operation }) => operation.requestBody))(
    'is as described, of a body that is none: $method $path',
    async (asked) => {
      for (const body of ['{', '[]', '{}', '{"model": 7, "name": 7, "budget": 7}']) {
        const response = await fetch(stack.url + asked.path.replace('{id}', ids[asked.path] ?? 'main'), {
          method: asked.method,
          headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
          body,
        });
        // A change of nothing is no error.
        if (asked.operation.operationId !== 'changeKey' || body !== '{}') expect(response.status).toBeGreaterThan(399);
        await assertDescribed(asked, response);
      }
    },
  );

  it('is in Anthropic’s envelope for clients of its API, where the document says so', async () => {
    const asked = called('countTokens');
    if (!asked) throw new Error('countTokens');
    const headers = { authorization: `Bearer ${KEY}`, 'anthropic-version': '2023-06-01' };
    const body = { model: 'nobody-knows-it', messages: [{ role: 'user', content: 'Hi' }] };
    const response = await send(asked, body, false, headers);
    expect(response.status).toBe(404);
    expect(await assertDescribed(asked, response)).toMatchObject({ type: 'error' });
  });
});
