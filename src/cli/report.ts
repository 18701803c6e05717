/**
 * What the gateway's answers say, for people: the parts of them that this command reads (other fields are ignored),
 * and how they are printed.
 */
import * as v from 'valibot';

const amount = v.string();

const offer = v.object({
  provider: v.string(),
  model: v.string(),
  provider_model: v.string(),
  route: v.optional(v.string()),
  eligible: v.boolean(),
  /** The position in which the gateway would try it. */
  rank: v.nullable(v.number()),
  prompt_tokens: v.nullable(v.number()),
  exactness: v.nullable(v.string()),
  context_length: v.nullable(v.number()),
  /** Dollars for the call. `max` is null if it has no upper bound. */
  cost: v.nullable(v.object({ expected: amount, max: v.nullable(amount) })),
  price: v.nullable(
    v.object({
      input_per_mtok: v.optional(amount),
      output_per_mtok: v.optional(amount),
      usd_per_second: v.optional(amount),
      usd_per_hour: v.optional(amount),
      tokens_per_second: v.optional(v.number()),
      age_days: v.optional(v.number()),
      stale: v.optional(v.boolean(), false),
    }),
  ),
  drops: v.array(v.string()),
  neutralised: v.optional(v.array(v.string()), []),
  latency: v.nullable(v.object({ ttft_ms: v.nullable(v.number()), tokens_per_second: v.nullable(v.number()) })),
  breaker: v.nullable(v.string()),
  why: v.array(v.string()),
  /** Why its cost is unknown. */
  unpriced: v.optional(v.string()),
  /** Why it is left out. */
  reason: v.optional(v.object({ message: v.string() })),
});

export const offerList = v.object({ data: v.array(offer) });

export const answer = v.object({
  model: v.string(),
  provider: v.string(),
  choices: v.optional(
    v.array(
      v.object({
        text: v.optional(v.string()),
        message: v.optional(v.looseObject({ content: v.nullish(v.string()), tool_calls: v.optional(v.unknown()) })),
        finish_reason: v.nullable(v.string()),
      }),
    ),
    [],
  ),
  /** Embeddings. */
  data: v.optional(v.array(v.looseObject({ embedding: v.union([v.string(), v.array(v.number())]) })), []),
  /** Documents, the best first. */
  results: v.optional(v.array(v.looseObject({ index: v.number(), relevance_score: v.number() })), []),
  usage: v.object({
    prompt_tokens: v.number(),
    completion_tokens: v.optional(v.number(), 0),
    cost_exact: v.nullable(amount),
    cost_details: v.looseObject({
      prompt: v.optional(v.number()),
      completion: v.optional(v.number()),
      price: v.nullish(v.string()),
      basis: v.optional(v.string()),
      estimate: v.optional(v.boolean(), false),
      reason: v.optional(v.string()),
    }),
  }),
  chasqui: v.object({
    attempts: v.array(v.unknown()),
    alternatives: v.optional(
      v.array(
        v.object({ provider: v.string(), model: v.string(), provider_model: v.string(), cost: v.nullable(amount) }),
      ),
      [],
    ),
    saved: v.optional(v.nullable(amount), null),
  }),
});

export const refusal = v.object({ error: v.object({ message: v.string() }) });

export type Offer = v.InferOutput<typeof offer>;
export type Answer = v.InferOutput<typeof answer>;

/** A column of a table: its heading, and the text of each row. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Align to the right, as numbers are. */
  readonly right?: boolean;
  /** May be shortened in the middle if the table is too wide. At most one column. */
  readonly gives?: boolean;
}

const GAP = '  ';
const ELLIPSIS = '…';
/** Names are not shortened to less than this. */
const LEAST = 16;

/** Keeps the beginning and the end of a name, which tell it from others. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const left = Math.ceil((width - ELLIPSIS.length) / 2);
  const right = width - ELLIPSIS.length - left;
  return text.slice(0, left) + ELLIPSIS + text.slice(text.length - right);
}

/** Wraps a text between words. The first line starts with `lead`, the others are indented by `from`. */
export function wrapped(lead: string, text: string, width: number, from = lead.length): string[] {
  const indent = ' '.repeat(from);
  const lines: string[] = [];
  let line = lead;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** A table whose columns are as wide as they need to be. A column that is empty in every row is left out. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  const widths = filled.map(({ head, cells }) => Math.max(head.length, ...cells.map((cell) => cell.length)));
  const over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  const gives = filled.findIndex((column) => column.gives);
  if (over > 0 && gives >= 0) widths[gives] = Math.max(LEAST, (widths[gives] ?? 0) - over);
  const line = (cell: (column: (typeof filled)[number]) => string): string =>
    filled
      .map((column, at) => {
        const room = widths[at] ?? 0;
        const text = shorten(cell(column), room);
        return column.right ? text.padStart(room) : text.padEnd(room);
      })
      .join(GAP)
      .trimEnd();
  return [line(({ head }) => head), ...rows.map((_row, at) => line(({ cells }) => cells[at] ?? ''))];
}

const UNKNOWN = '?';
const number = (value: number): string => value.toLocaleString('en-US');
const orEmpty = (value: number | null | undefined): string => (value == null ? '' : number(value));

/** Cheapest first, unknown cost last. Offers that cost the same stay in the gateway's order. */
export const cheapestFirst = (offers: readonly Offer[]): Offer[] =>
  offers.filter(({ eligible }) => eligible).sort((a, b) => costOf(a) - costOf(b) || (a.rank ?? 0) - (b.rank ?? 0));

// Not Infinity, because Infinity - Infinity is NaN.
const costOf = ({ cost }: Offer): number => (cost ? Number(cost.expected) : Number.MAX_VALUE);

/** Formats the amounts of one column with the same number of decimals. Exact. */
export function aligned(amounts: readonly (string | null | undefined)[]): (amount: string) => string {
  const places = Math.max(2, ...amounts.map((amount) => amount?.split('.')[1]?.length ?? 0));
  return (amount) => {
    const [whole = '', decimals = ''] = amount.split('.');
    return `${whole}.${decimals.padEnd(places, '0')}`;
  };
}

const tokens = ({ prompt_tokens: count, exactness }: Offer): string =>
  count === null ? '' : `${exactness === 'estimate' ? '~' : ''}${number(count)}`;

function columnsFor(offers: readonly Offer[]): readonly Column<Offer>[] {
  const costs = offers.map(({ cost }) => cost);
  const dollars = aligned(costs.flatMap((cost) => (cost ? [cost.expected, cost.max] : [])));
  const rates = aligned(offers.flatMap(({ price }) => [price?.input_per_mtok, price?.output_per_mtok]));
  const rate = (amount: string | undefined): string => (amount === undefined ? '' : rates(amount));
  return [
    { head: 'asked', right: true, cell: ({ rank }) => orEmpty(rank) },
    { head: 'provider', cell: ({ provider }) => provider },
    { head: 'model there', cell: (offer) => offer.provider_model, gives: true },
    { head: 'prompt', right: true, cell: tokens },
    { head: 'context', right: true, cell: (offer) => orEmpty(offer.context_length) },
    { head: 'expected $', right: true, cell: ({ cost }) => (cost ? dollars(cost.expected) : UNKNOWN) },
    { head: 'at most $', right: true, cell: ({ cost }) => (cost?.max ? dollars(cost.max) : UNKNOWN) },
    { head: '$/M in', right: true, cell: ({ price }) => rate(price?.input_per_mtok) },
    { head: '$/M out', right: true, cell: ({ price }) => rate(price?.output_per_mtok) },
    { head: 'first ms', right: true, cell: ({ latency }) => orEmpty(latency?.ttft_ms) },
    { head: 'tok/s', right: true, cell: ({ latency }) => orEmpty(latency?.tokens_per_second) },
  ];
}

/** The price of an offer that is billed by time, not by the token. */
function timeRate({ price }: Offer): string[] {
  const { usd_per_second: second, usd_per_hour: hour, tokens_per_second: speed } = price ?? {};
  if (second === undefined && hour === undefined) return [];
  const per = hour === undefined ? `$${second} a second` : `$${hour} an hour`;
  return [`Paid by time: ${per}${speed === undefined ? '' : `, at ${speed} tokens a second`}.`];
}

/** Remarks on an offer, besides its figures. */
function notesOn(offer: Offer): string {
  const { drops, neutralised, price, why, unpriced, route, breaker } = offer;
  return [
    ...(route === undefined ? [] : [`By the route ${route}.`]),
    ...why,
    ...(breaker === null || breaker === 'closed' ? [] : [`Its breaker is ${breaker}.`]),
    ...(unpriced === undefined ? [] : [unpriced]),
    ...(drops.length > 0 ? [`Does without ${drops.join(', ')}.`] : []),
    ...(neutralised.length > 0 ? [`Template syntax is made plain text in ${neutralised.join(', ')}.`] : []),
    ...timeRate(offer),
    ...(price?.stale ? [`Its price was read ${price.age_days ?? 'many'} days ago.`] : []),
  ].join(' ');
}

/** An offer sheet for people: the offers, cheapest first, remarks on each, and what is left out and why. */
export function offerTable(offers: readonly Offer[], width: number): string {
  const eligible = cheapestFirst(offers);
  const excluded = offers.filter((offer) => !offer.eligible);
  const lines = eligible.length > 0 ? table(columnsFor(eligible), eligible, width) : ['No offer can serve this.'];
  const notes = eligible.flatMap((offer) => {
    const note = notesOn(offer);
    return note === '' ? [] : wrapped(`${orEmpty(offer.rank).padStart(5)}  `, note, width);
  });
  if (notes.length > 0) lines.push('', ...notes);
  if (excluded.length > 0) lines.push('', 'Left out:', ...excluded.flatMap((offer) => leftOut(offer, width)));
  return lines.join('\n');
}

const leftOut = ({ provider, provider_model: model, reason }: Offer, width: number): string[] =>
  wrapped(`       ${provider}  ${model}: `, reason?.message ?? '', width, 9);

const FINISHED = new Set(['stop', null]);

function textOf({ text, message }: Answer['choices'][number]): string {
  if (message?.tool_calls !== undefined) return JSON.stringify(message.tool_calls, null, 2);
  return (text ?? message?.content ?? '').trim();
}

/** Dollars with up to nine decimals, never as `1e-7`. */
const dollars = (amount: number): string => `$${amount.toFixed(9).replace(/\.?0+$/, '')}`;

function costLine({ cost_exact: cost, cost_details: details }: Answer['usage']): string {
  if (cost === null) return `What it cost is not known. ${details.reason ?? ''}`.trim();
  const parts = [
    ...(details.prompt === undefined ? [] : [`${dollars(details.prompt)} for the prompt`]),
    ...(details.completion === undefined ? [] : [`${dollars(details.completion)} for the answer`]),
  ].join(', ');
  const rule = details.price == null ? '' : `, by ${details.price}`;
  return `It cost ${details.estimate ? 'about ' : ''}$${cost}: ${parts}${rule}.`;
}

/** What the same answer would have cost elsewhere. An offer with two names counts once. */
function elsewhere({ model: served, chasqui: { alternatives, saved } }: Answer): string[] {
  const all = new Map<string, string>();
  for (const { provider, model, provider_model: id, cost } of alternatives) {
    const who = model === served ? provider : `${provider} as ${model}`;
    all.set(`${provider} ${id}`, `${who} ${cost === null ? 'unknown' : `$${cost}`}`);
  }
  if (all.size === 0) return [];
  const line = `The same elsewhere: ${[...all.values()].join(', ')}.`;
  if (saved === null) return [line];
  const compared = saved.startsWith('-') ? `$${saved.slice(1)} more than` : `Saved $${saved} compared with`;
  return [`${line} ${compared} the most expensive of them.`];
}

function vectorsLine(data: Answer['data']): string {
  const [first] = data;
  const length = Array.isArray(first?.embedding) ? ` of ${number(first.embedding.length)} numbers` : '';
  return `${number(data.length)} ${data.length === 1 ? 'vector' : 'vectors'}${length}.`;
}

/** An answer for people, with what it cost. */
export function receiptText(answer: Answer, width: number): string {
  const { provider, model, choices, data, results, usage, chasqui } = answer;
  const found = [
    ...(data.length === 0 ? [] : [vectorsLine(data), '']),
    ...(results.length === 0 ? [] : [...results.map((one) => `document ${one.index}: ${one.relevance_score}`), '']),
  ];
  const answers = choices.flatMap((choice) => [
    textOf(choice),
    ...(FINISHED.has(choice.finish_reason) ? [] : [`(ended by ${choice.finish_reason})`]),
    '',
  ]);
  const tries = chasqui.attempts.length;
  const counted = `${usage.prompt_tokens} prompt tokens, ${usage.completion_tokens} of output.`;
  const receipt = [`${counted} ${costLine(usage)}`, ...elsewhere(answer)].flatMap((text) => wrapped('', text, width));
  const by = `${provider} answers as ${model}${tries > 1 ? `, after ${tries} attempts` : ''}:`;
  return [by, '', ...answers, ...found, ...receipt].join('\n');
}
