/** Traffic for pictures of the page: several applications with keys of their own, and what goes wrong with providers. */
import { KEY } from '../../support/gateway.ts';

/** How each provider of the sandbox answers: milliseconds to the headers, and before each token. */
const PACES = { anyscale: [140, 6], bedrock: [190, 5], replicate: [420, 9], together: [90, 4] } as const;

const KEYS = {
  'support-bot': { budget: { limit: '0.02', period: 'day' }, limits: { rpm: 600, concurrency: 20 } },
  'search-summaries': { budget: { limit: '0.002', period: 'month' }, at_limit: 'cheaper' },
  'nightly-evals': { budget: { limit: '0.50', period: 'month' }, metadata: { team: 'research' } },
  'coding-agents': {
    budget: { limit: '0.01', period: 'day' },
    allow: { models: ['gpt-oss-120b', 'llama-3.3-70b-instruct'] },
  },
} as const;
type Name = keyof typeof KEYS;

const QUESTIONS = [
  'What is the capital of California?',
  'Name three rivers of Peru, and say in one sentence where each of them ends.',
  'Write a short letter that tells a customer when the parcel will come.',
  'Which planets have rings?',
] as const;

/** Who asks, how often, which model, and with what. */
const CALLS: readonly (readonly [name: Name, times: number, model: string, more?: Record<string, unknown>])[] = [
  ['support-bot', 26, 'llama-3.3-70b-instruct', { stream: true }],
  ['support-bot', 8, 'gpt-oss-120b', { stream: true, provider: { sort: 'latency' } }],
  ['search-summaries', 18, 'llama-3-8b-instruct'],
  ['search-summaries', 6, 'gpt-oss-20b'],
  ['nightly-evals', 10, 'bedrock/llama-3-70b-instruct'],
  ['nightly-evals', 8, 'together/gpt-oss-120b'],
  ['nightly-evals', 8, 'replicate/llama-3-8b-instruct'],
  ['coding-agents', 14, 'gpt-oss-120b', { stream: true }],
  ['coding-agents', 6, 'anyscale/llama-3.3-70b-instruct'],
];
const AT_ONCE = 8;
/** Of so many calls one is refused by the provider that is asked first. */
const FAILS = 15;

const ROLES = 'You are the assistant of a small shop. Answer politely, in plain words, and never promise a date. ';

export interface Traffic {
  /** The call that was handed over from one provider to another. */
  readonly failedOver: string;
  /** The text of a key. */
  readonly secret: string;
}

type Dial = (rule: Record<string, unknown>) => Promise<void>;

/** Makes keys, and calls with each. */
export async function makeTraffic(url: string, dial: Dial): Promise<Traffic> {
  const post = (path: string, key: string, body: object): Promise<Response> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  };
  const chat = async (key: string, model: string, content: string, more: object = {}): Promise<string> => {
    const messages = [
      { role: 'system', content: ROLES.repeat(4 + (content.length % 9)) },
      { role: 'user', content },
    ];
    const answer = await post('/v1/chat/completions', key, { model, messages, max_tokens: 120, ...more });
    await answer.text();
    return answer.headers.get('x-chasqui-generation-id') ?? '';
  };

  const secrets = new Map<Name, string>();
  for (const [name, settings] of Object.entries(KEYS) as [Name, object][]) {
    const answer = await post('/v1/keys', KEY, { name, ...settings });
    if (!answer.ok) throw new Error(`The key ${name} was refused: ${await answer.text()}`);
    const { key } = (await answer.json()) as { key: string };
    secrets.set(name, key);
  }
  const secretOf = (name: Name): string => secrets.get(name) ?? '';

  // The first rule that fits a request counts.
  const handOver = 'Which offers can answer when a provider is down?';
  await dial({
    provider: 'together',
    text: handOver,
    times: 0,
    fault: [
      { kind: 'delay', ms: 260 },
      { kind: 'status', status: 503 },
    ],
  });
  await dial({ provider: 'bedrock', text: 'overloaded', times: 0, fault: [{ kind: 'status', status: 503 }] });
  await dial({ provider: 'replicate', text: 'throttled', times: 0, fault: [{ kind: 'status', status: 429 }] });
  for (const [provider, [delay, drip]] of Object.entries(PACES)) {
    await dial({
      provider,
      times: 0,
      fault: [
        { kind: 'delay', ms: delay },
        { kind: 'drip', ms: drip },
      ],
    });
  }

  const all = CALLS.flatMap(([name, times, model, more]) =>
    Array.from({ length: times }, (_, at) => ({ name, model, more, at })),
  );
  // Not one application after the other.
  const mixed = all.map((_, at) => all[(at * 41) % all.length]).filter((one) => one !== undefined);
  const next = mixed.entries();
  const worker = async () => {
    for (const [at, { name, model, more }] of next) {
      const trouble = at % FAILS === 0 ? (model.startsWith('replicate') ? ' (throttled)' : ' (overloaded)') : '';
      await chat(secretOf(name), model, `${QUESTIONS[at % QUESTIONS.length]}${trouble}`, more);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  await post('/v1/messages', secretOf('coding-agents'), {
    model: 'gpt-oss-120b',
    max_tokens: 60,
    messages: [{ role: 'user', content: 'Which planets have rings?' }],
  });
  await post('/v1/embeddings', secretOf('search-summaries'), {
    model: 'multilingual-e5-large',
    input: ['rings', 'rivers'],
  });
  await chat(secretOf('nightly-evals'), 'llama-3.3-70b-instruct', 'Is 91 a prime number? Answer yes or no.', {
    temperature: 0.9,
    vote: { samples: 5 },
  });
  const order = ['together', 'bedrock'];
  const failedOver = await chat(secretOf('support-bot'), 'gpt-oss-120b', handOver, {
    stream: true,
    provider: { order },
  });
  return { failedOver, secret: secretOf('support-bot') };
}
