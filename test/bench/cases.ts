import type { BenchProvider, Pace } from './wires.ts';

/** One row of the table: what is asked, how it is counted and what it should cost. */
export interface Case {
  readonly name: string;
  /** Messages before the one that asks. */
  readonly history: number;
  readonly stream?: Pace;
  readonly connections: number;
  /** CPU of the gateway's process over that of the bare Worker's. */
  readonly target: number;
  /** The same ratio of Portkey's gateway 1.15.2, measured once on another machine with two cores. */
  readonly portkey: number;
}

export const CASES: readonly Case[] = [
  { name: 'JSON, one message', history: 0, connections: 8, target: 1.5, portkey: 2.6 },
  { name: 'JSON, 20 messages (8.7 KB)', history: 19, connections: 8, target: 1.9, portkey: 2.7 },
  { name: 'stream, 100 events 2 ms apart', history: 0, stream: 'paced', connections: 12, target: 2.6, portkey: 3.2 },
  { name: 'stream, 200 events, a write each', history: 0, stream: 'rush', connections: 4, target: 3.5, portkey: 7 },
  { name: 'stream, 200 events in one write', history: 0, stream: 'burst', connections: 4, target: 3.5, portkey: 7 },
];

/** The model each provider is asked for, as callers name it. */
export const MODELS: Readonly<Record<BenchProvider, string>> = {
  bedrock: 'llama-3.3-70b-instruct',
  replicate: 'llama-3-70b-instruct',
  together: 'llama-3.3-70b-instruct',
  anyscale: 'llama-3.3-70b-instruct',
};

const SENTENCE = 'The gateway carries a message to the next post and hands it over, so that it always arrives. ';
const LONG = SENTENCE.repeat(4) + SENTENCE.slice(0, 30);

/** The caller's body, the same for the gateway and the bare Worker. */
export function bodyFor(provider: BenchProvider, history: number, pace: Pace | undefined): Buffer {
  const messages = Array.from({ length: history }, (_, i) => ({
    role: i === 0 ? 'system' : i % 2 === 1 ? 'user' : 'assistant',
    content: LONG,
  }));
  // A conversation alternates and ends with the user.
  if (history > 1) messages.splice(-1, 1, { role: 'assistant', content: LONG });
  return Buffer.from(
    JSON.stringify({
      model: MODELS[provider],
      messages: [...messages, { role: 'user', content: `bench:${pace ?? 'json'}` }],
      max_tokens: 256,
      temperature: 0.7,
      provider: { only: [provider] },
      ...(pace ? { stream: true, stream_options: { include_usage: true } } : {}),
    }),
  );
}
