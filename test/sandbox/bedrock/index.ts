import { bearerOf } from '../env.ts';
import type { Answer, Exchange, Wire } from '../wire/types.ts';
import { converse } from './converse.ts';
import { embed } from './embeddings.ts';
import { IN_STREAM, invalid, refuse } from './errors.ts';
import { exception, rawEvent } from './eventstream.ts';
import { invoke } from './invoke.ts';
import { type Model, resolve } from './models.ts';
import { verify } from './sigv4.ts';

/** The model is one segment, its `:` and `/` percent-encoded. */
const PATH = /^\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$/;

const OPERATIONS: Readonly<Record<string, (exchange: Exchange, model: Model) => Promise<Answer> | Answer>> = {
  converse: (exchange, model) => converse(exchange, model, false),
  'converse-stream': (exchange, model) => converse(exchange, model, true),
  invoke: (exchange, model) => embed(model.id, exchange.json) ?? invoke(exchange, model, false),
  'invoke-with-response-stream': (exchange, model) => invoke(exchange, model, true),
  'count-tokens': () => invalid("The provided model doesn't support counting tokens."),
};

/** A segment that is badly encoded stands for itself. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

async function unauthorised({ request, url, bytes, credentials }: Exchange): Promise<Answer | undefined> {
  const { method, headers } = request;
  const key = bearerOf(request);
  if (key !== undefined) {
    if (key === credentials.AWS_BEARER_TOKEN_BEDROCK) return undefined;
    return refuse(403, {
      name: 'AccessDeniedException',
      message: 'Authentication failed: Please make sure your API Key is valid.',
    });
  }
  if (!headers.has('authorization')) {
    return refuse(403, { name: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' });
  }
  const refused = await verify({ method, url, headers, bytes }, credentials, Date.now());
  return refused && refuse(403, refused);
}

async function answer(exchange: Exchange): Promise<Answer> {
  const refusal = await unauthorised(exchange);
  if (refusal) return refusal;
  const [, id, operation = ''] = PATH.exec(exchange.path) ?? [];
  const operate = OPERATIONS[operation];
  if (id === undefined || !operate || exchange.request.method !== 'POST') {
    return refuse(404, { name: 'UnknownOperationException', message: 'The requested operation is not known.' });
  }
  const model = resolve(decoded(id), exchange.credentials.AWS_REGION);
  return 'kind' in model ? model : operate(exchange, model);
}

/**
 * Bedrock Runtime: Converse and InvokeModel, streamed and not, with signatures recomputed and the conversation's rules
 * enforced. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
 */
export const bedrock: Wire = {
  provider: 'bedrock',
  modelOf: ({ path }) => {
    const id = PATH.exec(path)?.[1];
    return id === undefined ? undefined : decoded(id);
  },
  generates: ({ path }) => PATH.test(path),
  answer,
  refusal: (status) => refuse(status),
  interruption: ({ name = 'serviceUnavailableException', message }) => [
    { data: exception(name, { message: message ?? IN_STREAM[name] ?? 'The model failed.' }) },
  ],
  garbage: () => ({ data: rawEvent('contentBlockDelta', '{"contentBlockIndex":0,"del') }),
};
