/** A streamed answer as it comes: its text, its times, and the receipt at its end. */
import { stream } from './api.js';

/** Roughly, until the provider says how many tokens an answer has. */
const LETTERS_A_TOKEN = 4;

const header = ({ headers }, name) => headers.get(`x-chasqui-${name}`) ?? undefined;

/**
 * Sends a call and tells of its answer, at most once a frame. `state` is `waiting`, `streaming`, `done`, `stopped` or
 * `failed`; times are of `performance.now()`.
 *
 * @returns what stops it
 */
export function send({ path, body }, onChange) {
  const left = new AbortController();
  let now = { state: 'waiting', text: '', reasoning: '', sentAt: performance.now() };
  let frame;
  const tell = () => {
    frame = undefined;
    onChange(now);
  };
  const change = (changes) => {
    now = { ...now, ...changes };
    frame ??= requestAnimationFrame(tell);
  };
  const end = (changes) => {
    cancelAnimationFrame(frame);
    now = { ...now, endAt: performance.now(), ...changes };
    tell();
  };
  let closed = false;
  const onEvent = (data) => {
    if (data === '[DONE]') {
      closed = true;
      return;
    }
    const { choices = [], usage, chasqui, error, provider } = JSON.parse(data);
    if (error) now = { ...now, error };
    const [choice] = choices;
    const { delta = {}, finish_reason: finish } = choice ?? {};
    const text = choice?.text ?? delta.content ?? '';
    const reasoning = delta.reasoning_content ?? '';
    const at = performance.now();
    const said = text !== '' || reasoning !== '';
    change({
      ...(provider ? { provider } : {}),
      ...(said
        ? {
            state: 'streaming',
            text: now.text + text,
            reasoning: now.reasoning + reasoning,
            firstAt: now.firstAt ?? at,
            lastAt: at,
          }
        : {}),
      ...(finish ? { finish } : {}),
      ...(usage ? { usage } : {}),
      ...(chasqui ? { debug: chasqui } : {}),
    });
  };
  const onAnswer = (answer) =>
    change({
      id: header(answer, 'generation-id'),
      provider: header(answer, 'provider'),
      dropped: header(answer, 'dropped'),
    });
  onChange(now);
  stream(path, {
    body: { ...body, stream: true, stream_options: { include_usage: true } },
    headers: { 'x-chasqui-debug': '1' },
    signal: left.signal,
    onEvent,
    onAnswer,
  }).then(
    () => {
      if (closed) end({ state: 'done' });
      else end({ state: 'failed', error: now.error ?? { message: 'The stream ended before the answer did.' } });
    },
    (error) => end(left.signal.aborted ? { state: 'stopped' } : { state: 'failed', error }),
  );
  return () => left.abort();
}

export const isOver = ({ state }) => state === 'done' || state === 'stopped' || state === 'failed';

/** Milliseconds to the first token; undefined until then. */
export const toFirst = ({ sentAt, firstAt }) => (firstAt === undefined ? undefined : firstAt - sentAt);

/** Tokens of the answer: as billed, or `rough` until that is known. */
export function tokensOf({ usage, text, reasoning }) {
  if (usage) return { tokens: usage.completion_tokens, rough: false };
  return { tokens: Math.ceil((text.length + reasoning.length) / LETTERS_A_TOKEN), rough: true };
}

/** Tokens a second after the first. Undefined where all came at once. */
export function speedOf(answer) {
  const { tokens } = tokensOf(answer);
  const seconds = (answer.lastAt - answer.firstAt) / 1000;
  return seconds > 0 && tokens > 1 ? Math.round((tokens - 1) / seconds) : undefined;
}
