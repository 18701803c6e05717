import type { ProviderDescriptor, Variables } from '../../src/core/index.ts';
import { openAiCompatible } from '../openai/index.ts';

/** Of services that are no provider of ours: each is a provider of its own under its entry's id. */
export const COMPATIBLE_VARIABLES: Variables = {
  OPENAI_COMPATIBLE_SERVICES: [
    'OPENAI_COMPATIBLE',
    'OPENAI_SERVICES',
    'OPENAI_COMPATIBLE_SERVERS',
    'COMPATIBLE_SERVICES',
  ],
};

/**
 * Anyscale. Its multi-tenant API ended on 2024-08-01 (docs.anyscale.com), so its rows in the catalogue are history.
 * Today it runs the user's own services, which speak OpenAI's API.
 */
export const about: ProviderDescriptor = {
  ...openAiCompatible('anyscale'),
  name: 'Anyscale',
  ownServices: 'Anyscale serves models on your own services: add one to ANYSCALE_SERVICES.',
  variables: { ANYSCALE_SERVICES: ['ANYSCALE_SERVICE_URL', 'ANYSCALE_API_KEY', 'ANYSCALE_BASE_URL'] },
};
