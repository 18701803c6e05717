import type { PriceBook, Priced } from '../catalog/index.ts';
import type {
  Api,
  ArrangedChat,
  Family,
  Job,
  MarkerMode,
  NanoDollars,
  Privacy,
  Prompt,
  Provider,
  ProviderRegistry,
  Routing,
  ServiceOffer,
  TimeoutSettings,
} from '../core/index.ts';
import type { PromptPart } from '../tokens/index.ts';
import type { Breaker, Health, Observed } from './health.ts';

/**
 * The types of a call's way through this room: a call is resolved to offers, each offer is assessed to a `Candidate` or
 * an `Exclusion`, candidates are ranked to an `OfferSheet`, and the relay plans each attempt from its candidate.
 */

/** A model and the routing that applies to it, after a configured name was expanded. */
export interface Target {
  /** Without a suffix: what the suffix asks for is in `routing`. */
  readonly model: string;
  readonly routing: Routing;
  /** The configured name. */
  readonly route?: string;
}

/** A configured name: an alias for one model, or a route over several in order of preference. */
export interface Route {
  readonly kind: 'route' | 'alias';
  /** As configured; each may be a configured name itself. */
  readonly models: readonly string[];
  /** Default `provider` preferences, as configured. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** The models after every nested name has been expanded. At least one. */
  readonly targets: readonly Target[];
}

/** By configured name, which can be a pattern: `claude-*`. */
export type Routes = ReadonlyMap<string, Route>;

/** What a deployment has: providers, services, prices, and what has been learned about them. */
export interface World {
  readonly providers: ReadonlyMap<string, Provider>;
  /** What each provider tells about itself, configured or not. */
  readonly registry: ProviderRegistry;
  readonly services: readonly ServiceOffer[];
  /** The Bedrock region. */
  readonly region: string | undefined;
  /** How template markers in callers' texts are handled where the call does not say. Absent: see `requestFormFor`. */
  readonly markers?: MarkerMode;
  readonly prices: PriceBook;
  readonly health: Health;
  /** HTTP requests the platform allows for one call. Absent: the limit of its free plan. */
  readonly subrequests?: number;
  /** The operator's own statements about privacy, by provider. */
  readonly privacy?: ReadonlyMap<string, Privacy>;
  /** Configured model names. */
  readonly routes: Routes;
}

/** The size of a call's prompt in tokens, by the tokenizer and template of the model that reads it. */
export interface PromptSize {
  /** The call's largest prompt; a chat is one prompt. */
  readonly largest: number;
  /** All prompts together. */
  readonly total: number;
  readonly exactness: 'exact' | 'estimate';
  /** Relative error of an estimate, at most. */
  readonly errorBound?: number;
  /**
   * Of an estimate: the total before correction by the offer's bills. Absent where part of it was not counted
   * (images).
   */
  readonly counted?: number;
  /** Of an estimate: the most the provider can bill for all prompts. Absent if unknown. */
  readonly atMost?: number;
  /** Counting stopped here because no offer takes more. */
  readonly more?: true;
  /** `largest` is not counted before it is read. No prompt is larger than this. */
  readonly uncountedBound?: number;
}

/** Limits on the length of an answer, in tokens per choice. */
export interface OutputLimit {
  /** The limit to send; absent if none is sent. */
  readonly maxTokens?: number;
  /** The most that can come back; absent if unknown. */
  readonly most?: number;
  /** Whether `maxTokens` is less than the caller asked for. */
  readonly clamped: boolean;
  /** `most` depends on a prompt that is not counted before it is read. It is at least this. */
  readonly uncountedLeast?: number;
}

/** What a whole call can cost, in nano-dollars. Without `max` there is no known upper bound. */
export interface CallCost {
  readonly min: NanoDollars;
  readonly expected: NanoDollars;
  readonly max?: NanoDollars;
  /** Tokens of each prompt that `expected` takes to come from the provider's cache. Absent: none. */
  readonly cached?: number;
}

/** Counts an answer's tokens if the provider reports no usage. */
export interface TextCounter {
  readonly exactness: 'exact' | 'estimate';
  /** `continued`: the text continues another one, so tokenizers that prepend a space do not. */
  count(text: string, options?: { readonly continued?: boolean }): number;
  /** Loads its vocabulary. Nothing can be counted before. Undefined where it is loaded. */
  readonly load?: (() => Promise<void>) | undefined;
}

/**
 * Who repeats the prompt in front of the answer (`echo`): nobody, the gateway, or the server. The server must where the
 * caller wants more of the prompt's tokens than their text, or where the gateway does not have the text.
 */
export type Echo = 'none' | 'ours' | 'wire';

/** An offer that can serve the call: a model at a provider, through one of its APIs. */
export interface Candidate {
  readonly provider: string;
  /** The configured service, for providers that have several. */
  readonly service?: string;
  /** The name in the catalogue. */
  readonly model: string;
  /** The configured name through which the call reached this offer. */
  readonly route?: string;
  /** The provider's own id, as it is sent. */
  readonly upstream: string;
  readonly api: Api;
  readonly family: Family;
  /** Parameters the caller set that this offer does not support, by the caller's names. */
  readonly drops: readonly string[];
  /** Fields whose template markers were neutralised. */
  readonly altered: readonly string[];
  /** The API has `n`: one request returns all samples of a prompt. */
  readonly nativeN: boolean;
  readonly nativeStop: boolean;
  readonly echo: Echo;
  readonly toolStreaming: boolean;
  readonly systemRole: boolean;
  /**
   * What is sent: a chat as its provider arranged it, or rendered prompts with the stop strings that end their
   * answers.
   */
  readonly sends:
    | ({ readonly form: 'messages' } & ArrangedChat)
    | { readonly form: 'prompts'; readonly prompts: readonly Prompt[]; readonly stop: readonly string[] };
  readonly prompt: PromptSize;
  /** Prompt tokens this API reports beyond those the model reads. */
  readonly reportsExtra: number;
  readonly output: OutputLimit;
  readonly contextLength?: number;
  readonly counter: TextCounter;
  /** Timers configured for its service. */
  readonly timeouts?: TimeoutSettings;
  /** After a refusal by this provider's content policy the next offer may be tried. */
  readonly policyFallbacks?: true;
  readonly standing: Standing;
  readonly priced: Priced;
  /** What the whole call can cost, all prompts and samples; undefined if unknown. */
  readonly cost?: CallCost | undefined;
  readonly observed?: Observed;
  readonly breaker: Breaker;
  /** Whether it drops anything the caller set. */
  readonly loses: boolean;
  /** The provider compiles a grammar from the call's JSON Schema first, which can take minutes for a new one. */
  readonly structured: boolean;
  /** The same offer without that, for a server that rejects the schema. */
  readonly plain?: Candidate;
  /** The same offer with an answer of at most so many tokens; undefined if the caller allows no such loss. */
  readonly shortened?: (maxTokens: number) => Candidate | undefined;
  /** A key for the schemas of a structured call; see `Health.refusesSchemas`. */
  readonly schemas?: string;
  /** Texts that one request for embeddings may have. */
  readonly mostInputs?: number;
  /** Stands for the call's conversation: see affinity.ts. */
  readonly conversation?: () => number;
  /** Probability of being tried first among the offers of one draw. */
  readonly drawn?: number;
  /** Why it ranks where it does, in whole sentences. */
  readonly why: readonly string[];
  /**
   * The most that the call can cost here, and the most that it can with the shortest answer. Undefined without a
   * bound.
   */
  bound?(): { readonly most: NanoDollars; readonly least: NanoDollars } | undefined;
  /**
   * The same offer with the longest answer of which it is certain that the call costs no more than this. Undefined if
   * there is none.
   */
  within?(cost: NanoDollars): Candidate | undefined;
  /** Adds sentences to `why`, made when that is read. */
  explain?(reasons: () => readonly string[]): void;
  /** The tokens of its prompts, with their texts: see `promptParts`. */
  parts?(): readonly (readonly PromptPart[])[] | undefined;
  /** Tokens that the call is expected to use here at most, prompt and answer. */
  tokensExpected?(): number;
  /** The caller wants no parameter changed, so the answer's limit is not reduced either. */
  readonly strict?: true;
  /** The offer that this one is, with a shorter answer. */
  readonly cutFrom?: Candidate;
}

/** A self-hosted service, a model the catalogue knows to be served, or one that may no longer be. */
export type Standing = 'own' | 'served' | 'unproven';

export type ExclusionCode =
  | 'no_credentials'
  | 'retired'
  | 'not_in_region'
  | 'not_allowed'
  | 'not_permitted'
  | 'not_private'
  | 'no_chat_form'
  | 'no_completion_form'
  | 'no_prefill'
  | 'no_infill'
  | 'no_embeddings'
  | 'no_dimensions'
  | 'no_token_ids'
  | 'no_rerank'
  | 'unsafe_markers'
  | 'no_tools'
  | 'no_images'
  | 'no_files'
  | 'context_too_small'
  | 'over_max_price'
  | 'over_max_cost'
  | 'no_price'
  | 'too_many_requests'
  | 'unsupported_parameter';

/** Why an offer cannot serve a call: a code for programs and a sentence for people. */
export interface ExclusionReason {
  readonly code: ExclusionCode;
  readonly message: string;
  /** The caller's field at fault, if there is one. */
  readonly param?: string;
}

export const exclude = (code: ExclusionCode, message: string, param?: string): ExclusionReason => ({
  code,
  message,
  ...(param === undefined ? {} : { param }),
});

/** An offer that cannot serve the call, with whatever is known about it all the same. */
export interface Exclusion extends ExclusionReason {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  /** The configured name through which the call reached this offer. */
  readonly route?: string;
  readonly prompt?: PromptSize;
  readonly contextLength?: number;
  readonly api?: Api;
  readonly drops?: readonly string[];
  readonly output?: OutputLimit;
  readonly priced?: Priced;
  readonly cost?: CallCost;
}

/** Every offer of the requested models, assessed and ranked. The relay acts on this object. */
export interface OfferSheet {
  /** In the order in which they are tried. */
  readonly eligible: readonly Candidate[];
  readonly excluded: readonly Exclusion[];
}

/** How one offer serves a call. */
export interface Plan {
  /** Upstream requests, made in parallel. */
  readonly jobs: readonly Job[];
  /** `piece`: nothing of an answer arrives before all of it. */
  readonly form: 'stream' | 'piece';
  readonly choicesPerJob: number;
  readonly choices: number;
  /** Stop strings the relay applies because the API does not. */
  readonly stop: readonly string[];
  /** The only tools that the answer may call. Absent: whatever it calls is passed on. */
  readonly allowedTools?: readonly string[];
  /** Tokens of all jobs' prompts together. The prompt may be counted for this. */
  promptTokens(): number;
  readonly promptExactness: 'exact' | 'estimate';
  readonly counter: TextCounter;
}
