import type { ConverseStreamOutput, TokenUsage } from '@aws-sdk/client-bedrock-runtime';
import type { Decoder } from '../decode.ts';
import { interrupted } from '../errors.ts';
import { lastEvents } from './finish.ts';
import { type Reading, type ToolVoice, voice } from './voice.ts';

/**
 * Reads ConverseStream. The answer is whole when both `messageStop` and `metadata` have come, in whichever order; only
 * `messageStop` is indispensable, and the SDK does not miss it. Until then no finish is told, so that nothing that
 * breaks off looks complete.
 */
export function streamDecoder(reading: Reading): Decoder<ConverseStreamOutput> {
  const speaker = voice(reading);
  /** Calls in progress by block; `undefined` for one that is not passed on. */
  const tools = new Map<number, ToolVoice | undefined>();
  let stopReason: string | undefined;
  let usage: TokenUsage | undefined;
  let metadata = false;
  return {
    read(said, out) {
      const { contentBlockStart: start, contentBlockDelta: part, contentBlockStop: stop } = said;
      if (part?.delta) {
        const { text, reasoningContent, toolUse } = part.delta;
        speaker.text(text, out);
        speaker.reasoning(reasoningContent?.text, out);
        if (toolUse) {
          const block = part.contentBlockIndex ?? 0;
          // Arguments of a call that never began: a piece of the answer is missing.
          if (!tools.has(block)) throw interrupted();
          tools.get(block)?.input(toolUse.input ?? '', out);
        }
      } else if (start?.start?.toolUse) {
        tools.set(start.contentBlockIndex ?? 0, speaker.tool(start.start.toolUse, out));
      } else if (stop) {
        tools.get(stop.contentBlockIndex ?? 0)?.end(out);
      } else if (said.messageStop) {
        stopReason = said.messageStop.stopReason ?? '';
      } else if (said.metadata) {
        metadata = true;
        usage = said.metadata.usage;
      }
    },
    complete: () => stopReason !== undefined && metadata,
    end(out) {
      if (stopReason === undefined) return false;
      for (const tool of tools.values()) tool?.end(out);
      out.push(...lastEvents(stopReason, speaker.said(), usage));
      return true;
    },
  };
}
