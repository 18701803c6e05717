import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { configureProviders } from '../../providers/index.ts';
import { models } from '../../src/catalog/index.ts';
import { type ChatCall, isObject, type Message, type Tool } from '../../src/core/index.ts';
import { type Candidate, planFor } from '../../src/offers/index.ts';
import { renderSegments, writtenOut } from '../../src/tokens/index.ts';
import { assistant, chat, laidOut, loadTokenizers, TODAY, user, world } from './support.ts';

/**
 * What is sent for the next turn of a conversation begins, byte for byte, with what was sent for the turn before. Else
 * no cache of prefixes holds. This looks at the very requests of each wire, and at the prompt that the server makes.
 */

beforeAll(loadTokenizers);

/** A model of each family that can chat. */
const MODELS = [...new Map(models().flatMap(({ id, family, kind }) => (kind === 'chat' ? [[family, id]] : [])))];

const compared = new Set<string>();
const posted: unknown[] = [];
const { providers, offers, mistakes } = configureProviders(
  {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIASANDBOXSANDBOX00',
    AWS_SECRET_ACCESS_KEY: 'sandbox-secret-access-key',
    REPLICATE_API_TOKEN: 'r8_sandbox',
    TOGETHER_API_KEY: 'sandbox-together-key',
    ANYSCALE_SERVICES: JSON.stringify([
      {
        id: 'test',
        base_url: 'http://127.0.0.1/v1',
        token: 'sandbox-anyscale-token',
        models: Object.fromEntries(MODELS.map(([, model]) => [model, { upstream: model }])),
      },
    ]),
  },
  async (_url, init) => {
    posted.push(
      JSON.parse(typeof init?.body === 'string' ? init.body : new TextDecoder().decode(init?.body as Uint8Array)),
    );
    return new Response('{"error": "enough"}', { status: 400 });
  },
  { familyMistake: () => undefined },
);
const real = world({ providers: new Map(providers.map((one) => [one.id, one])), services: offers });

/** What a model reads of one request, in the order in which it reads it. */
interface Sent {
  /** All but the messages. */
  readonly frame: string;
  readonly messages: readonly string[];
  /** Our prompt, or the one that the server renders, where its template is known. */
  readonly prompt: string | undefined;
}

async function sentBy(call: ChatCall, offer: Candidate): Promise<Sent> {
  const [job] = planFor(call, offer, 1000).jobs;
  if (!job) throw new Error('no job');
  posted.length = 0;
  await providers
    .find(({ id }) => id === offer.provider)
    ?.generate(job, new AbortController().signal)
    .catch(() => undefined);
  const [body] = posted;
  if (!isObject(body)) throw new Error(`${offer.provider} was sent nothing`);
  const { messages = [], ...frame } = body;
  if (offer.sends.form === 'prompts') return { frame: '', messages: [], prompt: String(offer.sends.prompts[0]) };
  const { tools } = offer.sends;
  const rendered = renderSegments(offer.family, offer.sends.messages, { variant: 'hf', tools, date: new Date(TODAY) });
  return {
    // How much may be generated depends on what room the prompt leaves.
    frame: JSON.stringify({ ...frame, max_tokens: 0, inferenceConfig: 0 }),
    messages: (messages as unknown[]).map((one) => JSON.stringify(one)),
    prompt: rendered.kind === 'prompt' ? writtenOut(rendered.segments) : undefined,
  };
}

/** How an answer begins differs in these from how an answer that was given begins: the prompt is the same up to there. */
const OPENINGS: Readonly<Record<string, string>> = {
  // "Destination: user" stands only before the answer that is to come.
  'code-llama-70b': '\nDestination: user\n\n ',
  // Without tools, an answer that was given has no thought.
  'deepseek-v4': '<think>',
};
/** Templates that move text with every turn. */
const MOVING: Readonly<Record<string, string>> = {
  'mixtral-8x22b': 'The template puts system text and tools into the last message of the user.',
};

const text = fc.string({ minLength: 1, maxLength: 12 }).map((one) => `${one}.`);
const system = (content: string): Message => ({ role: 'system', content });
const LOOK: Tool = {
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object', properties: { at: { type: 'string' } } },
};

/** What one more request adds to the one before: an answer, and what comes after it. */
const answer = fc.tuple(text, text).map(([said, next]): Message[] => [assistant(said), user(next)]);
const reminder = fc
  .tuple(text, text, text)
  .map(([said, next, late]): Message[] => [assistant(said), user(next), system(late)]);
const stepWith = (reasoning: fc.Arbitrary<string | null>) =>
  fc.tuple(fc.uuid(), text, text, reasoning).map(([id, at, found, thought]): Message[] => [
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id, name: 'look', arguments: JSON.stringify({ at }) }],
      ...(thought === null ? {} : { reasoning: thought }),
    },
    { role: 'tool', toolCallId: id, content: found },
  ]);
const step = stepWith(fc.constant(null));

describe.each<[string, fc.Arbitrary<Message[]>, readonly Tool[]]>([
  ['answers', answer, []],
  ['answers and reminders', fc.oneof(answer, reminder), []],
  ['tool loops with answers between them', fc.oneof(step, answer), [LOOK]],
  // After the final answer the reasoning of its loop is left out, as the models' makers specify.
  ['one loop with its reasoning', stepWith(fc.option(text)), [LOOK]],
])('a conversation of %s', (_what, part, tools) => {
  it.each(MODELS)('grows at its end alone: %s', async (family, model) => {
    await fc.assert(
      fc.asyncProperty(
        fc.option(text),
        text,
        fc.array(part, { minLength: 1, maxLength: 3 }),
        async (rules, question, parts) => {
          const messages: Message[] = [...(rules === null ? [] : [system(rules)]), user(question)];
          let before = new Map<string, Sent>();
          for (const more of [[], ...parts]) {
            messages.push(...more);
            const call = chat({ models: [model], messages: [...messages], tools });
            const now = new Map<string, Sent>();
            for (const offer of laidOut(call, real).eligible) {
              const name = `${offer.provider} ${offer.api}`;
              const sent = await sentBy(call, offer);
              now.set(name, sent);
              const last = before.get(name);
              if (!last) continue;
              compared.add(name);
              expect(sent.frame, name).toBe(last.frame);
              expect(sent.messages.slice(0, last.messages.length), name).toEqual(last.messages);
              if (last.prompt === undefined || family in MOVING) continue;
              const opening = OPENINGS[family] ?? '';
              expect(last.prompt.endsWith(opening), name).toBe(true);
              const kept = last.prompt.slice(0, last.prompt.length - opening.length);
              expect(sent.prompt?.slice(0, kept.length), name).toBe(kept);
            }
            before = now;
          }
        },
      ),
      { numRuns: 8 },
    );
  });
});

it('was compared on every wire that takes chats', () => {
  expect(mistakes).toEqual([]);
  expect([...compared].toSorted()).toEqual([
    'anyscale chat',
    'bedrock converse',
    'replicate predictions',
    'together chat',
  ]);
});

describe('what cannot grow at its end alone', () => {
  const promptOf = async (model: string, messages: readonly Message[], tools: readonly Tool[] = []) => {
    const call = chat({ models: [model], messages, tools });
    const [offer] = laidOut(call, real).eligible;
    if (!offer) throw new Error('no offer');
    return (await sentBy(call, offer)).prompt ?? '';
  };
  const opening = [system('Be brief.'), user('One?')];

  it.each(MODELS.filter(([family]) => family in MOVING))(
    'is a template that moves text: %s',
    async (_family, model) => {
      const first = await promptOf(model, opening);
      const second = await promptOf(model, [...opening, assistant('1'), user('Two?')]);
      expect(second.startsWith(first)).toBe(false);
    },
  );

  it('is a loop whose reasoning goes once it has ended', async () => {
    const called: Message = {
      role: 'assistant',
      content: '',
      reasoning: 'Look first.',
      toolCalls: [{ id: 'call_1', name: 'look', arguments: '{}' }],
    };
    const loop: Message[] = [...opening, called, { role: 'tool', toolCallId: 'call_1', content: 'Seen.' }];
    const first = await promptOf('gpt-oss-120b', loop, [LOOK]);
    const second = await promptOf('gpt-oss-120b', [...loop, assistant('1'), user('Two?')], [LOOK]);
    expect(first).toContain('Look first.');
    expect(second).not.toContain('Look first.');
  });
});
