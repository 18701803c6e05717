import type { OutputConfig } from '@aws-sdk/client-bedrock-runtime';
import type { ChatParts } from '../../../src/core/index.ts';
import { isLlama } from '../family.ts';

export interface Formatting {
  readonly outputConfig?: OutputConfig;
  /** For the system prompt, where the API cannot enforce the format. */
  readonly instruction?: string;
}

/**
 * `outputConfig.textFormat` knows JSON Schemas alone, and Llama is in none of AWS's lists of models for it
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html). Elsewhere the model is asked in words:
 * the plainest of what can be done, and the only one that leaves tools and streaming as they are. It is a request and
 * no guarantee.
 */
export function formatting({ responseFormat: format, family }: ChatParts): Formatting {
  if (!format || format.type === 'text') return {};
  if (format.type === 'json_object' || !format.schema) {
    return { instruction: 'Answer with one JSON object and nothing else: no prose, no code fence.' };
  }
  const schema = JSON.stringify(format.schema);
  if (isLlama(family)) {
    // The same JSON, in which no text of the caller's can be a special token of Llama, which all begin so.
    const harmless = schema.replaceAll('<', '\\u003c');
    return {
      instruction: `Answer with JSON that is valid under this JSON Schema and nothing else: no prose, no code fence.\n${harmless}`,
    };
  }
  const jsonSchema = {
    schema,
    name: format.name,
    ...(format.description ? { description: format.description } : {}),
  };
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } };
}
