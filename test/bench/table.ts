/** The benchmark's table, as it stands in docs/performance.md. */
import { aimOf, type Case, DIALECT_AIM, FIRST_CONTENT_AIM } from './cases.ts';
import type { Contender, Costs } from './measure.ts';
import { type BenchProvider, TEXTS } from './wires.ts';

export interface Table {
  readonly head: string;
  caseRow(one: Case, provider: BenchProvider, costs: Costs): string;
  firstContentRow(provider: BenchProvider, ms: ReadonlyMap<Contender, number>): string;
  /** What is no ratio: a figure for each Worker. */
  plainRow(what: string, figures: ReadonlyMap<Contender, string>, aim?: string, portkey?: string): string;
}

const micro = (us: number): string => (us >= 1000 ? `${(us / 1000).toFixed(2)} ms` : `${us.toFixed(0)} µs`);

const row = (cells: readonly (string | undefined)[]): string => `| ${cells.map((cell) => cell ?? '').join(' | ')} |`;

/** Streams of which each event is a read of its own are told by the event, everything else by the request. */
const eventsOf = ({ stream }: Case): number => (stream === 'paced' || stream === 'long' ? TEXTS[stream] : 1);

/** The second table: a dialect beside chat completions, all in one process that takes turns with the bare Worker. */
export const dialectTable = {
  head: [
    '| what | provider | as | chat | this | bare Worker | ratio to bare | beside chat | aim |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ].join('\n'),
  /** @param us microseconds of CPU for a call */
  row(
    one: Case,
    provider: BenchProvider,
    dialect: string,
    us: { readonly chat: number; readonly dialect: number; readonly bare: number },
    ratios: { readonly bare: number; readonly chat: number },
  ): string {
    const unit = eventsOf(one) === 1 ? '' : '/event';
    const spent = (cpu: number) => micro(cpu / eventsOf(one)) + unit;
    return row([
      one.name,
      provider,
      dialect,
      spent(us.chat),
      spent(us.dialect),
      spent(us.bare),
      `${ratios.bare.toFixed(2)}×`,
      `**${ratios.chat.toFixed(2)}×**`,
      `${DIALECT_AIM}×`,
    ]);
  },
};

/** @param compared another checkout is measured beside this one */
export function tableFor(compared: boolean): Table {
  const before = <T>(cell: T): T[] => (compared ? [cell] : []);
  const titles = ['what', 'provider', ...before('before'), 'now', 'of it user CPU', 'bare Worker'];
  const ratios = [...before('before, ratio'), 'now, ratio', 'aim', 'Portkey'];
  const plain = (what: string, provider: string, figures: ReadonlyMap<Contender, string>, last: readonly string[]) =>
    row([
      what,
      provider,
      ...before(figures.get('before')),
      figures.get('now'),
      '',
      figures.get('bare'),
      ...before(''),
      '',
      ...last,
    ]);
  return {
    head: [row([...titles, ...ratios]), row([...titles, ...ratios].map((_, at) => (at < 2 ? '---' : '---:')))].join(
      '\n',
    ),
    caseRow(one, provider, costs) {
      const unit = eventsOf(one) === 1 ? '' : '/event';
      const spent = (us: number | undefined) => (us === undefined ? '–' : micro(us / eventsOf(one)) + unit);
      const ratio = (name: Contender) => `${costs.get(name)?.ratio.toFixed(2)}×`;
      return row([
        one.name,
        provider,
        ...before(spent(costs.get('before')?.us)),
        spent(costs.get('now')?.us),
        spent(costs.get('now')?.userUs),
        spent(costs.get('bare')?.us),
        ...before(ratio('before')),
        `**${ratio('now')}**`,
        one.aim ? `${aimOf(one.aim, provider)}×` : '',
        one.portkey ?? '',
      ]);
    },
    firstContentRow(provider, ms) {
      const bare = ms.get('bare') ?? Number.NaN;
      const figures = new Map(
        [...ms].map(([name, at]) => [name, `${(name === 'bare' ? at : at - bare).toFixed(2)} ms`] as const),
      );
      return plain('first content, p50, added to the bare Worker', provider, figures, [
        `${aimOf(FIRST_CONTENT_AIM, provider)} ms`,
        '30 ms',
      ]);
    },
    plainRow: (what, figures, aim = '', portkey = '') => plain(what, '', figures, [aim, portkey]),
  };
}
