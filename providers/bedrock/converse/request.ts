import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime';
import type { ChatJob } from '../../../src/core/index.ts';
import { additionalFields, inferenceConfig } from './inference.ts';
import { foldSystem, wireMessages } from './messages.ts';
import { formatting } from './response-format.ts';
import { toolIds } from './tool-ids.ts';
import { toolNames } from './tool-names.ts';
import { tooling } from './tools.ts';
import { PARAGRAPH, type Turn, turnsOf } from './turns.ts';

/** What must be known of a request to read its answer. */
export interface Reading {
  /** The caller's name of a tool, from Bedrock's. */
  nameOf(wireName: string): string;
  /** Calls of tools are not to be passed on. */
  readonly toolsForbidden: boolean;
}

const calledIn = (turns: readonly Turn[]): ReadonlySet<string> =>
  new Set(turns.flatMap((turn) => (turn.role === 'assistant' ? turn.calls.map(({ call }) => call.name) : [])));

/**
 * A chat as a Converse request; ConverseStream takes the same.
 * @throws GatewayError where a message cannot be said on Bedrock
 */
export function converseRequest(job: ChatJob): { input: ConverseCommandInput; reading: Reading } {
  const { system: said, turns } = turnsOf(job.messages);
  const names = toolNames();
  const tools = tooling(job, calledIn(turns), names);
  const format = formatting(job);
  const system = [...said, format.instruction, tools.instruction].filter((text) => text !== undefined).join(PARAGRAPH);
  const inference = inferenceConfig(job);
  const additional = additionalFields(job);
  return {
    input: {
      modelId: job.model,
      messages: wireMessages(job.systemRole ? turns : foldSystem(turns, system), names, toolIds(job.family)),
      ...(system && job.systemRole ? { system: [{ text: system }] } : {}),
      ...(inference ? { inferenceConfig: inference } : {}),
      ...(tools.config ? { toolConfig: tools.config } : {}),
      ...(additional ? { additionalModelRequestFields: additional } : {}),
      ...(format.outputConfig ? { outputConfig: format.outputConfig } : {}),
    },
    reading: { nameOf: names.fromWire, toolsForbidden: tools.forbidden },
  };
}
