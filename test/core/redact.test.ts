import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError, redactError, redactor, sanitise } from '../../src/core/index.ts';
import { captures } from '../support/captures.ts';
import { ENCODINGS, utf8 } from '../support/encodings.ts';

/** Sentences that providers, servers and proxies say, none of which holds a credential. */
const SENTENCES = [
  'The security token included in the request is invalid.',
  'The security token included in the request is expired',
  'The request exceeds the maximum token limit of this model.',
  'Invalid bearer token. Check the key.',
  'Too many tokens, please wait before trying again.',
  'You did not pass a valid authentication token',
  'Basic authentication is not supported; use Bearer authentication.',
  'api_key client option must be set either by passing api_key to the client',
  'max_tokens: 4096 is more than the model allows, token_count=5000',
  'The model `meta-llama/Llama-3.3-70B-Instruct-Turbo` does not exist: task-oriented risk-adjusted desk-bound sk-learn.',
  'hf_config.rope_scaling and hf_overrides must not both be set; hf_tokenizer_config is missing',
  'User: arn:aws:iam::123456789012:user/dev is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-8b-instruct-v1:0',
  'Invalid version or not permitted: meta/llama-2-70b-chat:02e509c789964a7ea8736978a43525956ef40397be9033abf9fd2badfe68c9e3',
  'Internal Server Error (Request ID: 3f1c2b7e-9a4d-4c55-8e3c-2f6a1d0b9c88)',
  'trace_id=4bf92f3577b34da6a3ce929d0e0e4736 was dropped',
  'ray.exceptions.ActorDiedError: The actor 7b1f6f2a01000000 died; NodeID: 0b3b0c1f2f5ad9e15f8c6d1f0a5f4d1c9d8b7a6f5e4d3c2b1a0f9e8d',
  'InvokeModelWithResponseStreamCommandInput2026 could not be serialized by SmithyRpcV2CborProtocol',
  'deployment llama-3-3-70b-instruct-7d9f8b6c5d-x2x4z has no ready replicas in us-east-1',
  'This model’s maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages).',
  'プロンプトが長すぎます。最大トークン数は4096です。',
];

/** One of each kind, made up, in the form that its maker gives it. */
const KEYS: Readonly<Record<string, string>> = {
  openai: 'sk-proj-Ab3dEf6hIj9kLm2n',
  anthropic: 'sk-ant-api03-Zx9-yW8vU7tS6rQ5',
  openrouter: 'sk-or-v1-0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  replicate: 'r8_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3dE',
  together: 'tgp_v1_k3Jd9fLs0aPqWm4xZ7cVbN2tYuI8oRe5',
  'together, older': '8f14e45fceea167a5a36dedd4bea2543b1d5781111d84f7b3fe45a0852e59758',
  anyscale: 'esecret_8x7Gh3kQ2mNv5bRt',
  'anyscale, newer': 'aph0_Ckw2b3JpZ3dmZXJmd2V',
  huggingface: 'hf_abcdefgh',
  groq: 'gsk_Zp4Lq8sW2eRt6yUi0oPa',
  fireworks: 'fw_3ZkQ9xWbTn7LmR2vYs5d',
  mistral: 'Xq7LmN2vB9cT4yR8wK1zJ5hG3fD6sA0p',
  nvidia: 'nvapi-4kd93kslvmxnqpr8ejfk29',
  'aws access key id': 'AKIAIOSFODNN7EXAMPLE',
  'aws temporary key id': 'ASIAY34FZKBOKMUTVV7A',
  'aws secret': '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',
  'aws session token': `IQoJb3JpZ2luX2VjEHoaCXVzLWVhc3QtMSJHMEUCIQ${'D3kf9Qz7'.repeat(30)}==`,
  'bedrock api key': 'ABSKQmVkcm9ja0FQSUtleS0xMjM0NTY3ODkw',
  'bedrock short-term key': 'bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29tLz9BY3Rpb249Q2Fs',
  github: 'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  google: 'AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
  'a random run': 'q8Zr2Lw7Xn4Kc9Vb1Hs6Tf3Jd5Gm0Py',
};

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Every text in a JSON value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('what a provider said', () => {
  it.each(SENTENCES)('keeps its words: %s', (sentence) => {
    expect(sanitise(sentence)).toBe(oneLine(sentence));
  });

  it('keeps the words of every error that was recorded', () => {
    let seen = 0;
    for (const c of captures('')) {
      if (!/error|truncated|decode/.test(c.expected.outcome)) continue;
      const body = new TextDecoder().decode(Uint8Array.from(atob(c.bodyBase64), (one) => one.charCodeAt(0)));
      let texts = [c.expected.error?.message ?? ''];
      try {
        texts = [...texts, ...textsIn(JSON.parse(body))];
      } catch {
        // A stream or a page.
      }
      for (const text of texts.filter((one) => /\s/.test(one) && !/[<?]/.test(one) && one.length < 500)) {
        expect(sanitise(text), c.id).toBe(oneLine(text));
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(40);
  });

  it.each(Object.entries(KEYS))('loses what looks like a key, wherever it stands: %s', (_maker, key) => {
    for (const around of [
      (it: string) => `Incorrect API key provided: ${it}. You can find yours in the settings.`,
      (it: string) => `invalid bearer token ${it}`,
      (it: string) => `{"authorization":"Bearer ${it}","model":"x"}`,
      (it: string) => `x-api-key=${it}&y=1`,
      (it: string) => `the key '${it}' was refused`,
      (it: string) => `https://user:${it}@host/v1 and https://host/v1?api_key=${it} failed`,
    ]) {
      const said = sanitise(around(key));
      expect(said).not.toContain(key);
      expect(said).not.toContain(key.slice(-8));
    }
    expect(sanitise(`invalid bearer token ${key}`)).toBe('invalid bearer token [redacted]');
  });

  it('is cut between words, so that half a key is never shown', () => {
    const key = 'zq-plain-looking-but-ours-and-secret';
    for (let before = 440; before < 520; before++) {
      const said = sanitise(`${'word '.repeat(120).slice(0, before)} ${key} and more words`);
      expect(said.length).toBeLessThanOrEqual(500);
      expect(said.replace(key, '')).not.toMatch(/zq-|secret/);
    }
  });

  it('is worked out in time that grows with its length alone', () => {
    for (const piece of ['<', 'sk-', 'Bearer ', '://a', 'eyJ', '-----BEGIN ', '%25', '&#x', 'api_key=', 'aA1', '\\u']) {
      // Anything worse than linear would not end.
      expect(sanitise(piece.repeat(200_000)).length).toBeLessThanOrEqual(500);
      redactor(['a-credential-of-ours'])(piece.repeat(5_000));
    }
  });
});

const TOKEN = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/='];
const credential = fc
  .array(fc.constantFrom(...TOKEN), { minLength: 12, maxLength: 80 })
  .map((characters) => characters.join(''));

describe('a credential of this deployment', () => {
  it.each(Object.keys(ENCODINGS))('is taken out by value, %s', (how) => {
    const encode = ENCODINGS[how] ?? ((text: string) => text);
    fc.assert(
      fc.property(credential, fc.constantFrom(...SENTENCES), fc.constantFrom(...SENTENCES), (secret, before, after) => {
        const planted = encode(secret);
        const said = redactor(['another-credential', secret])(`${before} ${planted} ${after}`);
        expect(said).toBe(`${before} ${said.slice(before.length + 1, said.length - after.length - 1)} ${after}`);
        expect(said).toContain('[redacted]');
        expect(said).not.toContain(planted);
        expect(said.toLowerCase()).not.toContain(secret.toLowerCase());
      }),
      { numRuns: 100 },
    );
  });

  it('leaves every sentence alone that holds none', () => {
    fc.assert(
      fc.property(fc.array(credential, { maxLength: 8 }), fc.constantFrom(...SENTENCES), (secrets, sentence) => {
        expect(redactor(secrets)(sentence)).toBe(sentence);
      }),
    );
  });

  it('is taken out where it has letters of other alphabets', () => {
    const redact = redactor(['clé-privée-ключ']);
    for (const written of ['clé-privée-ключ', encodeURIComponent('clé-privée-ключ'), btoa(utf8('clé-privée-ключ'))])
      expect(redact(`Wrong: ${written}!`)).toBe('Wrong: [redacted]!');
  });

  it('that is short is a word of its own, and one that is a word of documentation is none', () => {
    const redact = redactor(['hunter2', 'ollama', 'EMPTY', 'x']);
    expect(redact('The key hunter2 is wrong, hunter22 is not it.')).toBe(
      'The key [redacted] is wrong, hunter22 is not it.',
    );
    expect(redact('ollama says that the x is EMPTY.')).toBe('ollama says that the x is EMPTY.');
    const word = redactor(['secret']);
    expect(word('Secret keys: set AWS_SECRET_ACCESS_KEY, not secret-key.')).toBe(
      'Secret keys: set AWS_SECRET_ACCESS_KEY, not secret-key.',
    );
    expect(word('The key "secret" is wrong.')).toBe('The key "[redacted]" is wrong.');
  });

  it('leaves no rest where one holds another', () => {
    expect(redactor(['abcdefghijkl', 'abcdefghijklmnopqrst'])('<abcdefghijklmnopqrst>')).toBe('<[redacted]>');
    expect(redactor(['abcdefghijkl', 'ghijklmnopqr'])('abcdefghijklmnopqr')).toBe('[redacted]');
  });

  it('is in no part of an error that leaves the gateway', () => {
    const secret = 'ours-and-nobody-elses-4711';
    const attempt = { provider: 'p', model: secret, type: 'timeout', ms: 1, message: `no ${secret}` } as const;
    const error = new GatewayError('provider_error', `It said ${secret}.`, {
      param: secret,
      upstreamCode: secret,
      upstreamMessage: btoa(secret),
      upstreamRequestId: secret.toUpperCase(),
      attempts: [attempt],
      offers: [{ reason: { message: encodeURIComponent(secret) } }],
      retryAfterMs: 7,
    });
    const clean = redactError(error, redactor([secret]));
    expect(JSON.stringify([clean.message, clean.details])).not.toMatch(/4711|b3Vycy/i);
    expect(clean).toMatchObject({ code: 'provider_error', status: 502, details: { retryAfterMs: 7 } });
  });
});
