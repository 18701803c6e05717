/** The options of `npm run report`. */
import { parseArgs } from 'node:util';
import { addressOf, type Env, LOCAL_URL, UsageError } from './options.ts';

/** What goes into the query of both reports, of the usage alone, and of the what-if alone; by option. */
const BOTH = {
  from: 'from',
  to: 'to',
  account: 'account',
  'of-key': 'key',
  provider: 'provider',
  model: 'model',
} as const;
const USAGE = { by: 'group_by' } as const;
const WHAT_IF = {
  prices: 'prices',
  policy: 'policy',
  order: 'order',
  exclude: 'exclude',
  'usd-per-hour': 'usd_per_hour',
  'tokens-per-second': 'tokens_per_second',
} as const;

export interface ReportOptions {
  /** Queries of the two reports, without a question mark. */
  readonly usage: string;
  readonly whatIf: string;
  readonly json: boolean;
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly help: boolean;
}

export const HELP = `npm run report -- [options]

What the gateway's calls used and cost, and what the same traffic would have cost elsewhere.

  --from DAY, --to DAY   days of UTC, both included (2026-11-01); 30 days up to today unless told
  --by GROUPS            provider, model, key, account, dialect, outcome, day, hour, with commas between them
                         (provider,model)
  --account NAME         one account's calls
  --of-key ID            one key's calls
  --provider NAME, --model NAME   what was served there, of this model
  --prices then|today    what-if by the prices of each day, or by today's
  --policy NAME          what-if at one provider; the cheapest offer unless told
  --order A,B --exclude C   what-if with this order of providers, and without others
  --usd-per-hour N --tokens-per-second N   what-if on hardware of your own
  --json                 what the gateway answers, as JSON
  --url URL              where the gateway is (CHASQUI_URL). Otherwise the one on ${LOCAL_URL},
                         or, if nothing listens there, one that is started for this
  --key KEY              the key it asks for (CHASQUI_ADMIN_KEY). A caller's key sees its own calls
  --help                 this`;

const text = { type: 'string' } as const;

function typed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...{ from: text, to: text, account: text, 'of-key': text, provider: text, model: text, by: text },
        ...{ prices: text, policy: text, order: text, exclude: text, 'usd-per-hour': text, 'tokens-per-second': text },
        url: text,
        key: text,
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (thrown) {
    const said = thrown instanceof Error ? (thrown.message.split(/\.\s/)[0] ?? '') : '';
    throw new UsageError(`${said}. --help lists what there is.`);
  }
}

/** Reads the options. The gateway checks what they say, and names its parameter where that makes no sense. */
export function readReportOptions(argv: readonly string[], env: Env): ReportOptions {
  const values = typed(argv);
  const query = (names: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}): string => {
    const read = Object.entries(names).flatMap(([option, parameter]) => {
      const value = values[option as keyof typeof values];
      return typeof value === 'string' ? [[parameter, value]] : [];
    });
    return new URLSearchParams([...Object.entries(more), ...read] as [string, string][]).toString();
  };
  return {
    usage: query({ ...BOTH, ...USAGE }, { limit: '1000' }),
    whatIf: query({ ...BOTH, ...WHAT_IF }),
    json: values.json,
    url: addressOf(values.url, env),
    key: values.key ?? (env.CHASQUI_ADMIN_KEY || undefined),
    help: values.help,
  };
}
