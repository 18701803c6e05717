import { describe, expect, it } from 'vitest';
import { sanitise } from '../../src/core/index.ts';

/** The shortest of each form, which nothing but its beginning tells from a word. */
const SHORTEST = [
  'sk-abcdef',
  'csk-abcdef',
  'gsk_abcdef',
  'pplx-abcdef',
  'nvapi-abcdef',
  'r8_abcdef',
  'tgp_v1_abcdef',
  'esecret_abcdef',
  'aph0_abcdef',
  'hf_abcdef',
  'api_org_abcdef',
  'AKIAABCDEFGH',
  'ASIAABCDEFGH',
  'ABSKabcdef',
  'bedrock-api-key-abcdef',
  'ghp_abcdefghijkl',
  'xoxb-abcdefgh',
];

describe('what a provider said', () => {
  it.each(SHORTEST)('is shown without the credential in it: %s', (credential) => {
    expect(sanitise(`The token ${credential} is invalid.`)).toBe('The token [redacted] is invalid.');
  });

  it('is shown without what stands after Bearer, if that is no word', () => {
    expect(sanitise('It got Bearer abc12345 here.')).toBe('It got Bearer [redacted] here.');
    expect(sanitise('An invalid bearer token was sent.')).toBe('An invalid bearer token was sent.');
  });

  it('is shown without what follows the path of an address, and without who is named in it', () => {
    expect(sanitise('See https://me:pass@host.example/a/b?token=word for more.')).toBe(
      'See https://host.example/a/b for more.',
    );
  });
});
