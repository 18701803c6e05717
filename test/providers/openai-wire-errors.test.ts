import { describe, expect, it } from 'vitest';
import { errorFromAnswer } from '../../providers/openai/index.ts';
import type { ErrorCode } from '../../src/core/index.ts';

const error = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  errorFromAnswer({ id: 'mine', name: 'Mine' }, status, new Headers(headers), body);

describe('a server that loads its model', () => {
  it.each([
    ['llama.cpp', 503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }, true],
    ['a server of text generation', 503, { error: 'Model x/y is currently loading', error_type: 'overloaded' }, true],
    ['one that is busy', 503, { error: { message: 'The server is overloaded. Try again.' } }, undefined],
    ['one that fails', 500, { error: { message: 'Loading model failed' } }, undefined],
  ])('is known as such: %s', (_, status, body, loading) => {
    expect(error(status, body).details.loading).toBe(loading);
  });
});

describe('an error is known by what it says', () => {
  it.each<[what: string, status: number, body: unknown, code: ErrorCode]>([
    [
      "Together's overflow under 403",
      403,
      { error: { message: 'Input token count + max_tokens must be less than the context length' } },
      'context_length_exceeded',
    ],
    [
      "Together's overflow under 400",
      400,
      {
        error: {
          message: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 9 and 5',
        },
      },
      'context_length_exceeded',
    ],
    [
      "vLLM's overflow",
      400,
      {
        error: {
          message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
          type: 'BadRequestError',
          code: 400,
        },
      },
      'context_length_exceeded',
    ],
    [
      "SGLang's overflow",
      400,
      {
        object: 'error',
        message: "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        type: 'BadRequestError',
        code: 400,
      },
      'context_length_exceeded',
    ],
    [
      'a code for overflow',
      400,
      { error: { message: 'too long', code: 'context_length_exceeded' } },
      'context_length_exceeded',
    ],
    [
      'a content policy',
      400,
      { error: { message: 'Your request was blocked', code: 'content_policy_violation' } },
      'content_policy',
    ],
    ['a missing model under 400', 400, { error: { message: 'The model `x/y` does not exist.' } }, 'model_not_found'],
    ['a model behind a bare 404', 404, { detail: 'Not Found' }, 'model_not_found'],
    [
      'a refused parameter',
      400,
      { error: { message: "[{'type': 'extra_forbidden', 'msg': 'Extra inputs are not permitted'}]" } },
      'unsupported_parameter',
    ],
    [
      'a parameter that this model does not take',
      400,
      { error: { message: 'For this model parameter logprobs is not supported' } },
      'unsupported_parameter',
    ],
    [
      'credit that is used up, under 429',
      429,
      { error: { message: 'quota', type: 'insufficient_quota' } },
      'provider_auth',
    ],
    ['credit that is used up, under 402', 402, { error: 'Payment Required' }, 'provider_auth'],
    ['a bad key', 401, 'Unauthorized', 'provider_auth'],
    ['a rate', 429, {}, 'provider_rate_limited'],
    ['capacity', 503, { error: { message: 'engine overloaded' } }, 'provider_overloaded'],
    ["Ray Serve's timeout", 408, { error: { message: 'Request server side timeout', code: 408 } }, 'timeout'],
    ["Cloudflare's timeout", 524, '<html><title>524</title></html>', 'timeout'],
    ["a proxy's bad gateway", 502, '', 'provider_unavailable'],
    [
      'a crash that mentions the context',
      500,
      { error: { message: 'maximum context length of None' } },
      'provider_error',
    ],
    ['a redirect', 302, '', 'provider_error'],
    [
      'anything else about the request',
      422,
      { detail: [{ loc: ['body', 'messages', 0, 'content'], msg: 'field required', type: 'missing' }] },
      'invalid_request',
    ],
  ])('%s', (_what, status, body, code) => {
    expect(error(status, body)).toMatchObject({ code, details: { provider: 'mine', upstreamStatus: status } });
  });
});

describe('what an error carries', () => {
  it.each<[shape: string, body: unknown]>([
    ['nested', { error: { message: 'no', type: 't', param: 'top_p', code: 'c' } }],
    ['nested with the id beside', { id: 'abc', error: { message: 'no' } }],
    ['a string', { error: 'no' }],
    ['top-level', { message: 'no', type: 't' }],
    ['top-level of older vLLM', { object: 'error', message: 'no', type: 't', param: null, code: 400 }],
    ['a detail', { detail: 'no' }],
    ['a list of details', { detail: [{ loc: ['body', 'x'], msg: 'no', type: 't' }] }],
    ['text', 'no'],
    ['a page', '<html><body><h1>no</h1></body></html>'],
  ])('is found in every shape: %s', (_shape, body) => {
    expect(error(400, body).details.upstreamMessage).toBe('no');
  });

  it.each<[unknown, string | undefined]>([
    ['messages[0].content', 'messages[0].content'],
    [{ text: 'my secret' }, undefined],
    ['my secret input, quoted back', undefined],
    [null, undefined],
  ])('the field at fault, if it is one: %j', (param, shown) => {
    expect(error(400, { error: { message: 'no', param } }).details.param).toBe(shown);
  });

  it('the path of the field, in words of the caller', () => {
    const body = { detail: [{ loc: ['body', 'messages', 0, 'content'], msg: 'field required', type: 'missing' }] };
    expect(error(422, body).details.param).toBe('messages[0].content');
  });

  it.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after-ms': '150', 'retry-after': '2' }, 150],
    [{ 'x-ratelimit-reset': '3' }, 3000],
    [{ 'x-ratelimit-reset': `1${'0'.repeat(11)}` }, 0],
    [{ 'retry-after-ms': '' }, undefined],
    [{}, undefined],
  ])('how long to wait: %j', (headers, ms) => {
    expect(error(429, {}, headers).details.retryAfterMs).toBe(ms);
  });

  it("the id of the request, for the provider's support", () => {
    expect(error(500, {}, { 'x-request-id': 'r-1', 'cf-ray': 'c-1' }).details.upstreamRequestId).toBe('r-1');
    expect(error(500, { id: 'b-1', error: { message: 'no' } }).details.upstreamRequestId).toBe('b-1');
    expect(error(500, { error: { message: 'no (Request ID: m-1)' } }).details.upstreamRequestId).toBe('m-1');
  });

  it('no error of ours, however deep it is', () => {
    const deep = (depth: number): unknown =>
      JSON.parse(`${'{"error":{"message":'.repeat(depth)}1${'}}'.repeat(depth)}`);
    expect(error(500, deep(20_000)).code).toBe('provider_error');
    expect(error(500, JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)).code).toBe('provider_error');
  });

  it('no credential, no query, no stack', () => {
    const body = {
      error: { message: 'Bearer sk-abcdefghij at https://up.example/v1?key=abc Traceback (most recent call last): x' },
    };
    expect(error(500, body).details.upstreamMessage).not.toMatch(/abcdefghij|key=|Traceback/);
  });
});
