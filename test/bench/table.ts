import type { Case } from './cases.ts';
import type { Cost } from './measure.ts';
import { type BenchProvider, TEXTS } from './wires.ts';

export const HEAD = `| what | provider | gateway | bare Worker | ratio | target | Portkey |
| --- | --- | ---: | ---: | ---: | ---: | ---: |`;

const micro = (us: number): string => (us >= 1000 ? `${(us / 1000).toFixed(2)} ms` : `${us.toFixed(0)} µs`);

/** A paced stream is told by the event, everything else by the request. */
export function caseRow(one: Case, provider: BenchProvider, cost: Cost): string {
  const parts = one.stream === 'paced' ? TEXTS.paced : 1;
  const unit = one.stream === 'paced' ? '/event' : '';
  const cells = [
    one.name,
    provider,
    `${micro(cost.gateway / parts)}${unit}`,
    `${micro(cost.bare / parts)}${unit}`,
    `${cost.ratio.toFixed(2)}×`,
    `${one.target}×`,
    `${one.portkey}×`,
  ];
  return `| ${cells.join(' | ')} |`;
}

export const plainRow = (what: string, gateway: string, bare: string, target: string): string =>
  `| ${[what, '', gateway, bare, '', target, ''].join(' | ')} |`;
