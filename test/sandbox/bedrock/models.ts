import type { Answer } from '../wire/types.ts';
import { invalid, refuse } from './errors.ts';
import data from './models.json';

interface Listed {
  readonly onDemand: readonly string[];
  readonly profiles: Readonly<Record<string, readonly string[] | undefined>>;
  readonly context: number;
}

/** A model as Converse and Invoke see it. */
export interface Model {
  readonly id: string;
  readonly context: number;
  readonly maxOutput: number;
  readonly system: boolean;
  readonly tools: boolean;
  /** A tool choice other than `auto`. */
  readonly toolChoice: boolean;
  /** Tools in ConverseStream. */
  readonly toolStream: boolean;
  /** Images in a user's turn. */
  readonly images: boolean;
  /** Documents in a user's turn. */
  readonly documents: boolean;
  /** `outputConfig.textFormat` and `toolSpec.strict`. */
  readonly structured: boolean;
  /** The body of InvokeModel that the model takes. */
  readonly invoke: 'llama' | 'mistral' | undefined;
}

const LIVE: Readonly<Record<string, Listed>> = data.live;
const RETIRED = new Set(data.retired);

/** The user guide's table "Supported models and model features", by the ids' patterns. */
const NO_SYSTEM = /mistral-7b|mixtral|titan/;
const NO_TOOLS = /llama3-(8b|70b)-|llama3-2-(1b|3b)-|mistral-7b|mixtral|titan|deepseek\.r1/;
const NO_TOOL_STREAM = /meta\.llama|mistral-large-240[27]/;

/** Bedrock's lists of models by input modality and for structured output; no Llama is in the second. */
const IMAGES =
  /llama3-2-(11b|90b)|llama4|pixtral|gemma-3-|mistral-large-3|ministral-3|magistral-small|qwen3-vl|kimi-k2\.5|kimi-k3|nemotron-nano-12b|nova-(lite|pro|premier)|claude/;
/** "Document chat" in the table, as far as the stored copies of it show open models. */
const DOCUMENTS =
  /meta\.llama3-((1|2)-)?\d+b-|mistral-7b-instruct|mixtral-8x7b|mistral-large-240[27]|nova-(lite|pro)|claude/;
const STRUCTURED =
  /deepseek\.v3|gemma-3-(12|27)b|devstral-2|magistral-small-2509|ministral-3-|mistral-large-3|voxtral|kimi-k2|nemotron|gpt-oss|qwen3|glm-(?:4\.7|5)$|claude-(haiku-4-5|sonnet-|opus-)/;

const describe = (id: string, { context }: Listed): Model => ({
  id,
  context,
  maxOutput: /llama3-(8b|70b)-/.test(id) ? 2048 : 8192,
  system: !NO_SYSTEM.test(id),
  tools: !NO_TOOLS.test(id),
  toolChoice: !/meta\.llama/.test(id),
  toolStream: !NO_TOOL_STREAM.test(id),
  images: IMAGES.test(id),
  documents: DOCUMENTS.test(id),
  structured: STRUCTURED.test(id),
  invoke: /^meta\.llama/.test(id) ? 'llama' : /^mistral\.(mistral|mixtral)/.test(id) ? 'mistral' : undefined,
});

const ARN =
  /^arn:aws[\w-]*:bedrock:[\w-]*:\d*:(foundation-model|inference-profile|application-inference-profile)\/(.+)$/;

/** What an application's own profile is taken to stand for: its ARN does not tell. */
const BEHIND_PROFILES = 'us.meta.llama3-3-70b-instruct-v1:0';

/** The model that an id, a profile's id or an ARN names in a region, or Bedrock's refusal. */
export function resolve(given: string, region: string): Model | Answer {
  const arn = ARN.exec(given);
  const id = arn?.[1] === 'application-inference-profile' ? BEHIND_PROFILES : (arn?.[2] ?? given);
  if (RETIRED.has(id)) {
    return refuse(404, {
      message:
        'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
    });
  }
  const listed = LIVE[id];
  if (listed) {
    if (listed.onDemand.includes(region)) return describe(id, listed);
    if (Object.keys(listed.profiles).length === 0) return invalid('The provided model identifier is invalid.');
    // The apostrophe is curly on the wire.
    return invalid(
      `Invocation of model ID ${id} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.`,
    );
  }
  const owner = Object.entries(LIVE).find(([, { profiles }]) => profiles[id]?.includes(region));
  return owner ? describe(...owner) : invalid('The provided model identifier is invalid.');
}
