// What `npm start` and `npm run serve` have in common: is the port free, and is the gateway there? Plain JavaScript,
// because it runs on every Node that runs `npm start`.
import { createServer } from 'node:net';

export const DEFAULT_PORT = 8787;

/** How often a gateway that does not answer yet is asked again. */
const AGAIN_MS = 250;

/** Whether nobody listens there: else what answers would be taken for this gateway. */
const isFree = (port, host) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code }) => resolve(code !== 'EADDRINUSE'));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });

/** Why the port cannot be used, for people; undefined if it can. */
export async function portObstacle(port, host, command) {
  if (port === 0 || (await isFree(port, host))) return undefined;
  const other = port === DEFAULT_PORT ? 9000 : DEFAULT_PORT;
  return `Port ${port} is in use, perhaps by another ${command}. Stop that, or choose another port: ${command} -- --port ${other}`;
}

/**
 * Asks until the gateway answers, then says what serves. Its configuration may have mistakes: then it says which, and
 * serves nothing.
 *
 * @param origin like http://127.0.0.1:8787
 * @returns {Promise<{ready: true, text: string} | {ready: false, text: string}>}
 */
export async function whatServes(origin) {
  for (;;) {
    let answer;
    try {
      answer = await fetch(`${origin}/healthz`);
    } catch {
      // Not listening yet.
    }
    if (answer?.status === 200) {
      await answer.body?.cancel();
      const sandbox = answer.headers.get('x-chasqui-sandbox') === '1';
      const who = sandbox
        ? ': no provider has credentials, so the sandbox answers (x-chasqui-sandbox: 1).'
        : ', with your providers.';
      return { ready: true, text: `Chasqui on ${origin}${who}\nThe page: ${origin}/` };
    }
    const body = await answer?.json().catch(() => undefined);
    if (body?.error?.message) return { ready: false, text: body.error.message };
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
