/**
 * What counting costs, beside the libraries, in one run: `npm run bench:tokens`. Prints the Markdown that stands below
 * "Measured" in docs/tokens.md.
 */
import { cpus } from 'node:os';
import { gzipSync } from 'node:zlib';
import * as o200kLibrary from 'gpt-tokenizer/encoding/o200k_base';
import llamaTokenizer from 'llama-tokenizer-js';
import llama3Tokenizer from 'llama3-tokenizer-js';
import { FAMILIES } from '../../src/tokens/families.ts';
import { type TokenizerFamily, tokenizerFor } from '../../src/tokens/tokenizer.ts';
import type { VocabularyName } from '../../src/tokens/vocab/index.ts';
import { serveWorkers } from '../support/workerd.ts';
import { fromDisk } from '../tokens/from-disk.ts';
import { HOSTILE } from '../tokens/hostile-texts.ts';
import { huggingFaceBytes, huggingFacePieces, tiktoken, tokensOf } from '../tokens/libraries.ts';
import { DEEPSEEK, PATTERNS } from '../tokens/patterns.ts';
import { type Corpus, corpora } from './corpora.ts';
import { differences } from './stand-ins.ts';

const MEASURED = ['llama2', 'llama3', 'o200k', 'llama4', 'tekken', 'qwen', 'qwen3.5', 'deepseek'] as const;

const utf8 = new TextEncoder();
const sizeOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + utf8.encode(text).length, 0);

const cpu = (run: () => void): number => {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const row = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`);
const table = (head: readonly string[]): void => {
  row(head);
  row(head.map((_, n) => (n === 0 ? '---' : '---:')));
};

type Count = (text: string) => number;

/** By tokenizer, then by library. Ours first. */
async function contestants(): Promise<Readonly<Record<string, Readonly<Record<string, Count>>>>> {
  const own = async (family: TokenizerFamily): Promise<Count> => (await tokenizerFor(family, fromDisk)).count;
  const tokens = async (name: VocabularyName): Promise<Uint8Array[]> => tokensOf(await fromDisk(name));
  const counting =
    (encode: (text: string) => ArrayLike<number>): Count =>
    (text) =>
      encode(text).length;
  const wasm = async (name: 'llama3' | 'llama4' | 'tekken' | 'qwen' | 'qwen3.5'): Promise<Count> =>
    counting(tiktoken(await tokens(name), PATTERNS[name]));
  return {
    'Llama 2': {
      own: await own('llama2'),
      '@huggingface/tokenizers': counting(huggingFacePieces(await tokens('llama2'))),
      'llama-tokenizer-js': counting((text) => llamaTokenizer.encode(text, false, true)),
    },
    'Llama 3': {
      own: await own('llama3'),
      'tiktoken (wasm)': await wasm('llama3'),
      'llama3-tokenizer-js': counting((text) => llama3Tokenizer.encode(text, { bos: false, eos: false })),
    },
    o200k: {
      own: await own('o200k'),
      'gpt-tokenizer': counting((text) => o200kLibrary.encode(text, { disallowedSpecial: new Set() })),
    },
    'Llama 4': { own: await own('llama4'), 'tiktoken (wasm)': await wasm('llama4') },
    tekken: { own: await own('tekken'), 'tiktoken (wasm)': await wasm('tekken') },
    Qwen: { own: await own('qwen'), 'tiktoken (wasm)': await wasm('qwen') },
    'Qwen 3.5': { own: await own('qwen3.5'), 'tiktoken (wasm)': await wasm('qwen3.5') },
    DeepSeek: {
      own: await own('deepseek'),
      '@huggingface/tokenizers': counting(huggingFaceBytes(await tokens('deepseek'), DEEPSEEK)),
    },
  };
}

/** Once through, and on until compilers have settled; each time from another character on, so that nothing is repeated. */
function warmUp(count: Count, texts: readonly (readonly string[])[]): void {
  const start = performance.now();
  for (let time = 0; time < 12 && (time === 0 || performance.now() - start < 1500); time++) {
    for (const prompts of texts) for (const prompt of prompts) count(prompt.slice(time));
  }
}

/** Prompts that one takes before the next has its turn: whatever else the machine does then hits all alike. */
const TURN = 8;

const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] ?? 0;

/** MB/s of each on the same texts, the median of its turns, after one on others of their kind: compilers forget. */
function sideBySide(counts: readonly Count[], [others, prompts]: readonly [string[], string[]]): number[] {
  for (const count of counts) for (const prompt of others.slice(0, TURN)) count(prompt);
  const speeds = counts.map((): number[] => []);
  for (let from = 0; from < prompts.length; from += TURN) {
    const turn = prompts.slice(from, from + TURN);
    for (const [at, count] of counts.entries()) {
      const start = performance.now();
      for (const prompt of turn) count(prompt);
      const ms = performance.now() - start;
      speeds[at]?.push(sizeOf(turn) / 1000 / ms);
    }
  }
  return speeds.map(median);
}

async function throughput(): Promise<void> {
  const texts = corpora(800_000);
  const names = Object.keys(texts) as Corpus[];
  console.log(
    '### Unseen text, in Node\n\nMB/s of UTF-8, in prompts of 4,000 characters, after a warm-up on other prompts: the median of turns that all take. In brackets how many times faster ours is.\n',
  );
  table(['', ...names]);
  const lowest: string[] = [];
  for (const [family, counts] of Object.entries(await contestants())) {
    for (const count of Object.values(counts)) {
      warmUp(
        count,
        names.map((name) => texts[name][0]),
      );
    }
    const speedsOf = names.map((name) => sideBySide(Object.values(counts), texts[name]));
    const own = speedsOf.map(([speed = 0]) => speed);
    for (const [at, tool] of Object.keys(counts).entries()) {
      const speeds = speedsOf.map((all) => all[at] ?? 0);
      const ratios = speeds.map((speed, n) => (own[n] ?? 0) / speed);
      if (tool !== 'own') lowest.push(`${family} to ${tool} ${Math.min(...ratios).toFixed(1)}×`);
      row([
        `${family}: ${tool}`,
        ...speeds.map((speed, n) => `${speed.toFixed(1)}${tool === 'own' ? '' : ` (${ratios[n]?.toFixed(1)}×)`}`),
      ]);
    }
  }
  console.log(`\nThe lowest ratios: ${lowest.join(', ')}.`);
}

/** The best of three, none of them on the same text. */
const best = (run: (time: number) => void): number => Math.min(...[0, 1, 2].map((time) => cpu(() => run(time))));

async function hostile(): Promise<void> {
  console.log(
    '\n### Hostile text, in Node\n\nms of CPU for 100,000 characters of one kind / ms for a megabyte of 1,000,000 characters of it.\n',
  );
  table(['', ...MEASURED]);
  const tokenizers = await Promise.all(MEASURED.map((family) => tokenizerFor(family, fromDisk)));
  for (const [name, make] of Object.entries(HOSTILE)) {
    const [small, large] = [make(100_000), make(1_000_000)];
    const megabytes = sizeOf([large]) / 1e6;
    row([
      name,
      ...tokenizers.map(({ count }) => {
        const short = best((time) => count(small.slice(time)));
        const long = best((time) => count(large.slice(time))) / megabytes;
        return `${short.toFixed(0)} / ${long.toFixed(0)}`;
      }),
    ]);
  }
}

async function sizes(): Promise<void> {
  console.log('\n### Size\n');
  table(['vocabulary', 'tokens', 'bytes', 'gzip']);
  for (const name of new Set(Object.values(FAMILIES).map(({ vocabulary }) => vocabulary))) {
    const file = await fromDisk(name);
    const { byteLength } = file;
    row([name, tokensOf(file).length, byteLength, gzipSync(new Uint8Array(file), { level: 9 }).length]);
  }
}

async function estimates(): Promise<void> {
  console.log(
    '\n### Stand-ins\n\nThe most that the exact count of any prompt differs by from the stand-in’s, in percent.\n',
  );
  const found = await differences();
  table(['', 'bound', ...Object.keys(found[0]?.worst ?? {})]);
  const percent = (share: number): string => (share * 100).toFixed(0);
  for (const { family, standIn, errorBound, worst } of found) {
    row([`${family}, by ${standIn}`, percent(errorBound), ...Object.values(worst).map(percent)]);
  }
}

async function inWorkerd(): Promise<void> {
  console.log(
    '\n### In workerd\n\nFirst use: loading, tables and the first 4 KB, less an empty request, median of 5 fresh processes. Warm: 200 KB of English.\n',
  );
  table(['', 'first use, ms', 'then 4 KB, ms', 'warm, MB/s']);
  const text = corpora(200_000).English.flat().join('').slice(0, 200_000);
  const prompt = text.slice(0, 4000);
  const results = new Map<string, number[][]>();
  for (let run = 0; run < 5; run++) {
    for (const family of MEASURED) {
      const served = await serveWorkers([{ name: 'tokens', config: 'test/bench/tokens-worker/wrangler.toml' }]);
      try {
        const ask = async (query: string, body: string): Promise<number> => {
          const start = performance.now();
          await (await fetch(`${served.urls.tokens}/?${query}`, { method: 'POST', body })).text();
          return performance.now() - start;
        };
        for (let n = 0; n < 20; n++) await ask('', prompt);
        const empty = Math.min(...(await Promise.all([ask('', prompt), ask('', prompt), ask('', prompt)])));
        const first = (await ask(`family=${family}&times=1`, prompt)) - empty;
        const second = (await ask(`family=${family}&times=1`, text.slice(4000, 8000))) - empty;
        await ask(`family=${family}&times=20`, text);
        const one = await ask(`family=${family}&times=1`, text);
        const many = await ask(`family=${family}&times=21`, text);
        const found = results.get(family) ?? [];
        found.push([first, Math.max(0, second), (20 * sizeOf([text])) / 1000 / (many - one)]);
        results.set(family, found);
      } finally {
        await served.stop();
      }
    }
  }
  for (const [family, runs] of results) {
    row([family, ...[0, 1, 2].map((n) => median(runs.map((run) => run[n] ?? 0)).toFixed(1))]);
  }
}

console.log(`Node ${process.version}, ${process.platform} ${process.arch}, ${cpus()[0]?.model ?? ''}.\n`);
await throughput();
await hostile();
await sizes();
await estimates();
await inWorkerd();
