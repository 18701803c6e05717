import * as v from 'valibot';
import { startLocal } from './local.ts';
import { Failure, LOCAL_URL, type Options } from './options.ts';
import { refusal } from './wire.ts';

/** A gateway that answers. */
export interface Gateway {
  readonly url: string;
  /** The emulator answers for all providers. */
  readonly sandbox: boolean;
  /** Sends a request; throws a `Failure` with what the gateway says if it refuses. */
  ask(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Ends it where it was started for this. */
  stop(): Promise<void>;
}

/** Whether a gateway answers there: undefined where nothing listens. */
async function find(url: string): Promise<{ readonly sandbox: boolean } | undefined> {
  let answer: Response;
  try {
    answer = await fetch(`${url}/healthz`);
  } catch {
    return undefined;
  }
  const body: unknown = await answer.json().catch(() => undefined);
  const refused = v.safeParse(refusal, body);
  if (refused.success) throw new Failure(refused.output.error.message);
  if (!answer.ok) throw new Failure(`What answers at ${url} is no Chasqui: its /healthz is a ${answer.status}.`);
  return { sandbox: answer.headers.get('x-chasqui-sandbox') === '1' };
}

async function post(url: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new Failure(`The gateway at ${url} went away before it answered.`);
  });
  const json: unknown = await answer.json().catch(() => undefined);
  if (answer.ok && json !== undefined) return json;
  const refused = v.safeParse(refusal, json);
  if (!refused.success) throw new Failure(`${url} answers ${answer.status} and no reason.`);
  const how = answer.status === 401 ? ' Here it is --key or CHASQUI_ADMIN_KEY.' : '';
  throw new Failure(refused.output.error.message + how);
}

/** The gateway that was asked for; or the local one, started for this if nothing listens. */
export async function reach({ url, key }: Options, note: (text: string) => void): Promise<Gateway> {
  const auth = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const at = (found: string, sandbox: boolean, stop: Gateway['stop']): Gateway => ({
    url: found,
    sandbox,
    ask: (path, body, headers = {}) => post(`${found}${path}`, body, { ...auth, ...headers }),
    stop,
  });
  const there = await find(url ?? LOCAL_URL);
  if (there) return at(url ?? LOCAL_URL, there.sandbox, () => Promise.resolve());
  if (url !== undefined) throw new Failure(`Nothing answers at ${url}. Start the gateway there, or leave --url out.`);

  note(`Nothing listens at ${LOCAL_URL}: starting a gateway for this …`);
  const local = await startLocal();
  try {
    const started = await find(local.url);
    if (started) return at(local.url, started.sandbox, local.stop);
    throw new Failure('The gateway ended before it could be asked.');
  } catch (thrown) {
    await local.stop();
    throw thrown;
  }
}
