/**
 * `npm run test:image`: carries out the Dockerfile without Docker, for machines that have no Docker daemon. Each stage
 * is a copy of this system's own files (overlayfs, in a mount namespace) in place of its base image, so this needs
 * root, Linux, and a Debian like the one that the Dockerfile names. COPY, RUN, USER, HEALTHCHECK and ENTRYPOINT are
 * carried out as they stand. Then the gateway answers, stops on SIGTERM, and starts again with its data.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { copied, execForm, isSent, readDockerfile, type Stage } from './dockerfile.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const INSIDE = 'CHASQUI_REHEARSAL';
/** What a base image does not have of this machine. */
const NOT_IN_A_BASE = ['tmp', 'root', 'home', 'work', 'srv', 'opt'];
const NODE = resolve(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
const START_MS = 60_000;

const run = (command: string, args: readonly string[], cwd = ROOT): void =>
  void execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd });
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A root like that of a base image: `node:…` has Node 24 and npm, `debian:…` has neither. */
function baseOf({ from }: Stage, folder: string): string {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name));
  if (!upper || !work || !root) throw new Error('no folders');
  for (const path of [upper, work, root]) mkdirSync(path, { recursive: true });
  run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, root]);
  // An empty folder of memory hides what is there.
  const hidden = from.startsWith('node:') ? NOT_IN_A_BASE : [...NOT_IN_A_BASE, 'usr/local'];
  for (const path of hidden.filter((one) => existsSync(join(root, one)))) {
    run('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', join(root, path)]);
  }
  if (from.startsWith('node:')) cpSync(NODE, join(root, 'usr/local/bin/node'), { force: true });
  run('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  for (const [name, minor] of [
    ['null', '3'],
    ['zero', '5'],
    ['random', '8'],
    ['urandom', '9'],
  ] as const) {
    if (!existsSync(join(root, 'dev', name))) run('mknod', ['-m', '666', join(root, 'dev', name), 'c', '1', minor]);
  }
  return root;
}

interface Image {
  readonly root: string;
  readonly directory: string;
  readonly user: string;
  readonly entry: readonly string[];
  readonly health: readonly string[];
}

const context = (): string[] => {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { encoding: 'utf8', cwd: ROOT });
  const dockerignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8');
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)) && isSent(path, dockerignore));
};

function copy(text: string, { root, directory }: Image, stages: ReadonlyMap<string, string>): void {
  const { from, sources, target } = copied(text);
  const to = resolve(directory, target);
  for (const source of sources) {
    const into = join(root, target.endsWith('/') || target === './' ? join(to, source) : to);
    mkdirSync(dirname(into), { recursive: true });
    if (from !== undefined) cpSync(join(stages.get(from) ?? '', source), into, { recursive: true });
    else {
      const files = context().filter((path) => path === source || path.startsWith(`${source}/`));
      if (files.length === 0) throw new Error(`COPY ${source}: nothing of that name is sent to Docker.`);
      for (const path of files) cpSync(join(ROOT, path), join(into, path.slice(source.length)), { recursive: true });
    }
  }
}

/** In a process group of its own, as the user of the image, with nothing of this environment. */
const start = ({ root, directory, user }: Image, command: readonly string[]): ChildProcess =>
  spawn('chroot', [`--userspec=${user}`, root, 'sh', '-c', `cd ${directory} && exec "$@"`, 'sh', ...command], {
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
const ends = (child: ChildProcess) => new Promise<number | null>((done) => child.once('exit', done));

function carryOut(stages: readonly Stage[], folder: string): Image {
  const roots = new Map<string, string>();
  let image: Image | undefined;
  for (const [at, stage] of stages.entries()) {
    console.log(`FROM ${stage.from}: this system instead`);
    image = { root: baseOf(stage, join(folder, String(at))), directory: '/', user: 'root', entry: [], health: [] };
    for (const { instruction, text } of stage.steps) {
      console.log(`${instruction} ${text}`);
      if (instruction === 'WORKDIR') {
        image = { ...image, directory: text };
        mkdirSync(join(image.root, text), { recursive: true });
      } else if (instruction === 'COPY') copy(text, image, roots);
      else if (instruction === 'RUN') {
        run('chroot', [
          image.root,
          'env',
          '-i',
          'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          'HOME=/root',
          'sh',
          '-c',
          `cd ${image.directory} && ${text}`,
        ]);
      } else if (instruction === 'USER') image = { ...image, user: text };
      else if (instruction === 'ENTRYPOINT') image = { ...image, entry: execForm(text) };
      else if (instruction === 'HEALTHCHECK') image = { ...image, health: execForm(text) };
    }
    if (stage.name !== undefined) roots.set(stage.name, image.root);
  }
  if (!image) throw new Error('There is no stage in the Dockerfile.');
  return image;
}

async function healthy(image: Image): Promise<void> {
  for (const until = Date.now() + START_MS; Date.now() < until; await wait(500)) {
    if ((await ends(start(image, image.health))) === 0) return;
  }
  throw new Error('It did not get healthy.');
}

const URL_INSIDE = 'http://127.0.0.1:8787';

async function tryOut(image: Image): Promise<void> {
  const prices = { bedrock: { 'meta.llama3-8b-instruct-v1:0': { input_per_mtok: '0.25', output_per_mtok: '0.6' } } };
  for (const version of [1, 2]) {
    const child = start(image, image.entry);
    const ended = ends(child);
    let said = '';
    child.stdout?.on('data', (text) => {
      said += text;
    });
    await healthy(image);
    const body = { model: 'llama-3.3-70b-instruct', messages: [{ role: 'user', content: 'Reply with exactly OK' }] };
    const chat = await fetch(`${URL_INSIDE}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
    const text = await chat.text();
    if (chat.status !== 200 || !text.includes('"content":"OK"')) throw new Error(`${chat.status} ${text}`);
    const put = { method: 'PUT', body: JSON.stringify({ source: 'a contract', prices }) };
    const stored: { version?: number } = await (await fetch(`${URL_INSIDE}/v1/prices`, put)).json();
    if (stored.version !== version) throw new Error(`The data was not kept: ${JSON.stringify(stored).slice(0, 300)}`);
    child.kill('SIGTERM');
    const code = await ended;
    if (code !== 0) throw new Error(`It ended with ${code}.\n${said}`);
    console.log(said.trim());
  }
}

if (process.env[INSIDE] === undefined) {
  const { status, error } = spawnSync('unshare', ['--mount', process.execPath, '--', import.meta.filename], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  if (error) console.error(`This needs Linux, root and unshare: ${error.message}`);
  process.exit(status ?? 1);
}
const folder = mkdtempSync(join(tmpdir(), 'chasqui-image-'));
try {
  const image = carryOut(readDockerfile(join(ROOT, 'Dockerfile')), folder);
  await tryOut(image);
  console.log('The steps of the Dockerfile can be carried out, and what they make serves, stops and keeps its data.');
} finally {
  // The innermost first: nothing may be mounted under the folder when it is removed, so a failure leaves it there.
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const ours = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(folder));
  for (const path of ours.reverse()) run('umount', [path]);
  rmSync(folder, { recursive: true, force: true });
}
