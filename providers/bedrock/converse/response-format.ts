import type { OutputConfig } from '@aws-sdk/client-bedrock-runtime';
import type { ChatParts } from '../../../src/core/index.ts';
import { isMistral } from '../family.ts';
import { fitSchema } from './schema.ts';

export interface Formatting {
  readonly outputConfig?: OutputConfig;
  /** For the system prompt, where the API cannot enforce the format. */
  readonly instruction?: string;
}

/** The same JSON, in which no text of the caller's can be a special token: they begin with `<`, and Mistral's with `[`. */
function harmless(json: string, mistral: boolean): string {
  const plain = json.replaceAll('<', '\\u003c');
  return mistral ? plain.replace(/"(?:[^"\\]|\\.)*"/g, (text) => text.replaceAll('[', '\\u005b')) : plain;
}

/**
 * `outputConfig.textFormat` knows JSON Schemas alone, and only of the models in AWS's list
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html). Elsewhere the model is asked in words:
 * the plainest of what can be done, and the only one that leaves tools and streaming as they are. It is a request and
 * no guarantee.
 */
export function formatting({ responseFormat: format, family, structured = false }: ChatParts): Formatting {
  if (!format || format.type === 'text') return {};
  if (format.type === 'json_object' || !format.schema) {
    return { instruction: 'Answer with one JSON object and nothing else: no prose, no code fence.' };
  }
  const fit = structured ? fitSchema(format.schema) : undefined;
  if (!fit) {
    const schema = harmless(JSON.stringify(format.schema), isMistral(family));
    return {
      instruction: `Answer with JSON that is valid under this JSON Schema and nothing else: no prose, no code fence.\n${schema}`,
    };
  }
  const jsonSchema = {
    schema: JSON.stringify(fit.schema),
    name: format.name,
    ...(format.description ? { description: format.description } : {}),
  };
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } };
}
