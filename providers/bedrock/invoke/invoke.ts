import { GatewayError, type PromptJob } from '../../../src/core/index.ts';
import type { Bedrock } from '../client.ts';
import { decode, whole } from '../decode.ts';
import type { Reply } from '../reply.ts';
import { answerEvents, streamDecoder } from './answer.ts';
import { bodyFor } from './bodies.ts';

const JSON_TYPE = 'application/json';

/** A finished prompt by InvokeModel or its streamed twin: the only way on Bedrock past a model's chat template. */
export async function invoke(bedrock: Bedrock, job: PromptJob, signal: AbortSignal): Promise<Reply> {
  const body = bodyFor(job.family);
  if (!body) {
    throw new GatewayError(
      'unsupported_parameter',
      'AWS Bedrock takes raw prompts for Llama and Mistral models only. Use chat completions for this one.',
      { provider: 'bedrock', param: 'prompt' },
    );
  }
  const input = {
    modelId: job.model,
    contentType: JSON_TYPE,
    accept: JSON_TYPE,
    body: JSON.stringify(body.request(job)),
  };
  if (!job.stream) {
    const { output, head } = await bedrock.invoke(input, signal);
    return whole(head, () => answerEvents(output.body, head.headers, body));
  }
  const { output, reads, head } = await bedrock.invokeStream(input, signal);
  return { head, events: decode(output.body, reads, streamDecoder(body)) };
}
