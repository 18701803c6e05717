import type { ConverseCommandOutput } from '@aws-sdk/client-bedrock-runtime';
import type { Event } from '../../../src/core/index.ts';
import { foreign } from '../errors.ts';
import { argumentsJson } from './document.ts';
import { lastEvents } from './finish.ts';
import { type Reading, voice } from './voice.ts';

/**
 * The events of a Converse answer.
 * @throws GatewayError where it is none, or its output is malformed
 */
export function answerEvents(answer: ConverseCommandOutput, reading: Reading): Event[] {
  const { output, stopReason, usage } = answer;
  if (!output?.message || !stopReason) throw foreign();
  const out: Event[] = [];
  const speaker = voice(reading);
  for (const block of output.message.content ?? []) {
    speaker.text(block.text, out);
    speaker.reasoning(block.reasoningContent?.reasoningText?.text, out);
    // Text that has sources is inside the block that names them.
    for (const piece of block.citationsContent?.content ?? []) speaker.text(piece.text, out);
    if (block.toolUse) {
      const tool = speaker.tool(block.toolUse, out);
      tool?.input(argumentsJson(block.toolUse.input), out);
    }
  }
  out.push(...lastEvents(stopReason, speaker.said(), usage));
  return out;
}
