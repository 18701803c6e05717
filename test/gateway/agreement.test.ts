import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHATS, CODELLAMA_34B, LLAMA2_13B_CHAT, LLAMA2_70B_CHAT, PROMPTS } from '../guide/prompts.ts';
import { anyscaleService, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';
import { MORE_CHATS, MORE_PROMPTS, TOOL_CHATS, TOOLS } from './agreement-prompts.ts';

/**
 * The tokens that we count of a prompt are those that its provider bills, or differ by what its wire is known to report
 * besides. The emulator counts by other people's tokenizers and by the makers' own templates.
 */
type Form = 'completions' | 'chats' | 'tools';

const OFFERS: readonly (readonly [provider: string, model: string, forms: readonly Form[]])[] = [
  // Replicate: a pinned version of 2023, an official model of cog-triton, cog-vllm, and llama.cpp.
  ['replicate', LLAMA2_70B_CHAT, ['completions', 'chats']],
  ['replicate', LLAMA2_13B_CHAT, ['completions', 'chats']],
  ['replicate', CODELLAMA_34B, ['completions']],
  ['replicate', 'meta/llama-2-70b-chat', ['completions', 'chats']],
  ['replicate', 'llama-3-8b-instruct', ['completions', 'chats']],
  ['replicate', 'llama-3.1-405b-instruct', ['completions', 'chats']],
  ['replicate', 'mistral-7b-instruct-v0.2', ['completions', 'chats']],
  ['replicate', 'mixtral-8x7b-instruct-v0.1', ['completions', 'chats']],
  ['replicate', 'gpt-oss-20b', ['completions']],
  ['anyscale', 'llama-2-70b-chat', ['completions', 'chats']],
  ['anyscale', 'llama-2-13b-chat', ['completions', 'chats']],
  ['anyscale', 'codellama-34b', ['completions']],
  ['anyscale', 'codellama-34b-instruct', ['completions', 'chats']],
  ['anyscale', 'codellama-70b-instruct', ['completions']],
  ['anyscale', 'llama-3-8b-instruct', ['completions', 'chats']],
  ['anyscale', 'llama-3.3-70b-instruct', ['completions', 'chats', 'tools']],
  ['anyscale', 'mixtral-8x7b-instruct-v0.1', ['completions', 'chats']],
  ['anyscale', 'gpt-oss-120b', ['completions', 'chats']],
  ['bedrock', 'llama-3-70b-instruct', ['completions', 'chats']],
  ['bedrock', 'llama-3-8b-instruct', ['completions', 'chats']],
  ['bedrock', 'llama-3.3-70b-instruct', ['completions', 'chats', 'tools']],
  ['bedrock', 'mistral-7b-instruct-v0.2', ['completions', 'chats']],
  ['bedrock', 'mixtral-8x7b-instruct-v0.1', ['completions', 'chats']],
  ['bedrock', 'gpt-oss-120b', ['chats']],
  ['together', 'llama-3.3-70b-instruct', ['completions', 'chats', 'tools']],
  ['together', 'llama-3-70b-instruct', ['completions', 'chats']],
  ['together', 'mistral-7b-instruct-v0.2', ['completions', 'chats']],
  ['together', 'gpt-oss-120b', ['completions', 'chats']],
];

const entries = (texts: Readonly<Record<string, string>>) => Object.entries(texts);

/** What is asked, by name. Every text of the guide is asked as a chat of one question too. */
const CALLS: Readonly<Record<Form, readonly (readonly [name: string, body: Readonly<Record<string, unknown>>])[]>> = {
  completions: [
    ...entries({ ...PROMPTS, ...MORE_PROMPTS }).map(([name, prompt]) => [name, { prompt }] as const),
    ['a list', { prompt: [PROMPTS.sky, MORE_PROMPTS.scripts, MORE_PROMPTS['a begin of its own']] }],
    ['a chat in another template', { messages: MORE_CHATS.system, template: { name: 'chatml' } }],
    ["a chat in the guide's form", { messages: CHATS.favouriteColor, template: { name: 'guide-buffer' } }],
    ['a list, three samples of each', { prompt: [PROMPTS.sky, PROMPTS.haiku], n: 3 }],
  ],
  chats: [
    ...entries(PROMPTS).map(([name, content]) => [name, { messages: [{ role: 'user', content }] }] as const),
    ...Object.entries({ ...CHATS, ...MORE_CHATS }).map(([name, messages]) => [name, { messages }] as const),
    ['three samples', { messages: CHATS.average, n: 3 }],
    ['JSON', { messages: MORE_CHATS.system, response_format: { type: 'json_object' } }],
  ],
  tools: [
    ...Object.entries(TOOL_CHATS).map(([name, messages]) => [name, { messages, tools: TOOLS }] as const),
    ['none to be called', { messages: TOOL_CHATS['a question'], tools: TOOLS, tool_choice: 'none' }],
    ['none to be called again', { messages: TOOL_CHATS['a result'], tools: TOOLS, tool_choice: 'none' }],
    [
      'without a schema',
      { messages: TOOL_CHATS['a question'], tools: [{ type: 'function', function: { name: 'now' } }] },
    ],
  ],
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack((origin) => ({
    ...sandboxEnv(origin),
    ANYSCALE_SERVICES: anyscaleService(`${origin}/anyscale/v1`, {
      'codellama-34b-instruct': 'codellama/CodeLlama-34b-Instruct-hf',
      'codellama-70b-instruct': 'codellama/CodeLlama-70b-Instruct-hf',
      'mixtral-8x7b-instruct-v0.1': 'mistralai/Mixtral-8x7B-Instruct-v0.1',
    }),
  }));
});
afterAll(() => stack.stop());

interface Usage {
  readonly prompt_tokens: number;
  readonly exactness: string;
}
interface Answer {
  readonly usage?: Usage;
  readonly chasqui?: {
    readonly prompt_tokens: { readonly counted: number; readonly exactness: string; readonly reports_extra: number };
  };
}

const pathOf = (body: object): string => ('prompt' in body ? '/v1/completions' : '/v1/chat/completions');

/** What we counted, and what the provider reported in JSON and in a stream. */
async function compare(name: string, call: Readonly<Record<string, unknown>>) {
  const path = pathOf(call);
  const answer = await stack.post(path, call, { 'x-chasqui-debug': '1' });
  const json = (await answer.json()) as Answer;
  const told = json.chasqui?.prompt_tokens;
  if (!told || !json.usage) throw new Error(`${name}: ${JSON.stringify(json)}`);
  const asked = { ...call, stream: true, stream_options: { include_usage: true } };
  const { usage, error } = readStream(await (await stack.post(path, asked)).text());
  if (!usage) throw new Error(`${name}: ${JSON.stringify(error)}`);
  return {
    name,
    exactness: told.exactness,
    counted: told.counted + told.reports_extra,
    reported: [json.usage.prompt_tokens, usage.prompt_tokens],
    by: [json.usage, usage].map((one) => ('exactness' in one ? one.exactness : undefined)),
  };
}

/** A few at a time: most of the time is waiting for Replicate's predictions. */
async function eachOf<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += 8) results.push(...(await Promise.all(all.slice(at, at + 8).map(work))));
  return results;
}

const cases = OFFERS.flatMap(([provider, model, forms]) => forms.map((form) => ({ provider, model, form })));

describe('prompt tokens by our count and by the provider’s', () => {
  it.each(cases)('$provider, $model: $form', async ({ provider, model, form }) => {
    const rows = await eachOf(CALLS[form], ([name, body]) =>
      compare(name, { model, max_tokens: 4, ...body, provider: { only: [provider] } }),
    );
    expect(rows).toEqual(
      rows.map(({ name, counted }) => ({
        name,
        exactness: 'exact',
        counted,
        reported: [counted, counted],
        by: ['provider', 'provider'],
      })),
    );
  });
});
