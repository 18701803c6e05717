/** The prompt as the model reads it, with its tokens coloured. */
import { classes, codeOf, html, useMemo } from '../lib/html.js';
import { count, percent } from '../lib/text.js';

/** More are counted, but not drawn. */
const MOST_DRAWN = 3000;

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const isInsideCharacter = (byte) => (byte & 0xc0) === 0x80;

/** The texts of a part's tokens: `{text, ids}`. Tokens that share a character stand together. */
export function runsOf({ text, ids, pieces, offsets }) {
  // Offsets are in the UTF-8 of a normalised text, which is another one here.
  if (text.normalize('NFC') !== text) return ids.map((id, at) => ({ text: pieces[at], ids: [id] }));
  const bytes = utf8.encode(text);
  const cut =
    bytes.length === text.length
      ? (from, to) => text.slice(from, to)
      : (from, to) => decoder.decode(bytes.subarray(from, to));
  const runs = [];
  let first = 0;
  for (let at = 0; at < ids.length; at++) {
    const end = offsets[at + 1] ?? bytes.length;
    if (end < bytes.length && isInsideCharacter(bytes[end])) continue;
    runs.push({ text: cut(offsets[first], end), ids: ids.slice(first, at + 1) });
    first = at + 1;
  }
  return runs;
}

/** Characters that one does not see are tokens, too. A line end, a tab and what joins emoji stay as they are. */
const UNSEEN = /(?![\n\t\u200d])[\p{Cc}\p{Cf}]/gu;
const seen = (text) => text.replace(UNSEEN, (found) => `⟨${codeOf(found)}⟩`).replaceAll('\n', '↵\n') || '·';

const Run = ({ run: { text, ids }, special, at }) =>
  html`<span class=${classes('token', special ? 'special' : `t${at % 4}`)} title=${ids.join(', ')}>${seen(text)}</span>`;

function Drawn({ segments }) {
  const runs = segments.flatMap((segment) => runsOf(segment).map((run) => ({ run, special: segment.special })));
  return html`<div class="prompt" tabindex="0" role="region" aria-label="The prompt as the model reads it">
      ${runs.slice(0, MOST_DRAWN).map(({ run, special }, at) => html`<${Run} key=${at} run=${run} special=${special} at=${at} />`)}
    </div>
    ${runs.length > MOST_DRAWN && html`<p class="quiet">Of these, the first ${count(MOST_DRAWN)} are shown.</p>`}`;
}

const howExact = ({ exactness, error_bound: bound }) =>
  exactness === 'exact'
    ? 'exact, by the model’s own tokenizer'
    : exactness === 'provider'
      ? 'as its server counts'
      : `an estimate${bound === undefined ? '' : `, off by at most ${percent(bound)}`}`;

/** @param counted answer of `/v1/count_tokens`, asked with `x-chasqui-debug` */
export function Tokens({ counted }) {
  // The same drawing while nothing new was counted, however often the fields above it change.
  return useMemo(() => {
    if (!counted) return html`<p class="quiet">Write a prompt, and its tokens are counted here.</p>`;
    const { tokens, template, context_length: context, fits, chasqui } = counted;
    const [prompt] = chasqui?.prompts ?? [];
    return html`<p><strong class="count" data-count=${tokens}>${count(tokens)}</strong> ${tokens === 1 ? 'token' : 'tokens'}, ${howExact(counted)}${template && html`, in the template of ${template}`}.
        ${context != null && html` ${fits === false ? html`<span class="bad-text">Too long: the context is ${count(context)}.</span>` : `The context is ${count(context)}.`}`}</p>
      ${prompt ? html`<${Drawn} segments=${prompt.segments} />` : html`<p class="quiet">The tokens are not shown: ${chasqui?.prompts === null ? 'this model’s tokenizer or template is not known here, or the prompt is very long' : 'there are none'}.</p>`}`;
  }, [counted]);
}
