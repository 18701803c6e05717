/** The folder of the Durable Objects' data. One process at a time may use it: each would write over the other. */
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';

/** A name that the system keeps as long as this process lives. Undefined where there are no such names. */
function lockName(folder: string): string | undefined {
  const name = `chasqui-${createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : undefined;
}

/** Makes the folder and takes it for this process. Throws if another process has it. */
export async function takeState(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = lockName(folder);
  if (name === undefined) return;
  const lock = createServer();
  await new Promise<void>((resolve, reject) => {
    lock.once('error', () =>
      reject(
        new Error(`${folder} is in use by another npm run serve. Stop that, or choose another folder: --state DIR`),
      ),
    );
    lock.listen(name, resolve);
  });
  lock.unref();
}
