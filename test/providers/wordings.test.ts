import { describe, expect, it } from 'vitest';
import { errorFromAnswer, readAnswer } from '../../providers/openai/index.ts';
import { promptTooLong, sanitise } from '../../src/core/index.ts';
import { collect } from '../support/collect.ts';
import { OVERFLOW_CLIENTS } from '../support/overflow-clients.ts';
import { calm, chatJob, sse, streamOf } from './support/openai-jobs.ts';
import { WORDINGS, type Wording, wordingsOf } from './support/wordings.ts';

const UPSTREAM = { id: 'mine', name: 'Mine' };
const errorOf = ({ status, body }: Wording) => errorFromAnswer(UPSTREAM, status, new Headers(), body);
const named = WORDINGS.map((wording) => [wording.who, wording] as const);

describe('an error is known by the words of its server', () => {
  it.each(named)('%s', (_who, wording) => {
    expect(errorOf(wording).code).toBe(wording.code);
  });

  it.each(named)('%s: words that stay as they are', (_who, wording) => {
    const said = errorOf(wording).details.upstreamMessage ?? '';
    expect(said).toMatch(/[a-z]{3,} [a-z]/i);
    expect(said).not.toMatch(/redacted|^\{/);
    expect(sanitise(said)).toBe(said);
  });

  it.each(wordingsOf('context_length_exceeded', 'model_not_found'))('%s, in a stream', async (_who, { body, code }) => {
    const { events } = await readAnswer(streamOf(sse([body])), chatJob(), calm(), UPSTREAM);
    expect((await collect(events)).error).toMatchObject({ code });
  });
});

describe('the most that a model writes', () => {
  it.each([
    [
      'max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.',
      16_384,
    ],
    ['max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet', 8192],
    [
      '`max_completion_tokens` must be less than or equal to `32768`, the maximum value for `max_completion_tokens`',
      32_768,
    ],
    ['Invalid max_tokens value, the valid range of max_tokens is [1, 8192]', 8192],
    ['<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 16384]', 16_384],
    ['max_tokens must be a number', undefined],
    ['temperature must be less than or equal to 2', undefined],
  ])('is read from %s', (message, limit) => {
    const { code, details } = errorOf({ who: '', status: 400, code: 'invalid_request', body: { error: { message } } });
    expect([code, details.outputLimit]).toEqual(['invalid_request', limit]);
  });
});

describe('what we say of a prompt that a provider found too long', () => {
  it.each(Object.entries(OVERFLOW_CLIENTS))('is known to %s', (_client, pattern) => {
    expect(promptTooLong('Mine')).toMatch(pattern);
  });
});
