import type { ConverseCommandInput, InferenceConfiguration } from '@aws-sdk/client-bedrock-runtime';
import type { ChatJob } from '../../../src/core/index.ts';
import { isMistral } from '../family.ts';
import { upToOne } from '../range.ts';

/** What the API itself names (`InferenceConfiguration`); undefined where the caller set nothing of it. */
export function inferenceConfig({ maxTokens, sampling, stop }: ChatJob): InferenceConfiguration | undefined {
  const stopSequences = stop.filter((sequence) => sequence !== '');
  const config: InferenceConfiguration = {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(sampling.temperature === undefined ? {} : { temperature: upToOne(sampling.temperature) }),
    ...(sampling.topP === undefined ? {} : { topP: sampling.topP }),
    ...(stopSequences.length === 0 ? {} : { stopSequences }),
  };
  return Object.keys(config).length > 0 ? config : undefined;
}

/** What it passes on to the model. Mistral takes `top_k`; a field that a model does not know fails the request. */
export const additionalFields = ({
  sampling,
  family,
}: ChatJob): ConverseCommandInput['additionalModelRequestFields'] =>
  sampling.topK !== undefined && isMistral(family) ? { top_k: sampling.topK } : undefined;
