import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';

/** PDFs: read by some models of Bedrock, and by no other API that the gateway knows. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

const PDF = 'JVBERi0xLjcKJcOkw7zDtsOf';
const READS = 'bedrock/llama-3-8b-instruct';
const QUESTION = 'What is the capital of the California?';

/** The same question about a PDF, in each dialect. */
const ASKED: readonly (readonly [path: string, body: (model: string) => object, field: string])[] = [
  [
    '/v1/chat/completions',
    (model) => ({
      model,
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'file',
              file: { filename: 'My report_v2 (final).pdf', file_data: `data:application/pdf;base64,${PDF}` },
            },
            { type: 'text', text: QUESTION },
          ],
        },
      ],
    }),
    'messages[0].content[0]',
  ],
  [
    '/v1/messages',
    (model) => ({
      model,
      max_tokens: 100,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
            { type: 'text', text: QUESTION },
          ],
        },
      ],
    }),
    'messages[0].content',
  ],
  [
    '/v1/responses',
    (model) => ({
      model,
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_file', filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` },
            { type: 'input_text', text: QUESTION },
          ],
        },
      ],
    }),
    'input[0].content',
  ],
];

const sent = async () => {
  const bodies = (await stack.journal()).map(({ body }) => body);
  const [first] = bodies as { messages: { content: Record<string, unknown>[] }[] }[];
  return first?.messages ?? [];
};

describe.each(ASKED)('a PDF in %s', (path, body, field) => {
  it('goes to a model of Bedrock that reads it', async () => {
    const answer = await stack.post(path, body(READS));
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    expect(text).toMatch(/Sacramento/);
    const name = path.includes('chat') ? 'My report v2 (final) 1' : path.includes('messages') ? 'document 1' : 'a 1';
    expect(await sent()).toEqual([
      { role: 'user', content: [{ document: { format: 'pdf', name, source: { bytes: PDF } } }, { text: QUESTION }] },
    ]);
  });

  it('is refused for all others, by the name of its field, and nobody is asked', async () => {
    for (const model of [
      'bedrock/gpt-oss-120b',
      'bedrock/llama-3.3-70b-instruct',
      'together/llama-3.3-70b-instruct',
      'replicate/llama-3-8b-instruct',
    ]) {
      const answer = await stack.post(path, body(model));
      const { error } = (await answer.json()) as { error: { param: string | null; message: string } };
      expect([answer.status, error.param?.startsWith(field)], JSON.stringify(error)).toEqual([400, true]);
      expect(error.message).toMatch(/PDF/);
    }
    expect(await stack.journal()).toEqual([]);
  });

  it('is counted as an estimate', async () => {
    const sheet = (await (await stack.post('/v1/offers', body(READS))).json()) as { data: object[] };
    expect(sheet.data).toContainEqual(
      expect.objectContaining({ provider: 'bedrock', eligible: true, exactness: 'estimate' }),
    );
  });
});

describe('PDFs in a conversation', () => {
  const file = (name: string) => ({ type: 'file', file: { filename: name, file_data: PDF } });
  const ask = (messages: object[]) => stack.post('/v1/chat/completions', { model: READS, messages });

  it('have names of their own that stay, and words beside them', async () => {
    const first = [{ role: 'user', content: [file('a.pdf'), file('a.pdf')] }];
    const more = [...first, { role: 'assistant', content: 'Two.' }, { role: 'user', content: [file('Ñ!.pdf')] }];
    expect((await ask(more)).status).toBe(200);
    const names = (await sent()).flatMap(({ content }) =>
      content.map((block) => block.text ?? (block.document as { name: string }).name),
    );
    expect(names).toEqual(['a 1', 'a 2', 'See the document.', 'Two.', 'document 3', 'See the document.']);
  });

  it.each([
    [
      'in an answer of the assistant',
      [
        { role: 'system', content: [file('a.pdf')] },
        { role: 'user', content: 'Hi' },
      ],
    ],
    ['beyond five in a message', [{ role: 'user', content: 'abcdef'.split('').map((name) => file(`${name}.pdf`)) }]],
    [
      'beyond 4.5 MB',
      [
        {
          role: 'user',
          content: [{ type: 'file', file: { filename: 'a.pdf', file_data: PDF + 'A'.repeat(6_000_004) } }],
        },
      ],
    ],
  ])('are refused %s before anybody is asked', async (_what, messages) => {
    const answer = await ask(messages);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { param: expect.stringMatching(/^messages\[0\]\.content\[\d\]/) },
    });
    expect(await stack.journal()).toEqual([]);
  });
});
