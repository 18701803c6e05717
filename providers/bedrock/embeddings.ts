/** Embeddings by InvokeModel: each vendor has its own JSON. */
import {
  type EmbeddingJob,
  type Embeddings,
  type Family,
  GatewayError,
  isObject,
  orAbort,
  type Vector,
} from '../../src/core/index.ts';
import { bodyText, cutVectors } from '../http/index.ts';
import { countIn } from './converse-answer.ts';
import { answerError, foreign, requestId } from './errors.ts';
import { headerCount } from './invoke.ts';
import type { Transport } from './transport.ts';

/** Characters of an answer: 96 vectors of 1,024 numbers are about two million. */
const MAX_ANSWER = 32 * 1024 * 1024;

interface VendorFormat {
  request(job: EmbeddingJob): Record<string, unknown>;
  /** Places of the vectors, in the order of the inputs. Undefined where the JSON is not what this vendor answers. */
  read(json: Readonly<Record<string, unknown>>): readonly unknown[] | undefined;
  /** The member that counts the tokens. */
  readonly counts?: string;
}

const FORMATS: Readonly<Record<Family, VendorFormat | undefined>> = {
  /** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html */
  'titan-embed': {
    request: ({ inputs, dimensions }) => ({
      inputText: inputs[0],
      ...(dimensions === undefined ? {} : { dimensions }),
    }),
    read: ({ embedding }) => (typeof embedding === 'number' ? [embedding] : undefined),
    counts: 'inputTextTokenCount',
  },
  /**
   * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html. `input_type` is required. The
   * answer without `embedding_types` is taken to be `{embeddings: [[…]]}`, or by type: the page's later part was not
   * read.
   */
  'cohere-embed': {
    request: ({ inputs, inputType }) => ({ texts: inputs, input_type: inputType ?? 'search_document' }),
    read({ embeddings }) {
      const floats = isObject(embeddings) ? embeddings.float : embeddings;
      return Array.isArray(floats) ? floats : undefined;
    },
  },
};

/** Makes embeddings: one request, no retry. */
export async function embed(client: Transport, job: EmbeddingJob, signal: AbortSignal): Promise<Embeddings> {
  const format = FORMATS[job.family];
  if (!format) {
    const what = `AWS Bedrock has no request format for embeddings of ${job.family}.`;
    throw new GatewayError('internal', what, { provider: 'bedrock' });
  }
  const body = JSON.stringify(format.request(job));
  const response = await orAbort(client.post('invoke', job.model, body, signal), signal);
  try {
    const { text, cut } = await bodyText(response, signal, MAX_ANSWER);
    if (cut) throw foreign();
    const { json, vectors } = cutVectors(text);
    const answer: unknown = JSON.parse(json);
    const places = isObject(answer) ? format.read(answer) : undefined;
    const read: Vector[] = (places ?? []).flatMap((place) => {
      const numbers = typeof place === 'number' ? vectors[place] : undefined;
      return numbers === undefined ? [] : [{ numbers }];
    });
    if (read.length !== job.inputs.length) throw foreign();
    const promptTokens = (format.counts && countIn(answer, format.counts)) || headerCount(response.headers, 'input');
    const upstreamId = requestId(response);
    return {
      vectors: read,
      ...(promptTokens === undefined ? {} : { promptTokens }),
      ...(upstreamId === undefined ? {} : { upstreamId }),
    };
  } catch (thrown) {
    // The body arrived, but it is not JSON. Every other failure is a network error.
    throw answerError(thrown instanceof SyntaxError ? foreign() : thrown, signal, response);
  }
}
