/** A request of the description as the Try panel's state in an address. */

/** What Try has fields for. */
const PLAIN = ['max_tokens', 'temperature', 'top_p', 'seed'];

/** The texts of a chat that Try can show: turns of the user and the model, after an optional system prompt. */
function textsOf(messages) {
  const [first, ...others] = messages;
  const system = first?.role === 'system' ? first.content : undefined;
  const turns = system === undefined ? messages : others;
  const takeTurns = turns.every(
    ({ role, content }, at) =>
      typeof content === 'string' && role === ((turns.length - at) % 2 === 1 ? 'user' : 'assistant'),
  );
  if (!takeTurns || turns.length === 0) return undefined;
  return { chat: JSON.stringify(turns.map(({ content }) => content)), ...(system ? { system } : {}) };
}

/**
 * The address of the Try panel with this request in it. Undefined where Try has no field for a part of it.
 *
 * @param body of a chat or of a raw completion; Try always streams
 */
export function tryLink({ model, messages, prompt, stream, stream_options, provider = {}, ...settings }) {
  const texts = messages ? textsOf(messages) : typeof prompt === 'string' ? { raw: '1', prompt } : undefined;
  const { sort, ...routing } = provider;
  const known = Object.keys(settings).every((name) => PLAIN.includes(name));
  if (!texts || !model || !known || Object.keys(routing).length > 0) return undefined;
  const query = new URLSearchParams({ panel: 'try', model, ...texts, ...(sort ? { sort } : {}), ...settings });
  return `/?${query}`;
}
