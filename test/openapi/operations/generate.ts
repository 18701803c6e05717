/** The routes that ask a model. */
import { GENERATION_ANSWER, GENERATION_HEADERS, type Operation } from '../operation.ts';

const LLAMA = 'llama-3.3-70b-instruct';
const QUESTION = [{ role: 'user', content: 'What is the capital of California?' }];

const STREAM = { 'text/event-stream': 'With `stream: true`, server-sent events.' };

const generating = {
  parameters: GENERATION_HEADERS,
  headers: GENERATION_ANSWER,
} as const;

export const GENERATE: Readonly<Record<string, Operation>> = {
  'POST /v1/chat/completions': {
    ...generating,
    id: 'createChatCompletion',
    tag: 'Generate',
    summary: 'Answer a chat',
    about:
      'OpenAI’s chat completions, for every model here. `model` takes a name of the catalogue, a name of your own, `provider/model`, or a name with `:floor` (cheapest) or `:nitro` (fastest). Fields that are not known here are named in `x-chasqui-dropped`.',
    body: ['ChatRequest'],
    answer: 'The answer, with its usage and cost.',
    answers: ['ChatCompletion'],
    alsoAs: STREAM,
    examples: {
      plain: { summary: 'A question', body: { model: LLAMA, messages: QUESTION } },
      stream: {
        summary: 'As a stream that ends with its usage',
        body: { model: LLAMA, messages: QUESTION, stream: true, stream_options: { include_usage: true } },
      },
      routing: {
        summary: 'At the cheapest provider but one, for a cent at most',
        body: {
          model: LLAMA,
          messages: QUESTION,
          max_tokens: 200,
          provider: { sort: 'price', ignore: ['replicate'], max_cost: '0.01' },
        },
      },
      tool: {
        summary: 'With a tool',
        body: {
          model: LLAMA,
          messages: [{ role: 'user', content: 'What is the weather in Cusco?' }],
          tools: [
            {
              type: 'function',
              function: {
                name: 'get_weather',
                parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
              },
            },
          ],
          tool_choice: 'required',
        },
      },
      vote: {
        summary: 'The answer on which most of five samples agree',
        body: {
          model: LLAMA,
          messages: [{ role: 'user', content: 'What is 17 times 23? End with the number.' }],
          vote: { samples: 5, extract: { last_number: true } },
        },
      },
    },
  },
  'POST /v1/completions': {
    ...generating,
    id: 'createCompletion',
    tag: 'Generate',
    summary: 'Continue a text',
    about: 'OpenAI’s legacy completions: the prompt reaches the model as it is, without a template.',
    body: ['CompletionRequest'],
    answer: 'The continuation, with its usage and cost.',
    answers: ['Completion'],
    alsoAs: STREAM,
    examples: {
      plain: {
        summary: 'A text',
        body: { model: 'llama-2-70b', prompt: 'The typical color of the sky is: ', max_tokens: 20 },
      },
    },
  },
  'POST /v1/messages': {
    ...generating,
    id: 'createMessage',
    tag: 'Generate',
    summary: 'Answer messages in Anthropic’s form',
    about: 'Anthropic’s Messages, for every model here. Errors are in Anthropic’s envelope.',
    body: ['MessagesRequest'],
    answer: 'The answer, with its usage and cost.',
    answers: ['Message'],
    alsoAs: STREAM,
    envelope: 'messages',
    errors: [529],
    examples: { plain: { summary: 'A question', body: { model: LLAMA, max_tokens: 200, messages: QUESTION } } },
  },
  'POST /v1/responses': {
    ...generating,
    id: 'createResponse',
    tag: 'Generate',
    summary: 'Answer in the form of OpenAI’s Responses',
    about:
      'OpenAI’s Responses without its storage. What refers to a stored conversation is a 400 that says what to send instead.',
    body: ['ResponsesRequest'],
    answer: 'The answer, with its usage and cost.',
    answers: ['Response'],
    alsoAs: STREAM,
    examples: {
      plain: { summary: 'A question', body: { model: LLAMA, input: 'What is the capital of California?' } },
    },
  },
  'POST /v1/embeddings': {
    ...generating,
    id: 'createEmbeddings',
    tag: 'Embeddings and reranking',
    summary: 'Turn texts into vectors',
    about: 'OpenAI’s embeddings. One model only, because vectors of two models cannot be compared.',
    body: ['EmbeddingsRequest'],
    answer: 'A vector for each text, in order.',
    answers: ['Embeddings'],
    examples: {
      plain: {
        summary: 'Two texts',
        body: { model: 'multilingual-e5-large-instruct', input: ['A relay runner', 'A knotted cord'] },
      },
    },
  },
  'POST /v1/rerank': {
    ...generating,
    id: 'rerank',
    tag: 'Embeddings and reranking',
    summary: 'Order documents by a query',
    about: 'The form that vLLM and Together share. A reranker is a model of a server of your own, or a rented one.',
    body: ['RerankRequest'],
    answer: 'The documents’ places and scores, the best first.',
    answers: ['Ranking'],
    examples: {
      plain: {
        summary: 'Two documents',
        body: {
          model: 'mxbai-rerank-large-v2',
          query: 'Who carried messages?',
          documents: ['Chasquis ran in relays.', 'Quipus were knotted cords.'],
        },
      },
    },
  },
};
