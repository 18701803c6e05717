import type { ChatJob } from '../../../src/core/index.ts';
import type { Bedrock } from '../client.ts';
import { converseRequest } from '../converse-request.ts';
import { decode, whole } from '../decode.ts';
import type { Reply } from '../reply.ts';
import { answerEvents } from './answer.ts';
import { streamDecoder } from './stream.ts';
import type { Reading } from './voice.ts';

/**
 * A chat by Converse or ConverseStream. Where the model refuses tools in a stream (Llama: "doesn't support tool use in
 * streaming mode"), the answer comes in one piece and is given as one batch.
 */
export async function converse(bedrock: Bedrock, job: ChatJob, signal: AbortSignal): Promise<Reply> {
  const input = converseRequest(job);
  const reading: Reading = {
    nameOf: (name) => job.toolNames?.get(name) ?? name,
    toolsForbidden: job.dropsToolCalls === true,
  };
  if (!job.stream || (input.toolConfig && !job.toolStreaming)) {
    const { output, head } = await bedrock.converse(input, signal);
    return whole(head, () => answerEvents(output, reading));
  }
  const { output, reads, head } = await bedrock.converseStream(input, signal);
  return { head, events: decode(output.stream, reads, streamDecoder(reading)) };
}
