import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

/**
 * Likelihoods of given texts, as lm-evaluation-harness asks for them (`local-completions`: lm_eval 0.4.13,
 * `LocalCompletionsAPI._create_payload` and `parse_logprobs`).
 */

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

interface Logprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[];
  text_offset: number[];
}
interface Answer {
  choices: { index: number; text: string; logprobs: Logprobs | null; finish_reason: string }[];
  usage: { prompt_tokens: number };
}

const PATH = '/v1/completions';
const OWN = { model: 'llama-2-70b', provider: { only: ['anyscale'] } };
const harness = (prompt: unknown) => ({
  prompt,
  temperature: 0,
  max_tokens: 1,
  logprobs: 1,
  seed: 1234,
  echo: true,
});

/** The server's own answer to the same. */
async function direct(body: Record<string, unknown>): Promise<Answer> {
  const answer = await fetch(`${stack.sandbox}/anyscale/v1/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sandbox-anyscale-token', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'meta-llama/Llama-2-70b-hf', ...body }),
  });
  return (await answer.json()) as Answer;
}

const through = async (body: Record<string, unknown>) => {
  const response = await stack.post(PATH, body);
  return { response, answer: (await response.json()) as Answer };
};

/** The sum over the continuation, and whether each of its tokens is the likeliest. */
function parsed({ logprobs }: Answer['choices'][number], context: number): [number, boolean] {
  const chosen = (logprobs?.token_logprobs ?? []).slice(context, -1);
  const tops = (logprobs?.top_logprobs ?? []).slice(context, -1);
  const sum = chosen.reduce<number>((total, one) => total + (one ?? Number.NaN), 0);
  return [sum, chosen.every((one, at) => one === Math.max(...Object.values(tops[at] ?? {})))];
}

const ids = async (input: string, model = 'llama-2-70b'): Promise<number[]> => {
  const response = await stack.post('/v1/tokenize', { model, input });
  return ((await response.json()) as { ids: number[] }).ids;
};

describe('likelihoods of texts at an own service', () => {
  it('are what the server itself gives, the first token without one included', async () => {
    const { response, answer } = await through({ ...OWN, ...harness('The sky is blue') });
    expect(response.headers.get('x-chasqui-dropped')).toBeNull();
    const [mine] = answer.choices;
    const [theirs] = (await direct(harness('The sky is blue'))).choices;
    expect(mine?.text).toBe(theirs?.text);
    expect(mine?.logprobs).toEqual(theirs?.logprobs);
    expect(mine?.logprobs?.token_logprobs[0]).toBeNull();
    expect(mine?.text.startsWith('The sky is blue')).toBe(true);
  });

  it('come for token ids, several prompts at once, and count what they count there', async () => {
    const prompts = [await ids('The sky is blue'), await ids('Grass grows in the green meadow')];
    const { answer } = await through({ ...OWN, ...harness(prompts) });
    const theirs = await direct(harness(prompts));
    expect(answer.choices.map((choice) => parsed(choice, 3))).toEqual(
      theirs.choices.map((choice) => parsed(choice, 3)),
    );
    for (const choice of answer.choices) expect(parsed(choice, 3)[0]).toBeLessThan(0);
    expect(answer.usage.prompt_tokens).toBe(theirs.usage.prompt_tokens);
    // One request for each prompt, its ids as they came.
    const sent = (await stack.journal()).map(({ body }) => (body as { prompt: unknown }).prompt);
    expect(sent.slice(0, 2)).toEqual(prompts);
  });

  it('come without a token of output', async () => {
    const { answer } = await through({ ...OWN, ...harness('The sky is blue'), max_tokens: 0 });
    const [choice] = answer.choices;
    expect(choice).toMatchObject({ text: 'The sky is blue', finish_reason: 'length' });
    expect(choice?.logprobs?.tokens.join('')).toBe('The sky is blue');
  });

  it('come in a stream as well', async () => {
    const response = await stack.post(PATH, { ...OWN, ...harness('The sky is blue'), stream: true });
    const { done, text } = readStream(await response.text());
    expect(done).toBe(true);
    expect(text[0]).toBe((await direct(harness('The sky is blue'))).choices[0]?.text);
  });
});

describe('an echo', () => {
  it('is put there by us where only the text is asked for, on every wire, once', async () => {
    for (const provider of ['anyscale', 'bedrock', 'replicate']) {
      const body = { model: 'llama-3-8b-instruct', prompt: 'The sky is', max_tokens: 4, echo: true };
      const { answer } = await through({ ...body, provider: { only: [provider] } });
      expect(answer.choices[0]?.text.split('The sky is')).toHaveLength(2);
      expect(answer.choices[0]?.text.startsWith('The sky is')).toBe(true);
    }
    for (const { body } of await stack.journal()) expect(body).not.toHaveProperty('echo');
  });

  it('comes with its probabilities from Together, which tells them apart from the answer', async () => {
    const body = { model: 'together/gpt-oss-120b', ...harness('The sky is blue'), max_tokens: 3, logprobs: 2 };
    const { response, answer } = await through(body);
    expect(response.headers.get('x-chasqui-provider')).toBe('together');
    const [choice] = answer.choices;
    expect(choice?.text.split('The sky is blue')).toHaveLength(2);
    expect(choice?.text.startsWith('The sky is blue')).toBe(true);
    expect(choice?.logprobs?.tokens.join('')).toBe(choice?.text);
  });

  it('has none in a stream of Together’s, which is said', async () => {
    const body = { model: 'together/gpt-oss-120b', ...harness('The sky is blue'), stream: true };
    const response = await stack.post(PATH, body);
    expect(response.headers.get('x-chasqui-dropped')).toBe('echo (the log probabilities of the prompt)');
    expect(readStream(await response.text()).text[0]?.split('The sky is blue')).toHaveLength(2);
  });

  it.each(['bedrock', 'replicate'])('alone is refused where the wire has none: %s', async (provider) => {
    const body = { model: 'llama-3-8b-instruct', ...harness('Hi'), max_tokens: 0, provider: { only: [provider] } };
    const { response, answer } = await through(body);
    expect(response.status).toBe(400);
    expect(answer).toMatchObject({ error: { param: 'max_tokens' } });
    expect(await stack.journal()).toEqual([]);
  });

  it('loses its probabilities where the wire has none, which is said', async () => {
    const body = { model: 'llama-3-8b-instruct', ...harness('The sky'), provider: { only: ['replicate'] } };
    const { response } = await through(body);
    expect(response.headers.get('x-chasqui-dropped')).toContain('logprobs');
  });
});

describe('token ids', () => {
  it('go as the text that makes them where a wire takes text only', async () => {
    const prompt = await ids('The sky is blue', 'gpt-oss-120b');
    const { response, answer } = await through({ model: 'together/gpt-oss-120b', prompt, max_tokens: 3, echo: true });
    expect(response.headers.get('x-chasqui-provider')).toBe('together');
    expect(answer.choices[0]?.text.startsWith('The sky is blue')).toBe(true);
    expect((await stack.journal())[0]?.body).toMatchObject({ prompt: 'The sky is blue' });
  });

  it('are refused where no text makes them there', async () => {
    // The halves of a character, the wrong way round.
    const [first = 0, second = 0] = (await ids('\u{1f999}', 'gpt-oss-120b')).slice(-2);
    const { response, answer } = await through({
      model: 'together/gpt-oss-120b',
      prompt: [second, first],
      max_tokens: 3,
    });
    expect(response.status).toBe(400);
    expect(answer).toMatchObject({ error: { param: 'prompt' } });
  });

  it('never go to a model with another tokenizer', async () => {
    const prompt = await ids('The sky is blue');
    const { response, answer } = await through({
      models: ['llama-2-70b', 'llama-3-8b-instruct'],
      prompt,
      provider: { only: ['bedrock'] },
    });
    expect(response.status).toBe(400);
    expect(JSON.stringify(answer)).toContain('token ids of llama-2-70b');
  });
});
