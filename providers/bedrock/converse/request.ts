import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime';
import type { ChatJob, ChatParts } from '../../../src/core/index.ts';
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
 * The part of a Converse request that the model reads.
 * @throws GatewayError where a message cannot be said on Bedrock
 */
export function conversation(chat: ChatParts) {
  const { system: said, turns } = turnsOf(chat.messages);
  const names = toolNames();
  const tools = tooling(chat, calledIn(turns), names);
  const format = formatting(chat);
  const system = [...said, format.instruction, tools.instruction].filter((text) => text !== undefined).join(PARAGRAPH);
  const { outputConfig } = format;
  const reading: Reading = { nameOf: names.fromWire, toolsForbidden: tools.forbidden };
  return {
    messages: wireMessages(chat.systemRole ? turns : foldSystem(turns, system), names, toolIds(chat.family)),
    system: chat.systemRole ? system : '',
    toolConfig: tools.config,
    outputConfig,
    reading,
  };
}

/**
 * A chat as a Converse request; ConverseStream takes the same.
 * @throws GatewayError where a message cannot be said on Bedrock
 */
export function converseRequest(job: ChatJob): { input: ConverseCommandInput; reading: Reading } {
  const { messages, system, toolConfig, outputConfig, reading } = conversation(job);
  const inference = inferenceConfig(job);
  const additional = additionalFields(job);
  return {
    input: {
      modelId: job.model,
      messages,
      ...(system ? { system: [{ text: system }] } : {}),
      ...(inference ? { inferenceConfig: inference } : {}),
      ...(toolConfig ? { toolConfig } : {}),
      ...(additional ? { additionalModelRequestFields: additional } : {}),
      ...(outputConfig ? { outputConfig } : {}),
    },
    reading,
  };
}
