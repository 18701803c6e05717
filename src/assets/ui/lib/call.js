/**
 * The call that Try and Race work on: `{raw, model, system, prompt, turns, settings}`, all texts as they stand in their
 * fields. It is kept in the page's address.
 */
import { useCallback, useEffect, useRef, useState } from './html.js';
import { setQuery, useQuery } from './url.js';

/** From Meta's guide "Prompt Engineering with Llama 2", for a model that all four providers serve. */
const EXAMPLE = {
  model: 'llama-3-70b-instruct',
  prompt: 'The typical color of the sky is: ',
  chat: ['My favorite color is blue.', "That's great to hear!", 'What is my favorite color?'],
};

const number = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** By their names in the API. What is no number is left to the gateway to refuse. */
export const SETTINGS = {
  max_tokens: { label: 'Most tokens', hint: 'of the answer', read: number },
  temperature: { label: 'Temperature', hint: '0 to 2', read: number },
  top_p: { label: 'Top p', hint: '0 to 1', read: number },
  seed: { label: 'Seed', hint: 'a whole number', read: number },
  stop: { label: 'Stop', hint: 'text that ends the answer', read: (text) => text },
};

/** Proxies and chat programs cut longer links. Characters. */
const LONGEST_LINK = 4000;

/** Users and the model take turns, and the user has the last word. */
const turnsOf = (texts) =>
  texts.map((content, at) => ({ role: (texts.length - at) % 2 ? 'user' : 'assistant', content }));

function textsOf(json) {
  try {
    const texts = JSON.parse(json);
    if (Array.isArray(texts) && texts.length > 0 && texts.every((one) => typeof one === 'string')) return texts;
  } catch {
    // Somebody changed the address by hand.
  }
  return [''];
}

/** The texts of the last call that was too long for a link: the address says `long=1` in their place. */
let long = {};

function read(query) {
  const settings = {};
  for (const name of [...Object.keys(SETTINGS), 'sort']) if (query[name]) settings[name] = query[name];
  const given = ['chat', 'prompt', 'system', 'long'].some((name) => name in query);
  return {
    raw: query.raw === '1',
    model: query.model || EXAMPLE.model,
    system: query.system ?? '',
    prompt: query.prompt ?? (given ? '' : EXAMPLE.prompt),
    turns: turnsOf(given ? textsOf(query.chat) : EXAMPLE.chat),
    settings,
    ...(query.long ? long : {}),
  };
}

/** The parameters of the address that stand for a call. */
export function linkOf({ raw, model, system, prompt, turns, settings }) {
  const none = { raw: raw && '1', model, sort: '', chat: '', prompt: '', system: '', long: '' };
  for (const name of Object.keys(SETTINGS)) none[name] = '';
  const texts = raw ? { prompt } : { chat: JSON.stringify(turns.map(({ content }) => content)), system };
  if (new URLSearchParams(texts).toString().length <= LONGEST_LINK) return { ...none, ...settings, ...texts };
  long = { system, prompt, turns };
  return { ...none, ...settings, long: '1' };
}

/** The route and the body that ask for a call. */
export function requestOf({ raw, model, system, prompt, turns, settings }) {
  const chosen = {};
  for (const [name, { read: parse }] of Object.entries(SETTINGS)) {
    if (settings[name]?.trim()) chosen[name] = parse(settings[name]);
  }
  if (settings.sort) chosen.provider = { sort: settings.sort };
  if (raw) return { path: '/v1/completions', body: { model: model.trim(), prompt, ...chosen } };
  const messages = [...(system.trim() ? [{ role: 'system', content: system }] : []), ...turns];
  return { path: '/v1/chat/completions', body: { model: model.trim(), messages, ...chosen } };
}

const PAUSE_MS = 300;

/** @returns `[call, change]`; `change` takes the fields that are to be others */
export function useCall() {
  const query = useQuery();
  const [call, set] = useState(() => read(query));
  const current = useRef(call);
  // With an address that is not the call's own, from a link or the history, comes another call.
  const own = useRef(location.search);
  const timer = useRef();
  useEffect(() => {
    if (own.current === location.search) return;
    own.current = location.search;
    clearTimeout(timer.current);
    current.current = read(query);
    set(current.current);
  }, [query]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = useCallback((changes) => {
    current.current = { ...current.current, ...changes };
    set(current.current);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setQuery(linkOf(current.current), { replace: true });
      own.current = location.search;
    }, PAUSE_MS);
  }, []);
  return [call, change];
}
