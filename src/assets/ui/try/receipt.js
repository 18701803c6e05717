/** An answer as it streams, and what it cost. */

import { speedOf, toFirst, tokensOf } from '../lib/answer.js';
import { ErrorText } from '../lib/api.js';
import { html, Plain } from '../lib/html.js';
import { Money, parseMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { count, duration } from '../lib/text.js';

const STATES = {
  waiting: 'Waiting for the first token …',
  streaming: 'The answer comes …',
  done: 'Done.',
  stopped: 'Stopped. What the provider made until then is billed.',
  failed: 'Failed.',
};

export const stateText = ({ state, finish }) =>
  state === 'done' && finish === 'length' ? 'Done: cut at the limit of tokens.' : STATES[state];

/** The text of an answer. Whatever is in it is text. */
export const AnswerText = ({
  answer: { text, reasoning, state },
  label = 'Answer',
}) => html`<div class="answer" tabindex="0" role="region" aria-label=${label} aria-busy=${state === 'waiting' || state === 'streaming'}>
  ${reasoning && html`<p class="quiet"><${Plain} text=${reasoning} /></p>`}
  <${Plain} text=${text} />
</div>`;

const MILLION = 1_000_000n;

/**
 * What an answer cost, or cost so far by the offer's price a token: then it is `rough`. `cost` is nano-dollars, or null
 * where it is not known.
 */
export function costOf({ usage, ...answer }, offer) {
  if (usage) return { cost: parseMoney(usage.cost_exact), rough: false };
  const { price, prompt_tokens: prompt } = offer ?? {};
  const [input, output] = [price?.input_per_mtok, price?.output_per_mtok].map(parseMoney);
  const known = input !== null && output !== null && prompt != null;
  return {
    cost: known ? (input * BigInt(prompt) + output * BigInt(tokensOf(answer).tokens)) / MILLION : null,
    rough: true,
  };
}

const fact = (label, value) => (value ? html`<dt>${label}</dt><dd>${value}</dd>` : null);

/** @param offer by whose price the cost is estimated while the answer comes */
export function Facts({ answer, offer }) {
  const { usage, provider, id, dropped } = answer;
  const speed = speedOf(answer);
  const { tokens, rough } = tokensOf(answer);
  const about = rough ? '≈ ' : '';
  const paid = costOf(answer, offer);
  return html`<dl>
    ${fact('Provider', provider)}
    ${fact('First token', duration(toFirst(answer)))}
    ${fact('Speed', speed && `${about}${count(speed)} tokens a second`)}
    ${fact('Prompt', usage && `${count(usage.prompt_tokens)} tokens`)}
    ${fact('Answer', `${about}${count(tokens)} tokens`)}
    ${fact('Reasoning', usage?.completion_tokens_details?.reasoning_tokens)}
    ${fact('Cost', html`${paid.rough && paid.cost !== null && '≈ '}<${Money} value=${paid.cost} exact=${!paid.rough} /> ${usage?.cost_details?.reason}`)}
    ${fact('Dropped', dropped)}
    ${fact('Generation', id && html`<code>${id}</code>`)}
  </dl>`;
}

const ATTEMPTS = [
  { label: 'Provider', cell: ({ provider }) => provider },
  { label: 'Model there', cell: ({ model }) => model },
  { label: 'Result', cell: ({ type }) => type },
  { label: 'Took', numeric: true, cell: ({ ms }) => duration(ms) },
];

const ELSEWHERE = [
  { label: 'Provider', cell: ({ provider }) => provider },
  { label: 'Model there', cell: ({ provider_model: model }) => model },
  {
    label: 'Would have cost',
    numeric: true,
    sort: (row) => parseMoney(row.cost),
    cell: (row) => html`<${Money} value=${row.cost} exact />`,
  },
];

const keyed = (rows) => rows.map((row, at) => ({ ...row, at }));
const rowKey = ({ at }) => at;

/** What a call did and cost. */
export function Receipt({ answer }) {
  const { debug, error, metadata } = answer;
  const attempts = debug?.attempts ?? error?.metadata?.attempts ?? metadata?.attempts ?? [];
  return html`<h3>Receipt</h3>
    <${ErrorText} error=${error} />
    <${Facts} answer=${answer} />
    ${attempts.length > 0 && html`<${Table} caption="Attempts" rows=${keyed(attempts)} columns=${ATTEMPTS} rowKey=${rowKey} />`}
    ${debug?.alternatives?.length > 0 && html`<${Table} caption="The same tokens elsewhere" rows=${keyed(debug.alternatives)} columns=${ELSEWHERE} rowKey=${rowKey} />`}`;
}
