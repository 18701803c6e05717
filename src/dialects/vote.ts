/**
 * `vote`, the same field in every dialect: several samples are asked for, and one on which most agree is the answer.
 */
import * as v from 'valibot';
import { type Call, PatternError, pattern, type Routing, type Vote, type VoteRule } from '../core/index.ts';
import { amountOf, dollars } from './routing.ts';
import { integer, invalid, optional } from './validation.ts';

const MAX_SAMPLES = 32;
const MAX_POINTER = 500;
const MAX_OPTIONS = 64;
const MAX_OPTION = 100;

const LETTERS: readonly string[] = ['A', 'B', 'C', 'D', 'E'];

const option = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_OPTION, `must be at most ${MAX_OPTION} characters`),
);
const isOn = v.literal(true, 'must be true');

const extract = v.strictObject(
  {
    regex: optional(v.string()),
    json_pointer: optional(v.pipe(v.string(), v.maxLength(MAX_POINTER, `must be at most ${MAX_POINTER} characters`))),
    last_number: optional(isOn),
    choice: optional(
      v.union(
        [
          isOn,
          v.pipe(
            v.array(option),
            v.minLength(2, 'must have at least two options'),
            v.maxLength(MAX_OPTIONS, `must have at most ${MAX_OPTIONS} options`),
          ),
        ],
        'must be true, for the letters A to E, or a list of at least two options',
      ),
    ),
  },
  'must be an object with regex, json_pointer, last_number or choice',
);

/** Unknown fields are refused, because a misspelt limit would be no limit. */
export const vote = v.strictObject(
  {
    samples: integer(2, MAX_SAMPLES),
    extract: optional(extract),
    min_agreement: optional(
      v.pipe(
        v.number(),
        v.check((share) => share > 0 && share <= 1, 'must be above 0 and at most 1: the share of samples that agree'),
      ),
    ),
    max_cost: optional(dollars),
  },
  'must be an object, for example {"samples": 5}',
);

type WireVote = v.InferOutput<typeof vote>;

const RULE = 'vote.extract';

function regexRule(source: string): VoteRule {
  try {
    pattern(source);
  } catch (thrown) {
    if (thrown instanceof PatternError) throw invalid(`${RULE}.regex`, `${thrown.message}.`);
    throw thrown;
  }
  return { kind: 'regex', pattern: source };
}

function pointerRule(pointer: string): VoteRule {
  if (pointer !== '' && (!pointer.startsWith('/') || /~(?![01])/.test(pointer))) {
    throw invalid(`${RULE}.json_pointer`, 'must be a JSON Pointer (RFC 6901), for example "/answer" or "/steps/0".');
  }
  return { kind: 'json_pointer', pointer };
}

function ruleOf(wire: NonNullable<WireVote['extract']>): VoteRule {
  const { regex, json_pointer: pointer, last_number: number, choice } = wire;
  const rules: VoteRule[] = [
    ...(regex == null ? [] : [regexRule(regex)]),
    ...(pointer == null ? [] : [pointerRule(pointer)]),
    ...(number ? [{ kind: 'last_number' } as const] : []),
    ...(choice == null ? [] : [{ kind: 'choice', options: choice === true ? LETTERS : choice } as const]),
  ];
  const [rule] = rules;
  if (!rule || rules.length > 1) {
    throw invalid(RULE, 'must have one of regex, json_pointer, last_number and choice.');
  }
  return rule;
}

/** Throws where the call asks for something that has no meaning in a vote, naming the field. */
function assertCanVote(call: Call): void {
  if (call.n > 1) throw invalid('n', 'must be 1 with vote, which answers with one of its samples: see vote.samples.');
  if (call.kind === 'chat') return;
  if (call.prompts.length > 1)
    throw invalid('prompt', 'must be one prompt with vote: votes are taken on one question.');
  if (call.echo && (call.sampling.logprobs !== undefined || call.maxTokens === 0)) {
    throw invalid(
      'echo',
      'must be false with vote where it asks for the likelihood of the prompt, which never differs.',
    );
  }
}

/** The call, with the vote that its body asks for. Throws `invalid_request` naming the field. */
export function withVote<C extends Call>(call: C, wire: WireVote | null | undefined): C {
  if (wire == null) return call;
  assertCanVote(call);
  const asked: Vote = {
    samples: wire.samples,
    ...(wire.extract == null ? {} : { rule: ruleOf(wire.extract) }),
    ...(wire.min_agreement == null ? {} : { minAgreement: wire.min_agreement }),
    ...(wire.max_cost == null ? {} : { maxCost: amountOf(wire.max_cost) }),
  };
  return { ...call, vote: asked, routing: within(call.routing, asked) };
}

/** A vote is one call: of the two limits on what it may cost the lower one holds. */
function within(routing: Routing, { maxCost }: Vote): Routing {
  if (maxCost === undefined || (routing.maxCost !== undefined && routing.maxCost <= maxCost)) return routing;
  return { ...routing, maxCost };
}
