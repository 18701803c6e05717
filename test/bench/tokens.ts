/**
 * What counting costs, beside the libraries, in one run: `npm run bench:tokens`. Prints Markdown. CPU time in Node; in
 * workerd wall time, as its clock stands still while it computes.
 */
import { gzipSync } from 'node:zlib';
import * as o200kLibrary from 'gpt-tokenizer/encoding/o200k_base';
import llamaTokenizer from 'llama-tokenizer-js';
import llama3Tokenizer from 'llama3-tokenizer-js';
import { Tiktoken } from 'tiktoken';
import { FAMILIES } from '../../src/tokens/families.ts';
import { type TokenizerFamily, tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { serveWorkers } from '../support/workerd.ts';
import { fromDisk } from '../tokens/from-disk.ts';
import { HOSTILE } from '../tokens/hostile-texts.ts';
import { type Corpus, corpora } from './corpora.ts';

const LLAMA3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

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
  row(head.map(() => '---'));
};

/** OpenAI's Rust core, compiled to WebAssembly, with Meta's ranks. */
async function tiktokenLlama3(): Promise<Tiktoken> {
  const file = await fromDisk('llama3');
  const size = new DataView(file).getUint32(0, true);
  const lengths = new Uint8Array(file, 8, size);
  let at = 8 + size;
  const lines: string[] = [];
  for (const [rank, length] of lengths.entries()) {
    lines.push(`${Buffer.from(file, at, length).toString('base64')} ${rank}`);
    at += length;
  }
  return new Tiktoken(lines.join('\n'), {}, LLAMA3_PATTERN);
}

type Count = (text: string) => number;

async function contestants(): Promise<Readonly<Record<string, Readonly<Record<string, Count>>>>> {
  const own = async (family: TokenizerFamily): Promise<Count> => (await tokenizerFor(family, fromDisk)).count;
  const wasm = await tiktokenLlama3();
  const none: string[] = [];
  return {
    'Llama 2': {
      own: await own('llama2'),
      'llama-tokenizer-js': (text) => llamaTokenizer.encode(text, false, true).length,
    },
    'Llama 3': {
      own: await own('llama3'),
      'tiktoken (wasm)': (text) => wasm.encode(text, none, none).length,
      'llama3-tokenizer-js': (text) => llama3Tokenizer.encode(text, { bos: false, eos: false }).length,
    },
    o200k: {
      own: await own('o200k'),
      'gpt-tokenizer': (text) => o200kLibrary.encode(text, { disallowedSpecial: new Set() }).length,
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

async function throughput(): Promise<void> {
  const texts = corpora(200_000);
  const names = Object.keys(texts) as Corpus[];
  console.log(
    '## Unseen text in Node\n\nMB/s of UTF-8, prompts of 4,000 characters, after a warm-up on other prompts; in brackets own / library.\n',
  );
  table(['', ...names]);
  for (const [family, counts] of Object.entries(await contestants())) {
    const speeds = new Map<string, number[]>();
    for (const [tool, count] of Object.entries(counts)) {
      warmUp(
        count,
        names.map((name) => texts[name][0]),
      );
      const speed = names.map((name) => {
        const [, unseen] = texts[name];
        const took = cpu(() => {
          for (const prompt of unseen) count(prompt);
        });
        return sizeOf(unseen) / 1000 / took;
      });
      speeds.set(tool, speed);
      const own = speeds.get('own') ?? speed;
      row([
        `${family}: ${tool}`,
        ...speed.map((mbs, n) => `${mbs.toFixed(1)}${tool === 'own' ? '' : ` (${((own[n] ?? 0) / mbs).toFixed(1)}×)`}`),
      ]);
    }
  }
}

async function hostile(): Promise<void> {
  console.log('\n## Hostile text in Node\n\nms of CPU for 100,000 / 1,000,000 characters of one kind.\n');
  const families = ['llama2', 'llama3', 'o200k'] as const;
  table(['', ...families]);
  const tokenizers = await Promise.all(families.map((family) => tokenizerFor(family, fromDisk)));
  for (const [name, make] of Object.entries(HOSTILE)) {
    const [small, large] = [make(100_000), make(1_000_000)];
    row([
      name,
      ...tokenizers.map(({ count }) => [small, large].map((text) => cpu(() => count(text)).toFixed(0)).join(' / ')),
    ]);
  }
}

async function sizes(): Promise<void> {
  console.log('\n## Size\n');
  table(['vocabulary', 'bytes', 'gzip']);
  for (const name of new Set(Object.values(FAMILIES).map(({ vocabulary }) => vocabulary))) {
    const file = new Uint8Array(await fromDisk(name));
    row([name, file.length, gzipSync(file, { level: 9 }).length]);
  }
}

async function inWorkerd(): Promise<void> {
  console.log(
    '\n## In workerd\n\nFirst use: loading, tables and the first 4 KB, less an empty request, median of 5 fresh processes. Warm: 200 KB of English.\n',
  );
  table(['', 'first use, ms', 'then 4 KB, ms', 'warm, MB/s']);
  const text = corpora(200_000).English.flat().join('').slice(0, 200_000);
  const prompt = text.slice(0, 4000);
  const results = new Map<string, number[][]>();
  for (let run = 0; run < 5; run++) {
    for (const family of ['llama2', 'llama3', 'o200k']) {
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
    const median = (n: number): string =>
      [...runs]
        .map((run) => run[n] ?? 0)
        .sort((a, b) => a - b)[2]
        ?.toFixed(1) ?? '';
    row([family, median(0), median(1), median(2)]);
  }
}

console.log(`Node ${process.version}, ${process.platform} ${process.arch}\n`);
await throughput();
await hostile();
await sizes();
await inWorkerd();
