/** The routes that say something about calls, models and prices, and ask no model. */
import { count, one, text } from '../json.ts';
import { ANTHROPIC_VERSION, CALL_HEADERS, inPath, type Operation, query } from '../operation.ts';

const LLAMA = 'llama-3.3-70b-instruct';
const QUESTION = [{ role: 'user', content: 'What is the capital of California?' }];

const ANY_CALL = ['ChatRequest', 'CompletionRequest', 'MessagesCountRequest', 'ResponsesRequest'];

export const INSPECT: Readonly<Record<string, Operation>> = {
  'POST /v1/offers': {
    id: 'listOffers',
    tag: 'Before you call',
    summary: 'Show the offer sheet',
    about:
      'What every offer would do with this call and charge for it, in the order in which they would be asked, and why. It takes the body of any route that asks a model. No provider is called.',
    parameters: [...CALL_HEADERS, ANTHROPIC_VERSION],
    body: [...ANY_CALL, 'EmbeddingsRequest', 'RerankRequest'],
    answer: 'Eligible offers in order, then those left out with the reason.',
    answers: ['OfferSheet'],
    envelope: 'either',
    errors: [404],
    examples: {
      plain: { summary: 'Of a chat', body: { model: LLAMA, messages: QUESTION, max_tokens: 100 } },
      raw: { summary: 'Of a raw completion', body: { model: 'llama-2-70b', prompt: 'The sky is', max_tokens: 20 } },
    },
  },
  'POST /v1/count_tokens': {
    id: 'countTokens',
    tag: 'Before you call',
    summary: 'Count tokens',
    about:
      'The prompt tokens of a call, by each model’s own tokenizer and template, and at each of its offers. Or the tokens of a plain text (`input`). Several models, and names that stand for several, get a list.',
    parameters: [...CALL_HEADERS, ANTHROPIC_VERSION],
    body: [...ANY_CALL, 'CountTextRequest'],
    answer: 'The count, or a list of counts.',
    answers: ['TokenCount', 'TokenCounts'],
    envelope: 'either',
    errors: [404],
    examples: {
      chat: { summary: 'Of a chat', body: { model: LLAMA, messages: QUESTION } },
      text: { summary: 'Of a text, for two models', body: { models: [LLAMA, 'gpt-oss-120b'], input: 'Hello' } },
    },
  },
  'POST /v1/messages/count_tokens': {
    id: 'countMessageTokens',
    tag: 'Before you call',
    summary: 'Count tokens in Anthropic’s form',
    about: 'The count at the cheapest offer, which is what that provider bills.',
    parameters: CALL_HEADERS,
    body: ['MessagesCountRequest'],
    answer: 'The count.',
    answers: ['MessageTokens'],
    envelope: 'messages',
    errors: [404],
    examples: { plain: { summary: 'A question', body: { model: LLAMA, messages: QUESTION } } },
  },
  'POST /v1/tokenize': {
    id: 'tokenize',
    tag: 'Before you call',
    summary: 'Split a text into tokens',
    about: 'Ids, pieces and byte offsets. A 400 where the model’s tokenizer is not here and no server of yours tells.',
    body: ['TokenizeRequest'],
    answer: 'The tokens.',
    answers: ['Tokens'],
    envelope: 'either',
    parameters: [ANTHROPIC_VERSION],
    errors: [404, 502, 504],
    examples: { plain: { summary: 'A text', body: { model: LLAMA, input: 'Chasquis ran.' } } },
  },
  'POST /v1/detokenize': {
    id: 'detokenize',
    tag: 'Before you call',
    summary: 'Join tokens into a text',
    about: 'The text of ids of the model’s tokenizer.',
    body: ['DetokenizeRequest'],
    answer: 'The text.',
    answers: ['DetokenizedText'],
    envelope: 'either',
    parameters: [ANTHROPIC_VERSION],
    errors: [404, 502, 504],
    examples: { plain: { summary: 'Two ids', body: { model: LLAMA, ids: [9906, 1917] } } },
  },
  'GET /v1/models': {
    id: 'listModels',
    tag: 'Models and prices',
    summary: 'List models',
    about:
      'Names of your own first, then every model that a provider still serves, with offers and today’s prices. Clients of Anthropic’s API and Codex get their own forms.',
    parameters: [
      query('available', '`1`: only what this deployment can serve now.', one('1', '0', 'true', 'false')),
      query('client_version', 'Sent by Codex, which gets its own form.'),
      query('limit', 'With `anthropic-version`: models on a page.', { type: 'integer', minimum: 1, maximum: 1000 }),
      query('after_id', 'With `anthropic-version`: the last model of the page before.'),
      query('before_id', 'With `anthropic-version`: the first model of the page after.'),
      ANTHROPIC_VERSION,
    ],
    answer: 'The models.',
    answers: ['Models', 'MessagesModels', 'CodexModels'],
    envelope: 'either',
    errors: [400],
  },
  'GET /v1/models/:id': {
    id: 'getModel',
    tag: 'Models and prices',
    summary: 'Show a model',
    about: 'One model by any of its names, also a retired one. The name may have slashes in it.',
    parameters: [inPath('The name of a model.', LLAMA), ANTHROPIC_VERSION],
    answer: 'The model.',
    answers: ['Model', 'MessagesModel'],
    envelope: 'either',
    errors: [400, 403, 404],
  },
  'GET /v1/prices': {
    id: 'listPrices',
    tag: 'Models and prices',
    summary: 'List prices',
    about: 'Every rule of the price book with its days, source and age, past and overridden ones included.',
    parameters: [
      query('provider', 'Only this provider.', text, 'together'),
      query('model', 'Only this model.', text, LLAMA),
    ],
    answer: 'The rules.',
    answers: ['Prices'],
  },
  'PUT /v1/prices': {
    id: 'putPrices',
    tag: 'Models and prices',
    summary: 'Set prices',
    about:
      'Replaces all prices that were put before. An implausible price is refused, unless `force` says that it is right.',
    body: ['PricesChange'],
    answer: 'The prices that were put.',
    answers: ['Prices'],
    errors: [409, 501],
    examples: {
      plain: {
        summary: 'A price of a contract',
        body: {
          source: 'contract 4711',
          prices: { bedrock: { 'llama-3-8b-instruct': { input_per_mtok: '0.25', output_per_mtok: '0.5' } } },
        },
      },
    },
  },
  'DELETE /v1/prices': {
    id: 'deletePrices',
    tag: 'Models and prices',
    summary: 'Take back prices',
    about: 'Removes all prices that were put.',
    parameters: [query('version', 'Only if this version is stored: a 409 otherwise.', count)],
    answer: 'No prices.',
    answers: ['Prices'],
    errors: [400, 409, 501],
  },
};
