/** What the benchmark asks: each row of its table, the bodies that callers send, and what each row ought to cost. */
import type { BenchProvider, Pace } from './wires.ts';

/** One row of the table: what is asked, how it is counted and what it should cost. */
export interface Case {
  /** For `--cases`. */
  readonly key: string;
  readonly name: string;
  /** Messages of the conversation, the last of which asks. `growing`: a conversation that gains two with every call. */
  readonly messages: number | 'growing';
  readonly stream?: Pace;
  /** Another call than a chat: embeddings of many texts, by the encoding of the answer, or a vote. */
  readonly api?: 'float' | 'base64' | 'vote';
  /** The providers that are asked; absent: all. */
  readonly providers?: readonly BenchProvider[];
  readonly connections: number;
  /** CPU of the gateway's process over that of the bare Worker's, at most. */
  readonly aim?: Aim;
  /** The same ratio of Portkey's gateway 1.15.2, measured once on another machine with other bodies. */
  readonly portkey?: string;
}

/** Together and Anyscale share a wire, and an aim. */
export interface Aim {
  readonly openai: number;
  readonly bedrock: number;
  readonly replicate: number;
}

export const aimOf = (aim: Aim, provider: BenchProvider): number =>
  provider === 'bedrock' || provider === 'replicate' ? aim[provider] : aim.openai;

export const CASES: readonly Case[] = [
  {
    key: 'json',
    name: 'JSON, one message',
    messages: 1,
    connections: 8,
    aim: { openai: 2, bedrock: 2.6, replicate: 2.6 },
    portkey: '2.5×',
  },
  {
    key: 'json20',
    name: 'JSON, 20 messages (8.7 KB)',
    messages: 20,
    connections: 8,
    aim: { openai: 1.9, bedrock: 2.6, replicate: 2.6 },
    portkey: '2.4–2.7×',
  },
  { key: 'growing', name: 'JSON, a conversation growing to 20 messages', messages: 'growing', connections: 8 },
  {
    key: 'paced',
    name: 'stream, 100 events 2 ms apart',
    messages: 1,
    stream: 'paced',
    connections: 12,
    aim: { openai: 3, bedrock: 3.5, replicate: 3 },
    portkey: '3.3×',
  },
  {
    key: 'rush',
    name: 'stream, 200 events, a write each',
    messages: 1,
    stream: 'rush',
    connections: 4,
    aim: { openai: 5, bedrock: 6, replicate: 5 },
    portkey: '8.1×',
  },
  {
    key: 'burst',
    name: 'stream, 200 events in one write',
    messages: 1,
    stream: 'burst',
    connections: 4,
    aim: { openai: 3, bedrock: 6, replicate: 3 },
  },
  { key: 'long', name: 'stream, 1,000 events 2 ms apart', messages: 1, stream: 'long', connections: 12 },
  {
    key: 'embeddings',
    name: 'embeddings of 256 texts, as numbers',
    messages: 1,
    api: 'float',
    providers: ['together', 'anyscale'],
    connections: 2,
    aim: { openai: 1.5, bedrock: 1.5, replicate: 1.5 },
  },
  {
    key: 'embeddings',
    name: 'embeddings of 256 texts, as base64',
    messages: 1,
    api: 'base64',
    providers: ['together', 'anyscale'],
    connections: 2,
    aim: { openai: 1.5, bedrock: 1.5, replicate: 1.5 },
  },
  {
    key: 'vote',
    name: 'a vote of 5 samples, beside one call of the bare Worker',
    messages: 1,
    api: 'vote',
    connections: 4,
  },
];

/** The rows in which a dialect is compared with chat completions. */
export const DIALECT_CASES: readonly Case[] = [
  { key: 'json', name: 'JSON, one message', messages: 1, connections: 8 },
  { key: 'json20', name: 'JSON, 20 messages (8.7 KB)', messages: 20, connections: 8 },
  { key: 'paced', name: 'stream, 100 events 2 ms apart', messages: 1, stream: 'paced', connections: 12 },
  { key: 'rush', name: 'stream, 200 events, a write each', messages: 1, stream: 'rush', connections: 4 },
  { key: 'burst', name: 'stream, 200 events in one write', messages: 1, stream: 'burst', connections: 4 },
  // A stream of Messages begins with a count of its prompt, which one of chat completions need not make.
  {
    key: 'burst20',
    name: 'stream after 20 messages (8.7 KB), 200 events in one write',
    messages: 20,
    stream: 'burst',
    connections: 4,
  },
  {
    key: 'growing',
    name: 'stream in a conversation growing to 20 messages, 200 events in one write',
    messages: 'growing',
    stream: 'burst',
    connections: 4,
  },
];

/** What a dialect may cost of what chat costs. */
export const DIALECT_AIM = 1.15;

/** Milliseconds that the gateway may add to a stream's first content. */
export const FIRST_CONTENT_AIM: Aim = { openai: 1, bedrock: 1.2, replicate: 1.2 };

/** The model each provider is asked for, as callers name it. */
export const MODELS: Readonly<Record<BenchProvider, string>> = {
  bedrock: 'llama-3.3-70b-instruct',
  replicate: 'llama-3-70b-instruct',
  together: 'llama-3.3-70b-instruct',
  anyscale: 'llama-3.3-70b-instruct',
};

const WORDS =
  'the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years much where your way down should because long each just state those people too mister good make world still see own men work get here life between both being under three never know same last another while us might great go house come since against right came take used himself few place american use during without again home around small however found mrs thought part school'.split(
    ' ',
  );

let drawn = 0x2545f491;
function random(below: number): number {
  // xorshift32: the same texts in every run, and none of them twice in one.
  drawn ^= drawn << 13;
  drawn ^= drawn >>> 17;
  drawn ^= drawn << 5;
  return (drawn >>> 0) % below;
}

/** English-looking text that no call has had before, so that no cache answers for the work. */
export function unseenText(characters: number): string {
  let text = '';
  for (let count = 1; text.length < characters; count++) {
    text += count % 12 === 0 ? `${random(2 ** 31).toString(36)}. ` : `${WORDS[random(WORDS.length)]} `;
  }
  return text.slice(0, characters);
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

const CHARACTERS = 430;

const turn = (at: number): Message => ({
  role: at === 0 ? 'system' : at % 2 === 1 ? 'user' : 'assistant',
  content: unseenText(CHARACTERS),
});

/** What an upstream of the benchmark reads its orders from; see upstream.ts. */
const asking = (pace: Pace | 'vote' | undefined): Message => ({
  role: 'user',
  content: `${unseenText(40)} bench:${pace ?? 'json'}`,
});

/** A conversation that alternates and ends with the user. */
export function conversation(messages: number, pace: Pace | 'vote' | undefined): Message[] {
  const before = Array.from({ length: messages - 1 }, (_, at) => turn(at));
  if (messages > 2) before.splice(-1, 1, { role: 'assistant', content: unseenText(CHARACTERS) });
  return [...before, asking(pace)];
}

export const callerBody = (model: string, only: string, messages: readonly Message[], stream: boolean): Buffer =>
  Buffer.from(
    JSON.stringify({
      model,
      messages,
      max_tokens: 256,
      temperature: 0.7,
      provider: { only: [only] },
      ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    }),
  );

/** Makes one caller's conversations, a new one each time. */
export function conversations(messages: Case['messages'], pace: Pace | undefined): () => Message[] {
  if (messages !== 'growing') return () => conversation(messages, pace);
  let talk: Message[] = [];
  return () => {
    if (talk.length >= 19) talk = [];
    talk.push(turn(talk.length));
    if (talk.length > 1) talk.push(turn(talk.length));
    return [...talk, ...(talk.length % 2 === 1 ? [asking(pace)] : [])];
  };
}

/** The same as bodies, for the gateway and the bare Worker. */
export function bodiesFor(provider: BenchProvider, messages: Case['messages'], pace: Pace | undefined): () => Buffer {
  const next = conversations(messages, pace);
  return () => callerBody(MODELS[provider], provider, next(), pace !== undefined);
}
