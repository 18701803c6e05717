import { describe, expect, it } from 'vitest';
import { configureBedrock } from '../../providers/bedrock/index.ts';
import { GatewayError } from '../../src/core/index.ts';
import { bedrock, converseJob, ENV, invokeJob, json, run, upstream } from './support/bedrock.ts';

const refusal = (status: number, type: string, message: string, headers: Record<string, string> = {}): Response =>
  json({ message }, status, {
    'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
    'x-amzn-requestid': 'req-1',
    ...headers,
  });

async function failure(response: Response): Promise<GatewayError> {
  const { fetch, sent } = upstream(() => response);
  const { error } = await run(bedrock(fetch), converseJob());
  expect(sent).toHaveLength(1);
  if (!(error instanceof GatewayError)) throw error;
  return error;
}

describe('a refusal', () => {
  it.each([
    [
      'The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096.',
      4096,
    ],
    [
      'Malformed input request: #/max_gen_len: 8192 is not less or equal to 2048, please reformat your input and try again.',
      2048,
    ],
    ['Malformed input request: #/temperature: 3 is not less or equal to 1, please reformat your input.', undefined],
    ['Input is too long for requested model: model limit of 4096.', undefined],
  ])('tells the most that a model writes, and no other limit: %s', async (message, outputLimit) => {
    const { details } = await failure(refusal(400, 'ValidationException', message));
    expect(details.outputLimit).toBe(outputLimit);
  });

  it.each([
    [429, 'ThrottlingException', 'provider_rate_limited', true],
    [400, 'ServiceQuotaExceededException', 'provider_rate_limited', false],
    [429, 'ModelNotReadyException', 'provider_overloaded', true],
    [503, 'ServiceUnavailableException', 'provider_overloaded', true],
    [529, 'overloaded_error', 'provider_overloaded', true],
    [408, 'ModelTimeoutException', 'timeout', false],
    [500, 'InternalServerException', 'provider_error', true],
    [500, 'InternalFailure', 'provider_error', true],
    [424, 'ModelErrorException', 'provider_error', false],
    [424, 'ModelStreamErrorException', 'provider_error', true],
    [400, 'ConflictException', 'provider_error', false],
    [404, 'ResourceNotFoundException', 'model_not_found', false],
    [404, 'FTUFormNotFilled', 'model_not_found', false],
    [400, 'SerializationException', 'invalid_request', false],
    [403, 'AccessDeniedException', 'provider_auth', false],
    [403, 'UnrecognizedClientException', 'provider_auth', false],
    [403, 'InvalidSignatureException', 'provider_auth', false],
    [403, 'ExpiredTokenException', 'provider_auth', false],
    [400, 'IncompleteSignature', 'provider_auth', false],
    [400, 'RequestExpired', 'provider_auth', false],
    [403, 'InvalidClientTokenId', 'provider_auth', false],
    [400, 'NotAuthorized', 'provider_auth', false],
    [403, 'MPAgreementBeingCreated', 'provider_auth', false],
    [418, 'TeapotException', 'invalid_request', false],
    [502, 'BadGatewayException', 'provider_unavailable', true],
  ])('of %i %s is %s', async (status, type, code, retryable) => {
    const error = await failure(refusal(status, type, 'Because.'));
    expect(error).toMatchObject({
      code,
      retryable,
      details: {
        provider: 'bedrock',
        upstreamStatus: status,
        upstreamCode: type.charAt(0).toUpperCase() + type.slice(1),
        upstreamMessage: 'Because.',
        upstreamRequestId: 'req-1',
      },
    });
  });

  it.each([
    ['The provided model identifier is invalid.', 'invalid_request', 'model'],
    [
      'Invocation of model ID meta.llama3-3-70b-instruct-v1:0 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.',
      'model_not_found',
      undefined,
    ],
    ['Input is too long for requested model.', 'context_length_exceeded', undefined],
    [
      "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt.",
      'context_length_exceeded',
      undefined,
    ],
    ['The model returned: too many input tokens.', 'context_length_exceeded', undefined],
    [
      'The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096.',
      'invalid_request',
      'max_tokens',
    ],
    ["This model doesn't support tool use in streaming mode.", 'unsupported_parameter', 'tools'],
    ['This model doesn’t support tool use.', 'unsupported_parameter', 'tools'],
    ["This model doesn't support system messages. Try again without.", 'unsupported_parameter', 'messages'],
    ["This model doesn't support the toolChoice.tool field.", 'unsupported_parameter', 'tool_choice'],
    [
      'Malformed input request: #: extraneous key [top_k] is not permitted, please reformat your input and try again.',
      'unsupported_parameter',
      undefined,
    ],
    ['A conversation must start with a user message.', 'invalid_request', undefined],
  ])('of a ValidationException is told by its wording: %s', async (message, code, param) => {
    const error = await failure(refusal(400, 'ValidationException', message));
    expect({ code: error.code, param: error.details.param }).toEqual({ code, param });
  });

  it('says how long to wait where Bedrock does', async () => {
    const error = await failure(refusal(429, 'ThrottlingException', 'Slow.', { 'retry-after': '7' }));
    expect(error.details.retryAfterMs).toBe(7000);
  });

  it.each([
    [502, 'provider_unavailable'],
    [503, 'provider_overloaded'],
    [403, 'provider_auth'],
    [302, 'provider_error'],
  ])('that is a page of a proxy is known by its status: %i', async (status, code) => {
    const body = '<html><title>Bad</title><body>nginx at http://10.0.0.1/x?token=abc</body></html>';
    const error = await failure(new Response(body, { status, headers: { 'content-type': 'text/html' } }));
    expect(error).toMatchObject({ code, details: { upstreamStatus: status } });
    expect(error.details.upstreamMessage).toBe('Bad nginx at http://10.0.0.1/x');
    expect(error.details).not.toHaveProperty('upstreamCode');
    expect(error.message).not.toMatch(/JSON|Unexpected|nginx/);
  });

  it.each(['', '{}', 'null', '{"message":null}'])('without a word is known by its status: %j', async (body) => {
    const error = await failure(new Response(body, { status: 500 }));
    expect(error).toMatchObject({ code: 'provider_error', details: { upstreamStatus: 500 } });
    expect(error.details).not.toHaveProperty('upstreamMessage');
  });

  it.each([
    [{ error: { message: 'no such deployment', type: 'x' } }, 'no such deployment'],
    [{ error: 'no such deployment' }, 'no such deployment'],
    [{ detail: 'no such deployment' }, 'no such deployment'],
    ['no such deployment', 'no such deployment'],
    [{ error: { message: 'key AKIAIOSFODNN7EXAMPLE' } }, 'key [redacted]'],
    [{ error: null }, undefined],
    [['no'], undefined],
  ])('of a proxy keeps its words: %j', async (body, said) => {
    expect((await failure(json(body, 400))).details.upstreamMessage).toBe(said);
  });

  it('is told without credentials', async () => {
    const error = await failure(
      refusal(
        403,
        'InvalidSignatureException',
        `The key ${ENV.AWS_ACCESS_KEY_ID} signed ${'0123456789abcdef'.repeat(4)}.`,
      ),
    );
    expect(JSON.stringify(error.details)).not.toMatch(/AKIAIOSF|0123456789abcdef/);
  });
});

describe('a host that does not answer', () => {
  it.each([converseJob(), converseJob({ stream: false }), invokeJob(), invokeJob({ stream: false })])(
    'is provider_unavailable after one try, and its name stays private: %#',
    async (job) => {
      let tries = 0;
      const fetch = async () => {
        tries++;
        throw new TypeError('getaddrinfo ENOTFOUND secret.internal');
      };
      const { error } = await run(bedrock(fetch), job);
      expect(error).toMatchObject({ code: 'provider_unavailable', details: { provider: 'bedrock' } });
      expect(String(error)).not.toContain('secret');
      expect(tries).toBe(1);
    },
  );

  it.each([converseJob(), converseJob({ stream: false })])(
    'any more in the middle of an answer has interrupted it: %#',
    async (job) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"output'));
          controller.error(new TypeError('Network connection lost: 10.0.0.1'));
        },
      });
      const { error } = await run(
        bedrock(upstream(() => new Response(body, { headers: { 'content-type': 'application/json' } })).fetch),
        job,
      );
      expect(error).toMatchObject({ code: 'stream_interrupted' });
      expect(String(error)).not.toContain('10.0.0.1');
    },
  );
});

it('a job for another API is the gateway’s own mistake', async () => {
  const { fetch, sent } = upstream(() => json({}));
  const { error } = await run(bedrock(fetch), converseJob({ api: 'chat' }));
  expect(error).toMatchObject({ code: 'internal' });
  expect(sent).toHaveLength(0);
});

describe('configuration', () => {
  const never = async (): Promise<Response> => {
    throw new Error('configuring reaches for the network');
  };
  const configured = (env: Record<string, unknown>) => {
    const { providers, mistakes } = configureBedrock(env, never);
    return { ids: providers.map(({ id }) => id), mistakes };
  };

  it.each([{}, { AWS_REGION: 'us-east-1' }, { AWS_ACCESS_KEY_ID: '', AWS_BEARER_TOKEN_BEDROCK: ' ' }])(
    'without credentials is none, and no mistake: %j',
    (env) => expect(configured(env)).toEqual({ ids: [], mistakes: [] }),
  );

  it.each([ENV, { AWS_REGION: 'us-gov-west-1', AWS_BEARER_TOKEN_BEDROCK: 'ABSKabc=' }])(
    'with credentials and a region is Bedrock: %#',
    (env) => expect(configured(env)).toEqual({ ids: ['bedrock'], mistakes: [] }),
  );

  it.each([
    ['AWS_SECRET_ACCESS_KEY', { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKIA' }],
    ['AWS_ACCESS_KEY_ID', { AWS_REGION: 'us-east-1', AWS_SECRET_ACCESS_KEY: 's3cret' }],
    ['AWS_REGION', { ...ENV, AWS_REGION: '' }],
    ['AWS_REGION', { AWS_BEARER_TOKEN_BEDROCK: 'ABSKabc' }],
    ['AWS_REGION', { ...ENV, AWS_REGION: 'evil.example.com/x-1' }],
    ['AWS_SESSION_TOKEN', { ...ENV, AWS_SESSION_TOKEN: 'two\nlines' }],
    ['AWS_ENDPOINT_URL_BEDROCK_RUNTIME', { ...ENV, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'localhost:9000' }],
    ['AWS_ENDPOINT_URL_BEDROCK_RUNTIME', { ...ENV, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://u:p@host/' }],
  ])('names %s where that is the mistake, and shows no value: %#', (name, env) => {
    const { ids, mistakes } = configured(env);
    expect(ids).toEqual([]);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(name);
    expect(mistakes[0]).not.toMatch(/s3cret|evil|u:p@|wJalr/);
  });
});
