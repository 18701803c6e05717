import type { NanoDollars } from './values.ts';

/**
 * What a caller asked, free of any provider and any dialect. A dialect parses into a `Call`; everything below reads
 * it. Optional fields are absent when the caller did not set them: nothing here is ever a hidden default.
 */

/** A part of a message's content. Images travel as the caller wrote them: an `https:` or a `data:` URL. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly url: string; readonly detail?: string }
  /** A PDF, in base64. A file of text is a text part, whoever serves the call. */
  | { readonly type: 'file'; readonly mediaType: 'application/pdf'; readonly data: string; readonly name?: string };

export type Content = string | readonly ContentPart[];

/** A function call the model made. `arguments` is the JSON text as the model wrote it, possibly invalid. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export type Message =
  | { readonly role: 'system'; readonly content: Content; readonly name?: string }
  | { readonly role: 'user'; readonly content: Content; readonly name?: string }
  | {
      readonly role: 'assistant';
      readonly content: Content;
      /** The reasoning before this answer. The catalogue says which models are sent it again. */
      readonly reasoning?: string;
      /**
       * The family of the model that reasoned, where the caller's history says so (see
       * `src/dialects/reasoning-carrier.ts`). Absent: taken to be that of the first model the call names.
       */
      readonly reasoningFamily?: string;
      readonly toolCalls?: readonly ToolCall[];
      readonly name?: string;
    }
  | {
      readonly role: 'tool';
      /** Text and images. For an API that takes text only, the images go into the user's next turn. */
      readonly content: Content;
      readonly toolCallId: string;
      /** The tool failed, and the content says how. */
      readonly isError?: true;
    };

/** A function the model may call. `parameters` is a JSON Schema object. */
export interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly strict?: boolean;
  /**
   * The caller's tool takes free text, not JSON. Every wire declares it as the function that `parameters` describes,
   * with the text as its one argument (see `src/dialects/freeform-tools.ts`); its dialect shows calls of it as the
   * caller knows them.
   */
  readonly freeform?: true;
}

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly name: string;
      readonly description?: string;
      readonly schema?: Readonly<Record<string, unknown>>;
      readonly strict?: boolean;
    };

/** Everything that shapes sampling. Names are ours; each wire has its own (see a provider's request.ts). */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly repetitionPenalty?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  /** How many alternatives to report per token; 0 reports the chosen token alone. Absent: no log probabilities. */
  readonly logprobs?: number;
  readonly reasoningEffort?: string;
  /** Whether to think before answering, where a model can do both. */
  readonly thinking?: boolean;
  readonly parallelToolCalls?: boolean;
  /** The caller's own id for its end user. */
  readonly user?: string;
}

/** OpenAI's name of each sampling parameter, which callers and most servers use. */
export const SAMPLING_NAMES: Readonly<Record<keyof Sampling, string>> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  seed: 'seed',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  repetitionPenalty: 'repetition_penalty',
  logitBias: 'logit_bias',
  logprobs: 'logprobs',
  reasoningEffort: 'reasoning_effort',
  thinking: 'reasoning.enabled',
  parallelToolCalls: 'parallel_tool_calls',
  user: 'user',
};

/**
 * What to do with prompt-template markers in a caller's text: reject the request, break the marker with an invisible
 * space, or allow it, for callers who write prompts by hand.
 */
export type MarkerMode = 'reject' | 'neutralise' | 'allow';
export const MARKER_MODES: readonly MarkerMode[] = ['reject', 'neutralise', 'allow'];

/** How a chat becomes a prompt, as far as the caller decides it. */
export interface Templating {
  /** A template family to use instead of the model's own. Such a chat is sent as a raw prompt. */
  readonly name?: string;
  /** Absent: the deployment's default. */
  readonly markers?: MarkerMode;
}

/** What offers are sorted by, if the caller says so. */
export type Sort = 'price' | 'latency' | 'throughput';

/** OpenRouter's routing options, and our additions. */
export interface Routing {
  /** Try these providers first, in this order. */
  readonly order?: readonly string[];
  readonly only?: readonly string[];
  readonly ignore?: readonly string[];
  /** Default true. False: one offer, no other is tried. */
  readonly allowFallbacks?: boolean;
  /**
   * True: after a refusal by one provider's content policy the next offer is tried. Default: the refusal ends the
   * call.
   */
  readonly allowPolicyFallbacks?: boolean;
  /** True: an offer that would drop a parameter is excluded. */
  readonly requireParameters?: boolean;
  readonly sort?: Sort;
  /** Nano-dollars per million tokens. An offer that costs more, or whose price is unknown, is left out. */
  readonly maxPrice?: { readonly prompt?: NanoDollars; readonly completion?: NanoDollars };
  /** Nano-dollars for the whole call. An offer that may cost more is left out. */
  readonly maxCost?: NanoDollars;
  /** True: limit an offer's output to what `maxCost` pays for, instead of leaving the offer out. */
  readonly clampOutput?: boolean;
  /** Milliseconds for the whole call, as a routing preference. `timeoutMs` is the limit of the transport. */
  readonly deadlineMs?: number;
  /** True: only providers that do not collect prompts and answers (`data_collection: "deny"`). */
  readonly noCollection?: boolean;
  /** True: only providers that keep nothing once the call is answered (`zdr`). */
  readonly noRetention?: boolean;
  /** Tokens a second. An offer seen to be slower comes after the others. */
  readonly preferredMinThroughput?: number;
  /** Milliseconds to the first token. An offer seen to take longer comes after the others. */
  readonly preferredMaxLatencyMs?: number;
  /** A budget pays for the call, so its cost must have a known bound. Of the key, not of the request. */
  readonly budgeted?: true;
  /** Preferences that we cannot honour, by the caller's names for them. */
  readonly unmet?: readonly string[];
}

/** How a vote finds the answer in a sample's text. */
export type VoteRule =
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'json_pointer'; readonly pointer: string }
  | { readonly kind: 'last_number' }
  | { readonly kind: 'choice'; readonly options: readonly string[] };

/** Ask for several samples, and answer with one on which most of them agree. */
export interface Vote {
  /** The most samples to ask for, at least 2. */
  readonly samples: number;
  /** Absent: see `ballotOf` in src/relay/ballots.ts. */
  readonly rule?: VoteRule;
  /** The share of all samples that must agree, above 0 and at most 1. */
  readonly minAgreement?: number;
  /** Nano-dollars for all samples. The call's `routing.maxCost` is no more than this. */
  readonly maxCost?: NanoDollars;
}

/** What the caller's key may use. An absent member: everything. */
export interface Rights {
  /** Models and configured names. */
  readonly models?: readonly string[];
  readonly providers?: readonly string[];
}

interface CallBase {
  /** `gen-…`: the id of the answer, of its first chunk, and of its receipt. */
  readonly id: string;
  /** Model names as the caller wrote them, in order of preference. At least one. */
  readonly models: readonly string[];
  readonly sampling: Sampling;
  /** Most output tokens for each choice. 0 asks for an echo only. */
  readonly maxTokens?: number;
  /** Choices for each prompt, at least 1. */
  readonly n: number;
  /** The answer is one of several samples. Only with an `n` of 1 and one prompt. */
  readonly vote?: Vote;
  /** Strings that end the output; they are not part of it. */
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly routing: Routing;
  readonly templating: Templating;
  /** Absent: everything. */
  readonly rights?: Rights;
  /** The caller's id of a conversation. All its calls go to one provider if possible. */
  readonly session?: string;
  /** Milliseconds for the whole call, all attempts included. */
  readonly timeoutMs?: number;
  /** Fields of the request that no provider is sent, by path: `messages[0].cache_control`, `plugins`. */
  readonly unknownParameters: readonly string[];
  /** Unknown top-level fields, unchanged. Only a self-hosted server is sent them. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface ChatCall extends CallBase {
  readonly kind: 'chat';
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  /**
   * The only tools that may be called, if the caller limited them (`allowed_tools`). `tools` holds no others. An
   * answer that calls another tool, because earlier turns show it, is refused.
   */
  readonly allowedTools?: readonly string[];
  readonly responseFormat?: ResponseFormat;
}

/** The text to continue, or its token ids in the tokenizer of the first model that the call names. */
export type Prompt = string | readonly number[];

export interface CompletionCall extends CallBase {
  readonly kind: 'completion';
  /** At least one. Choice `p * n + i` is sample `i` of prompt `p`. */
  readonly prompts: readonly Prompt[];
  /** The text after the gap that the answer fills in. */
  readonly suffix?: string;
  /** Repeat the prompt in front of its completion. */
  readonly echo: boolean;
}

export type Call = ChatCall | CompletionCall;

/** The text of a content, its parts joined without a separator. Images have none. */
export function textOf(content: Content): string {
  if (typeof content === 'string') return content;
  let text = '';
  for (const part of content) if (part.type === 'text') text += part.text;
  return text;
}

/** The call for all samples of a vote at once, by which it is assessed and priced. No sample is streamed. */
export const withSamples = <C extends Call>(call: C): C =>
  call.vote ? { ...call, n: call.vote.samples, stream: false } : call;
