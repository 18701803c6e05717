import { wrapped } from './table.ts';
import type { Answer } from './wire.ts';

const FINISHED = new Set(['stop', null]);

function textOf({ text, message }: Answer['choices'][number]): string {
  if (message?.tool_calls !== undefined) return JSON.stringify(message.tool_calls, null, 2);
  return (text ?? message?.content ?? '').trim();
}

/** Dollars to the nano-dollar, never as `1e-7`. */
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

/** What the same answer would have come to elsewhere; one offer that two names lead to is one. */
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

/** An answer as people read it, and what it came to. */
export function receiptText(answer: Answer, width: number): string {
  const { provider, model, choices, usage, chasqui } = answer;
  const answers = choices.flatMap((choice) => [
    textOf(choice),
    ...(FINISHED.has(choice.finish_reason) ? [] : [`(ended by ${choice.finish_reason})`]),
    '',
  ]);
  const tries = chasqui.attempts.length;
  const counted = `${usage.prompt_tokens} prompt tokens, ${usage.completion_tokens} of output.`;
  const receipt = [`${counted} ${costLine(usage)}`, ...elsewhere(answer)].flatMap((text) => wrapped('', text, width));
  const by = `${provider} answers as ${model}${tries > 1 ? `, after ${tries} attempts` : ''}:`;
  return [by, '', ...answers, ...receipt].join('\n');
}
