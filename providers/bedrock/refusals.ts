import type { ErrorCode } from '../../src/core/index.ts';

export interface Refusal {
  readonly code: ErrorCode;
  /** The caller's field at fault, where the wording tells. */
  readonly param?: string;
}

/**
 * `ValidationException` is Bedrock's name for everything from a typing error to a model that does not exist; only the
 * wording tells them apart. Wordings as publicly reported; the apostrophe is straight in some and curly in others.
 * The first that fits decides.
 */
const WORDINGS: readonly (readonly [RegExp, Refusal])[] = [
  [/model identifier is invalid/i, { code: 'invalid_request', param: 'model' }],
  [/on-demand throughput isn.t supported/i, { code: 'model_not_found' }],
  // A limit on the output, not on the context.
  [/maximum tokens you requested exceeds/i, { code: 'invalid_request', param: 'max_tokens' }],
  [
    /too long|input tokens|too many tokens|(?:maximum|exceeds?) .{0,40}context (?:length|window|limit|size)/i,
    { code: 'context_length_exceeded' },
  ],
  // Schemas of tools and of answers. "output_config.format: Extra inputs are not permitted" (BerriAI/litellm#27846);
  // "output_config.format.schema: property 'minimum' is not supported" (future-agi/future-agi#412); "The format of the value at
  // toolConfig.tools.0.toolSpec.inputSchema.json is invalid" (aws/aws-sdk-net#3377).
  [/toolSpec\.strict|strict mode/i, { code: 'unsupported_parameter', param: 'tools' }],
  [/input_?schema|toolSpec/i, { code: 'invalid_request', param: 'tools' }],
  [/json_?schema|format\.schema/i, { code: 'invalid_request', param: 'response_format' }],
  [/output_?config|text_?format|structured output/i, { code: 'unsupported_parameter', param: 'response_format' }],
  [/doesn.t support tool use/i, { code: 'unsupported_parameter', param: 'tools' }],
  [/(?:doesn.t|does not) support system/i, { code: 'unsupported_parameter', param: 'messages' }],
  [/(?:doesn.t|does not) support (?:the )?(?:tool_?choice)/i, { code: 'unsupported_parameter', param: 'tool_choice' }],
  [/extraneous key \[|(?:doesn.t|does not) support|isn.t supported|not supported/i, { code: 'unsupported_parameter' }],
  [/content filter/i, { code: 'content_policy' }],
];

/** What a `ValidationException` really says. Linear in the text, of which it reads the beginning. */
export function refusalOf(message: string): Refusal {
  const text = message.slice(0, 2000);
  return WORDINGS.find(([wording]) => wording.test(text))?.[1] ?? { code: 'invalid_request' };
}
