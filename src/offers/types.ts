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
import type { Breaker, Health, Observed } from './health.ts';

/** One model that a name comes to, and how the name's owner wants its calls routed. */
export interface Target {
  /** Without a suffix: that is in `routing`. */
  readonly model: string;
  readonly routing: Routing;
}

/** A name that configuration gives to one model (an alias) or to several in order of preference (a route). */
export interface Route {
  readonly kind: 'route' | 'alias';
  /** As they are written; each may be such a name itself. */
  readonly models: readonly string[];
  /** The defaults of `provider`, as they are written. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** What it comes to when every name in it is followed to its end. At least one. */
  readonly targets: readonly Target[];
}

export type Routes = ReadonlyMap<string, Route>;

/** What the deployment has to offer. */
export interface World {
  readonly providers: ReadonlyMap<string, Provider>;
  /** What is true of each provider, configured or not. */
  readonly registry: ProviderRegistry;
  readonly services: readonly ServiceOffer[];
  /** The Bedrock region. */
  readonly region: string | undefined;
  /** What is done about template syntax in callers' texts where the call does not say. Absent: see `wayFor`. */
  readonly markers?: MarkerMode;
  readonly prices: PriceBook;
  readonly health: Health;
  /** HTTP requests that the platform lets one call make. Absent: as its free plan. */
  readonly subrequests?: number;
  /** What the operator says of their accounts and servers, by provider. */
  readonly privacy?: ReadonlyMap<string, Privacy>;
  /** Names that configuration gives to models. */
  readonly routes: Routes;
}

/** How big a prompt is, by the tokenizer and template of the model that reads it there. */
export interface PromptSize {
  /** Tokens of the largest prompt of the call; a chat is one. */
  readonly largest: number;
  /** Of all of them. */
  readonly total: number;
  readonly exactness: 'exact' | 'estimate';
  /** Share of the count that an estimate may be off by. */
  readonly errorBound?: number;
  /** Of an estimate: the total as it was counted, before what the offer was seen to bill. Absent where part of it was not counted (images). */
  readonly counted?: number;
  /** Of an estimate: the most that all of them can be billed as. Absent where nobody can say. */
  readonly atMost?: number;
  /** The most that the provider may add to it without anybody's knowing: to tell the model of a schema. */
  readonly beside?: number;
  /** There are more tokens than that: nobody counted on, because no offer takes as many. */
  readonly more?: true;
}

/** What there is to say about how long an answer may get, in tokens for each choice. */
export interface OutputLimit {
  /** What is sent; absent where nothing is. */
  readonly maxTokens?: number;
  /** The most that can come; absent where nobody knows. */
  readonly most?: number;
  /** Less is sent than the caller asked for. */
  readonly clamped: boolean;
}

/** What a whole call can come to, in nano-dollars. Without `max` it has no known bound. */
export interface CallCost {
  readonly min: NanoDollars;
  readonly expected: NanoDollars;
  readonly max?: NanoDollars;
}

/** Counts an answer's text where the provider does not. */
export interface TextCounter {
  readonly exactness: 'exact' | 'estimate';
  /** `continued`: the text begins inside another, and tokenizers that put a space before texts put none. */
  count(text: string, options?: { readonly continued?: boolean }): number;
}

/**
 * Who puts the prompt in front of the answer: nobody, we, or the server, where more is asked of the prompt's tokens than
 * their text, or where we do not have it.
 */
export type Echo = 'none' | 'ours' | 'wire';

/** One way to serve a call: a model at a provider, by one of its APIs. */
export interface Candidate {
  readonly provider: string;
  /** Which of the provider's services, where it has several. */
  readonly service?: string;
  /** The name in the catalogue. */
  readonly model: string;
  /** The configured name by which the call came to it. */
  readonly route?: string;
  /** The provider's own id, as it is sent. */
  readonly upstream: string;
  readonly api: Api;
  readonly family: Family;
  /** What the caller set and this offer cannot serve, by the caller's names. */
  readonly drops: readonly string[];
  /** Fields in which template syntax was broken, so that it stays text. */
  readonly altered: readonly string[];
  /** The wire has `n`, so that one request brings all samples of a prompt. */
  readonly nativeN: boolean;
  readonly nativeStop: boolean;
  /** Who puts the prompt in front of the answer, where the caller asks for it. */
  readonly echo: Echo;
  readonly toolStreaming: boolean;
  readonly systemRole: boolean;
  /** What goes out: a chat as its provider arranged it, or finished prompts, each with what ends its answer. */
  readonly sends:
    | ({ readonly form: 'messages' } & ArrangedChat)
    | { readonly form: 'prompts'; readonly prompts: readonly Prompt[]; readonly stop: readonly string[] };
  readonly prompt: PromptSize;
  /** Tokens that this wire is known to report beyond those the model reads. */
  readonly reportsExtra: number;
  readonly output: OutputLimit;
  readonly contextLength?: number;
  readonly counter: TextCounter;
  /** Timers that its service sets for itself. */
  readonly timeouts?: TimeoutSettings;
  /** A refusal by its content policy may go to the next offer. */
  readonly policyFallbacks?: true;
  /** Whether it is known to be there at all: on a service of the user's own, by the catalogue, or only perhaps. */
  readonly standing: Standing;
  readonly priced: Priced;
  /** What the whole call can come to, all its prompts and samples; absent where nobody can say. */
  readonly cost?: CallCost;
  readonly observed?: Observed;
  readonly breaker: Breaker;
  /** It drops something that the caller set. */
  readonly loses: boolean;
  /** The provider makes a grammar of a JSON Schema of the call first: of a new one for up to minutes. */
  readonly structured: boolean;
  /** The same offer without that, for a server that refuses it. */
  readonly plain?: Candidate;
  /** The schemas of a structured call, as `Health.refusesSchemas` knows them. */
  readonly schemas?: string;
  /** Probability of coming first among the offers it was drawn with. */
  readonly drawn?: number;
  /** Why it stands where it does among the offers, in whole sentences. */
  readonly why: readonly string[];
}

export type Standing = 'own' | 'served' | 'unproven';

export type ExclusionCode =
  | 'no_credentials'
  | 'retired'
  | 'not_in_region'
  | 'not_allowed'
  | 'not_private'
  | 'no_chat_form'
  | 'no_completion_form'
  | 'no_prefill'
  | 'no_infill'
  | 'unsafe_markers'
  | 'no_tools'
  | 'no_images'
  | 'context_too_small'
  | 'over_max_price'
  | 'over_max_cost'
  | 'too_many_requests'
  | 'unsupported_parameter';

/** One reason for machines, one sentence for people. */
export interface Refusal {
  readonly code: ExclusionCode;
  readonly message: string;
  /** The caller's field at fault, where one is. */
  readonly param?: string;
}
export const refuse = (code: ExclusionCode, message: string, param?: string): Refusal => ({
  code,
  message,
  ...(param === undefined ? {} : { param }),
});

/** Why an offer is left out. */
export interface Exclusion extends Refusal {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  /** The configured name by which the call came to it. */
  readonly route?: string;
  /** What is known of it all the same: where the prompt was counted before the offer was left out, or to explain. */
  readonly prompt?: PromptSize;
  readonly contextLength?: number;
  readonly api?: Api;
  readonly drops?: readonly string[];
  readonly output?: OutputLimit;
  readonly priced?: Priced;
  readonly cost?: CallCost;
}

/** What every offer of the models asked for would do with the call. The relay acts on this very object. */
export interface OfferSheet {
  /** In the order in which they are tried. */
  readonly eligible: readonly Candidate[];
  readonly excluded: readonly Exclusion[];
}

/** A call as one offer serves it. */
export interface Plan {
  /** Upstream requests, made side by side. */
  readonly jobs: readonly Job[];
  /** `piece`: nothing of an answer is seen before it is complete. */
  readonly form: 'stream' | 'piece';
  readonly choicesPerJob: number;
  readonly choices: number;
  /** Stop strings that the relay applies, because the wire has none. */
  readonly stop: readonly string[];
  /** Tokens of all jobs' prompts together. */
  readonly promptTokens: number;
  readonly promptExactness: 'exact' | 'estimate';
  readonly counter: TextCounter;
}
