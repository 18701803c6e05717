import { isJson, type Json } from '../json.ts';
import { fraction, hash } from '../random.ts';

/** A failure in the answer itself, in the provider's own form; at 0 tokens it is the first thing under the 200. */
export interface ErrorFault {
  readonly kind: 'error';
  /** Tokens delivered before it. */
  readonly after?: number;
  /** The provider's name for it: `throttlingException`, `InternalServerError`. */
  readonly name?: string;
  readonly message?: string;
  /** HTTP status where the answer is not a stream, and the status some wires put inside. Default 500. */
  readonly status?: number;
}

export type Fault =
  /** Refused with a status; without `body`, with what the provider says then. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** A proxy's page in place of the provider's JSON. */
  | { readonly kind: 'html'; readonly status?: number }
  /** Headers come late, by so many ms. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Headers never come. */
  | { readonly kind: 'hang' }
  /** Headers come, and then nothing. */
  | { readonly kind: 'mute' }
  /** Nothing more after so many tokens, the connection open. */
  | { readonly kind: 'stall'; readonly after: number }
  /** So many ms before each token. */
  | { readonly kind: 'drip'; readonly ms: number }
  /** The body ends after so many bytes: the connection breaks, or with `clean` closes as if all were well. */
  | { readonly kind: 'cut'; readonly bytes: number; readonly clean?: boolean }
  /** One bit of this byte of the body is wrong. */
  | { readonly kind: 'flip'; readonly byte: number }
  | ErrorFault
  /** All of the text, and then no word that it is complete. */
  | { readonly kind: 'no_end' }
  /** After so many tokens, a frame that is no JSON; a JSON answer is broken in its middle. */
  | { readonly kind: 'malformed'; readonly after?: number }
  /** One answer, however many are asked for with `n`. */
  | { readonly kind: 'ignore_n' }
  /** Answers as long as they come, whatever their limit: on the wires of vLLM and Together. */
  | { readonly kind: 'ignore_limit' }
  /** Looked at only once the barrier is open (`DELETE /sandbox/barrier`). */
  | { readonly kind: 'barrier' }
  /**
   * Any of these with this probability. What a request gets depends on the seed, on what it says, and on how often the
   * same was said before: a run plays again whatever order its requests arrive in.
   */
  | { readonly kind: 'random'; readonly seed: number; readonly rate: number };

const REQUIRED: Readonly<Record<Fault['kind'], readonly string[]>> = {
  status: ['status'],
  html: [],
  delay: ['ms'],
  hang: [],
  mute: [],
  stall: ['after'],
  drip: ['ms'],
  cut: ['bytes'],
  flip: ['byte'],
  error: [],
  no_end: [],
  malformed: [],
  ignore_n: [],
  ignore_limit: [],
  barrier: [],
  random: ['seed', 'rate'],
};

/** What a `random` fault draws from. */
const MIX: readonly Fault[] = [
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'html' },
  { kind: 'error', after: 0 },
  { kind: 'error', after: 3 },
  { kind: 'cut', bytes: 400 },
  { kind: 'no_end' },
  { kind: 'malformed', after: 2 },
  { kind: 'delay', ms: 50 },
];

export interface Rule {
  /** `bedrock`, `replicate`, `together`, `anyscale`, `openai-compatible`; absent: any. */
  readonly provider?: string;
  /** Part of the model's id. */
  readonly model?: string;
  /** Part of the request's path. Without it a rule meets requests for generation only. */
  readonly path?: string;
  /** Part of the request's body, so that tests side by side can each have their own rule. */
  readonly text?: string;
  /** How many requests it meets; 0: all. */
  readonly times: number;
  readonly faults: readonly Fault[];
}

interface Standing extends Rule {
  left: number;
  /** How often each body has come, by its hash. */
  readonly seen: Map<number, number>;
}

let rules: Standing[] = [];

/** One fault or a list of them that act together. A mistake comes back as a sentence. */
export function readFaults(value: unknown): readonly Fault[] | string {
  const all = Array.isArray(value) ? value : [value];
  for (const one of all) {
    if (!isJson(one) || typeof one.kind !== 'string' || !Object.hasOwn(REQUIRED, one.kind)) {
      return `A fault is {"kind": ${Object.keys(REQUIRED).join(' | ')}, …} or a list of them.`;
    }
    const missing = REQUIRED[one.kind as Fault['kind']].find((name) => typeof one[name] !== 'number');
    if (missing) return `A fault of kind ${one.kind} needs "${missing}", a number.`;
  }
  return all as Fault[];
}

export function readRule(value: unknown): Rule | string {
  if (!isJson(value)) return 'A rule is {"provider"?, "model"?, "path"?, "text"?, "times"?, "fault"}.';
  const faults = readFaults(value.fault);
  if (typeof faults === 'string') return faults;
  const part = (name: 'provider' | 'model' | 'path' | 'text') => {
    const given = value[name];
    return typeof given === 'string' ? { [name]: given } : {};
  };
  return {
    ...part('provider'),
    ...part('model'),
    ...part('path'),
    ...part('text'),
    times: typeof value.times === 'number' ? value.times : 1,
    faults,
  };
}

/** The body of a request as a server reads it that ignores part of what it is asked. */
export function bodyUnder(faults: readonly Fault[], body: Json): Json {
  const has = (kind: Fault['kind']): boolean => faults.some((fault) => fault.kind === kind);
  if (!has('ignore_n') && !has('ignore_limit')) return body;
  const { max_tokens, max_completion_tokens, ...unlimited } = body;
  return { ...(has('ignore_limit') ? unlimited : body), ...(has('ignore_n') ? { n: 1 } : {}) };
}

export function addRule(rule: Rule): void {
  rules.push({ ...rule, left: rule.times, seen: new Map() });
}

export function clearRules(): void {
  rules = [];
}

export const standingRules = (): readonly Rule[] => rules;

function draw(fault: Fault, position: number): readonly Fault[] {
  if (fault.kind !== 'random') return [fault];
  if (fraction(fault.seed, position * 2) >= fault.rate) return [];
  const drawn = MIX[Math.floor(fraction(fault.seed, position * 2 + 1) * MIX.length)];
  return drawn ? [drawn] : [];
}

/** Resolves `random` faults for a request that says `source`, for the `time`-th time. */
const drawAll = (faults: readonly Fault[], source: string, time: number): readonly Fault[] =>
  faults.flatMap((fault) => draw(fault, hash(source) + time));

/** Faults for one request alone. */
export const drawOnce = (faults: readonly Fault[], source: string): readonly Fault[] => drawAll(faults, source, 0);

/** The faults that the oldest matching rule holds for this request, which uses the rule up by one. */
export function takeFaults(request: {
  readonly provider: string;
  readonly model: string | undefined;
  readonly path: string;
  readonly source: string;
  readonly generates: boolean;
}): readonly Fault[] {
  const met = rules.find(
    (rule) =>
      (rule.provider === undefined || rule.provider === request.provider) &&
      (rule.model === undefined || (request.model ?? '').includes(rule.model)) &&
      (rule.text === undefined || request.source.includes(rule.text)) &&
      (rule.path === undefined ? request.generates : request.path.includes(rule.path)),
  );
  if (!met) return [];
  if (met.times > 0 && --met.left === 0) rules = rules.filter((rule) => rule !== met);
  const said = hash(request.source);
  const time = met.seen.get(said) ?? 0;
  met.seen.set(said, time + 1);
  return drawAll(met.faults, request.source, time);
}
