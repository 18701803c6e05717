/**
 * The gateway's API as the page calls it: with the session's cookie, and errors as texts for people.
 *
 * @example
 * const { data, error, loading, reload } = useApi('/v1/models');
 * await api('/v1/keys', { method: 'POST', body: { name: 'ci' } });
 * await stream('/v1/chat/completions', { body, signal, onEvent: (data) => …, onAnswer: (answer) => … });
 */
import { html, useCallback, useEffect, useState } from './html.js';

/** What the gateway, or the network, said against a request. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = 'network', param = null, requestId = null, metadata = null } = {}) {
    super(message);
    this.name = 'ApiError';
    Object.assign(this, { status, code, param, requestId, metadata });
  }
}

/** Is told to `window` when the session has ended. */
export const SIGNED_OUT = 'chasqui:signed-out';

async function errorOf(answer) {
  const body = await answer.json().catch(() => undefined);
  const { message, code, param, metadata } = body?.error ?? {};
  return new ApiError(message ?? `The gateway answered ${answer.status} without saying why.`, {
    status: answer.status,
    code,
    param,
    metadata,
    requestId: answer.headers.get('x-request-id'),
  });
}

/** Sends a request. Throws ApiError unless it is answered with 2xx. */
export async function request(path, { method, body, headers = {}, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
      credentials: 'same-origin',
    });
  } catch (thrown) {
    if (thrown?.name === 'AbortError') throw thrown;
    throw new ApiError('The gateway cannot be reached. Check that it runs, then try again.');
  }
  if (answer.ok) return answer;
  const error = await errorOf(answer);
  if (error.status === 401 && path !== '/session') dispatchEvent(new Event(SIGNED_OUT));
  throw error;
}

/** Sends a request, and reads its JSON. */
export async function api(path, options) {
  const answer = await request(path, options);
  return answer.status === 204 ? undefined : answer.json();
}

/**
 * Reads server-sent events until the stream ends.
 *
 * @param onEvent gets the text of each event's data, `[DONE]` included, and the event's name
 * @param onAnswer gets the Response when its headers are there
 */
export async function stream(path, { onEvent, onAnswer, ...options }) {
  const answer = await request(path, options);
  onAnswer?.(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) {
      const lines = event.split(/\r?\n/);
      const of = (field) =>
        lines.filter((line) => line.startsWith(field)).map((line) => line.slice(field.length).trimStart());
      const data = of('data:');
      if (data.length > 0) onEvent(data.join('\n'), of('event:')[0]);
    }
  }
}

/**
 * What a GET answers, asked again whenever `path` changes. No path: nothing is asked. While the next answer is on its
 * way the last one stays.
 */
export function useApi(path) {
  const [state, set] = useState({ loading: Boolean(path) });
  const [times, again] = useState(0);
  useEffect(() => {
    if (!path) {
      set({ loading: false });
      return undefined;
    }
    const left = new AbortController();
    set((before) => ({ ...before, loading: true }));
    api(path, { signal: left.signal }).then(
      (data) => set({ data, loading: false }),
      (error) => left.signal.aborted || set((before) => ({ ...before, error, loading: false })),
    );
    return () => left.abort();
  }, [path, times]);
  const reload = useCallback(() => again((count) => count + 1), []);
  return { ...state, reload };
}

const PAUSE_MS = 200;

/** The value once it has stayed the same for a while. */
export function useSettled(value) {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/**
 * What a POST answers, asked again when `body` changes; a request that is still running then is given up. The last
 * answer stays until the next is there. No body: nothing is asked.
 */
export function usePost(path, body, headers) {
  const [state, set] = useState({ loading: false });
  const key = body && JSON.stringify(body);
  useEffect(() => {
    if (!key) {
      set({ loading: false });
      return undefined;
    }
    const left = new AbortController();
    set((before) => ({ ...before, loading: true }));
    api(path, { body, headers, signal: left.signal }).then(
      (data) => set({ data, loading: false }),
      (error) => left.signal.aborted || set({ error, loading: false }),
    );
    return () => left.abort();
  }, [path, key]);
  return state;
}

/** What went wrong, as text, and a way to try again. Nothing where nothing did. */
export function ErrorText({ error, retry }) {
  if (!error) return null;
  return html`<div class="error" role="alert">
    <p>${error.message}</p>
    ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
    ${error.requestId && html`<p class="quiet">Request ${error.requestId}</p>`}
  </div>`;
}
