import { KEYS, type Sandbox } from './support.ts';

/** One wire as the fault tests see it: how to ask, and how to read what arrives. */
export interface WireUnderTest {
  readonly provider: string;
  /** Asks for 30 words, streamed or not. */
  ask(stream: boolean, init?: RequestInit): Promise<Response>;
  /** What only a complete stream has. */
  readonly terminal: RegExp;
  /** The tokens in what was received. */
  tokens(body: string): number;
  /** Its own bodies and in-stream errors. */
  readonly throttled: RegExp;
  readonly broken: RegExp;
}

const postTo =
  (box: Sandbox) =>
  (path: string, key: string, body: unknown, init: RequestInit = {}) =>
    fetch(box.url + path, {
      method: 'POST',
      ...init,
      headers: { authorization: `Bearer ${key}`, ...init.headers },
      body: JSON.stringify(body),
    });

export const PROMPT = 'write 30 words';
const count = (pattern: RegExp) => (body: string) => body.match(pattern)?.length ?? 0;

export function wiresOf(box: Sandbox): readonly WireUnderTest[] {
  const post = postTo(box);
  return [
    {
      provider: 'bedrock',
      ask: (stream, init) =>
        post(
          `/bedrock/model/meta.llama3-70b-instruct-v1%3A0/converse${stream ? '-stream' : ''}`,
          KEYS.bedrock,
          { messages: [{ role: 'user', content: [{ text: PROMPT }] }] },
          init,
        ),
      terminal: /messageStop[\s\S]*metadata/,
      tokens: count(/"delta":\{"text"/g),
      throttled: /^\{"message":"Too many requests/,
      broken: /serviceUnavailableException[\s\S]*:message-type.{3}exception\{"message":"[^"]+"\}/,
    },
    {
      provider: 'together',
      ask: (stream, init) =>
        post(
          '/together/v1/chat/completions',
          KEYS.together,
          {
            model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
            messages: [{ role: 'user', content: PROMPT }],
            stream,
          },
          init,
        ),
      terminal: /"finish_reason":"stop"[\s\S]*"usage":\{[\s\S]*data: \[DONE\]/,
      tokens: count(/"token_id":(?!128009)\d/g),
      throttled: /"type":"credit_limit"/,
      broken: /data: \{"error":\{"message":"[^"]+","type":"server_error","param":null,"code":null\}\}\n\n/,
    },
    {
      provider: 'anyscale',
      ask: (stream, init) =>
        post(
          '/anyscale/v1/chat/completions',
          KEYS.anyscale,
          { model: 'my-llama-3', messages: [{ role: 'user', content: PROMPT }], stream },
          init,
        ),
      terminal: /"finish_reason":"stop"[\s\S]*data: \[DONE\]/,
      tokens: count(/"delta":\{"content":"[^"]/g),
      throttled: /"type":"RateLimitError","param":null,"code":429/,
      broken:
        /data: \{"error":\{"message":"Message: [^"]+","type":"InternalServerError","param":null,"code":500\}\}\n\n/,
    },
  ];
}

/** How long nothing may come until that counts as silence, in ms. */
const SILENCE_MS = 150;

/**
 * What arrives until the body ends or breaks; bytes as characters. Where the test expects it to fall silent, it says
 * after what: until that has come there is no hurry, and then nothing more may come for a while.
 */
export async function received(answer: Response, fallsSilent?: (body: string) => boolean) {
  const reader = answer.body?.getReader();
  let body = '';
  for (;;) {
    const silence = fallsSilent?.(body)
      ? [new Promise<'silent'>((resolve) => setTimeout(resolve, SILENCE_MS, 'silent'))]
      : [];
    const next = await Promise.race([reader?.read().catch(() => 'broken' as const), ...silence]);
    if (next === 'silent' || next === 'broken' || !next || next.done) {
      await reader?.cancel().catch(() => undefined);
      return { body, end: next === 'silent' || next === 'broken' ? next : ('closed' as const) };
    }
    body += Buffer.from(next.value).toString('latin1');
  }
}
