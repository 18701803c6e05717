import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VoteRule } from '../../src/core/index.ts';
import { ballotOf, type Sample, samplesIn } from '../../src/relay/ballots.ts';

const sample = (text: string, more: Partial<Sample> = {}): Sample => ({ text, toolCalls: [], finish: 'stop', ...more });
const vote = (text: string, rule?: VoteRule, json = false) => ballotOf(sample(text), rule, json);

describe('the answer of a sample without a rule', () => {
  it.each([
    ['boxed', 'So 3 + 4 is \\boxed{7}, not 9.', '7'],
    ['boxed, with braces inside', 'Thus \\boxed{\\text{Paris}} in 1900.', 'paris'],
    ['the last box', '\\boxed{1} … no: \\boxed{2}', '2'],
    ["the guide's backticks", 'The average of 15 is 40, so:\n\n```50```', '50'],
    ['backticks on lines of their own', 'I get\n```\n50\n```', '50'],
    ['backticks with a language', '```text\n50\n```', '50'],
    ['the last backticks', '```40``` plus 10 is ```50```', '50'],
    ['stated', 'The answer is 50. That took 3 steps.', '50'],
    ['stated with a unit', 'The final answer is: 50 apples.', '50'],
    ['stated in words', 'The answer is Elvis Presley.', 'elvis presley'],
    ['stated in bold', '**Answer:** **(B)** because of 3 reasons', 'B'],
    ['a letter that is stated', 'The correct answer is C, as 12 > 4.', 'C'],
    ['a lone letter', 'Let me think about 3 options.\n\n(B)', 'B'],
    ['a letter before its option', 'B) Paris', 'B'],
    ['the last number', 'First 40, then 10 more, which makes 50 in all', '50'],
    ['no answer', 'I am not certain, but the mean goes up.', undefined],
    ['nothing', '', undefined],
  ])('%s', (_what, text, answer) => {
    expect(vote(text)).toBe(answer);
  });

  it('is not looked for in code', () => {
    expect(vote('```python\nx = 3\nprint(x)\n```\nThe answer is 9.')).toBe('9');
  });

  it('is not looked for in what the model thought', () => {
    expect(vote('<think>Is it \\boxed{1}? The answer is 2.</think>It is 3')).toBe('3');
    expect(vote('Is it 1?</think>It is 3')).toBe('3');
    expect(vote('<think>Is it 1 or 2')).toBeUndefined();
  });

  it('is no number on the way to it: what was cut off abstains, unless it is all number', () => {
    expect(ballotOf(sample('First 40, then', { finish: 'length' }), undefined, false)).toBeUndefined();
    expect(ballotOf(sample('50', { finish: 'length' }), undefined, false)).toBe('50');
    expect(ballotOf(sample('The answer is 50', { finish: 'content_filter' }), undefined, false)).toBeUndefined();
  });
});

describe('numbers', () => {
  it.each([
    '1000',
    '1,000',
    '1000.0',
    '$1,000.00',
    '+1e3',
    '1000%',
    '€1000',
    ' 1000. ',
    '01000',
    '\\$1{,}000'.replace('{,}', ','),
    '1000 dollars',
    '**1000**',
  ])('%s is 1000', (text) => {
    expect(vote(`\\boxed{${text}}`)).toBe('1000');
  });
  it.each([
    ['-5', '-5'],
    ['−5', '-5'],
    ['-0', '0'],
    ['0.50', '0.5'],
    ['.5', '0.5'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
  ])('%s is %s', (text, number) => {
    expect(vote(`\\boxed{${text}}`)).toBe(number);
    expect(vote(`It is ${text}`, { kind: 'last_number' })).toBe(number);
  });
  it.each([
    ['on 2023-12-11', '11'],
    ['Llama-2', '2'],
    ['of 3-4', '4'],
    ['1,2,3', '3'],
    ['v1.5', '1.5'],
  ])('the last in "%s" is %s', (text, number) => {
    expect(vote(text, { kind: 'last_number' })).toBe(number);
  });
  it('are the same however they are written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10_000_000, max: 10_000_000 }), (number) => {
        const written = [String(number), number.toLocaleString('en-US'), `${number}.00`, `${number}%`];
        for (const text of written) expect(vote(text)).toBe(String(number));
      }),
    );
  });
});

describe("a caller's rule", () => {
  const regex = (pattern: string): VoteRule => ({ kind: 'regex', pattern });
  it('is the only one that counts', () => {
    expect(vote('The answer is 50', regex('Result: (\\d+)'))).toBeUndefined();
    expect(vote('Result: 50. The answer is 9', regex('Result: (\\d+)'))).toBe('50');
    expect(vote('Result: 1. Result: 1,000.0', regex('Result: ([\\d,.]+)'))).toBe('1000');
  });
  const pointer = (pointer: string): VoteRule => ({ kind: 'json_pointer', pointer });
  it.each([
    ['{"answer": 50}', '/answer', '50'],
    ['{"answer": "50.0"}', '/answer', '50'],
    ['Here: ```json\n{"a": {"b": [1, 2]}}\n```', '/a/b/1', '2'],
    ['So {"answer": "Yes"} it is', '/answer', 'yes'],
    ['{"a/b": {"m~n": true}}', '/a~1b/m~0n', 'true'],
    ['{"": 3}', '/', '3'],
    ['{"b": 1, "a": 2}', '', '{"a":2,"b":1}'],
    ['{"answer": 50}', '/result', undefined],
    ['[1, 2]', '/-', undefined],
    ['[1, 2]', '/01', undefined],
    ['{"answer": 50}', '/constructor', undefined],
    ['no JSON', '/answer', undefined],
  ])('%s at "%s" is %s', (text, at, answer) => {
    expect(vote(text, pointer(at))).toBe(answer);
  });
  const letters: VoteRule = { kind: 'choice', options: ['A', 'B', 'C', 'D', 'E'] };
  it.each([
    ['A dog is a pet. (C) it is', 'C'],
    ['The answer is B, not C', 'B'],
    ['b', undefined],
    ['ABBA', undefined],
  ])('the choice in "%s" is %s', (text, answer) => {
    expect(vote(text, letters)).toBe(answer);
  });
  it('takes options of several words in any case', () => {
    const rule: VoteRule = { kind: 'choice', options: ['positive', 'negative', 'not negative'] };
    expect(vote('I would say NEGATIVE.', rule)).toBe('negative');
    expect(vote('It is not negative', rule)).toBe('not negative');
    expect(vote('C++', { kind: 'choice', options: ['C', 'C++'] })).toBe('C++');
  });
});

describe('tool calls and JSON', () => {
  const call = (name: string, args: string) => ({ name, arguments: args });
  it('vote as a set, whatever their order and the order of their arguments', () => {
    const one = sample('', { toolCalls: [call('f', '{"a":1,"b":2}'), call('g', '')], finish: 'tool_calls' });
    const two = sample('Sure!', { toolCalls: [call('g', '{}'), call('f', '{"b":2, "a":1.0}')], finish: 'tool_calls' });
    expect(ballotOf(one, undefined, false)).toBe('f({"a":1,"b":2}) g({})');
    expect(ballotOf(two, undefined, false)).toBe(ballotOf(one, undefined, false));
    expect(ballotOf(sample('', { toolCalls: [call('f', '{"a":2}')] }), undefined, false)).toBe('f({"a":2})');
  });
  it('compare as values where JSON was asked for', () => {
    expect(vote('{"b": 1, "a": [1.0]}', undefined, true)).toBe('{"a":[1],"b":1}');
  });
  it('are put together from events by their choice', () => {
    const [first, second] = samplesIn(
      [
        { type: 'text', choice: 1, text: 'b' },
        { type: 'tool', choice: 0, index: 0, id: '1', name: 'f', arguments: '{"a"' },
        { type: 'tool', choice: 0, index: 0, arguments: ':1}' },
        { type: 'finish', choice: 1, reason: 'length' },
      ],
      2,
    );
    expect(first).toMatchObject({ toolCalls: [{ name: 'f', arguments: '{"a":1}' }] });
    expect(second).toMatchObject({ text: 'b', finish: 'length' });
  });
});

it('never fails, whatever a model says', () => {
  const rules: VoteRule[] = [
    { kind: 'last_number' },
    { kind: 'json_pointer', pointer: '/a/0' },
    { kind: 'choice', options: ['A', '(', 'x|y'] },
    { kind: 'regex', pattern: '([a-z]+)*\\d' },
  ];
  const said = fc.array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('```', '\\boxed{', '}', '<think>', '</think>', '{"a":[', 'The answer is ', '1,000', '-'),
    ),
  );
  fc.assert(
    fc.property(said, fc.option(fc.constantFrom(...rules), { nil: undefined }), fc.boolean(), (pieces, rule, json) => {
      const answer = vote(pieces.join(''), rule, json);
      expect(answer).not.toBe('');
    }),
  );
});
