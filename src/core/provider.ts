import type { ContentPart, Message, ResponseFormat, Sampling, Tool, ToolChoice } from './call.ts';
import type { Family, Probe, ProviderDescriptor } from './descriptor.ts';
import type { Event } from './event.ts';
import type { EmbeddingJob, Embeddings, Ranking, RerankJob } from './retrieval.ts';
import type { NanoDollars, Price } from './values.ts';

interface JobBase {
  /** The provider's own id of the model: `us.meta.llama3-3-70b-instruct-v1:0`, `meta/llama-2-70b-chat`. */
  readonly model: string;
  /** Which configured service serves it, for a provider that has several (Anyscale, OpenAI-compatible). */
  readonly service?: string;
  readonly family: Family;
  readonly sampling: Sampling;
  readonly maxTokens?: number;
  /** Stop strings for the API to apply. Empty where the API has no such parameter: then the relay applies them. */
  readonly stop: readonly string[];
  /** More than 1 only where the API has `n`. */
  readonly n: number;
  /** Ask the upstream to stream. */
  readonly stream: boolean;
  /** Fields of the caller's that the gateway does not know. Sent to self-hosted servers only. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Milliseconds the whole attempt may take. It limits the cost of work that goes on after the connection is lost. */
  readonly deadlineMs: number;
}

/** A chat, arranged by its provider. */
export interface ChatJob extends JobBase, ArrangedChat {
  readonly kind: 'chat';
  readonly api: 'converse' | 'chat';
  readonly toolChoice?: ToolChoice;
  readonly responseFormat?: ResponseFormat;
  /** False where the model refuses tools in a stream: then the provider asks without streaming. */
  readonly toolStreaming: boolean;
  /** False where the model takes no system prompt: then the provider folds it into the first user message. */
  readonly systemRole: boolean;
  /** The API enforces JSON Schemas for this model. Absent: it does not, so the model is asked in words. */
  readonly structured?: boolean;
}

/** The parts of a chat that decide what its model reads. */
export type ChatParts = Pick<
  ChatJob,
  'api' | 'family' | 'messages' | 'tools' | 'toolChoice' | 'responseFormat' | 'systemRole' | 'structured'
>;

/**
 * A chat as its provider sends it: turns merged, system text moved, tools renamed or left out. Token counts use this.
 */
export interface ArrangedChat {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  /** The caller's names of renamed tools, by the names that are sent. */
  readonly toolNames?: ReadonlyMap<string, string>;
  /**
   * Tools are only declared because earlier turns called some. The model must call none; calls in its answer are
   * dropped.
   */
  readonly dropsToolCalls?: boolean;
  /** Where the caller wrote each image, for errors. */
  readonly imagePaths?: ReadonlyMap<ContentPart, string>;
}

export interface PromptJob extends JobBase {
  readonly kind: 'prompt';
  readonly api: 'invoke' | 'predictions' | 'completions';
  /** Finished text, sent as it is. */
  readonly prompt: string;
  /** The prompt as token ids, for an API that takes them. `prompt` is then empty. */
  readonly promptIds?: readonly number[];
  /**
   * The answer must begin with the prompt. Only for an API with `echo`, whose server knows more of the prompt than
   * its text.
   */
  readonly echo?: true;
}

/** The call as one offer will serve it. */
export type Job = ChatJob | PromptJob;

/**
 * One upstream answer. `events` must be read to its end or the job's signal aborted. An empty batch says that the
 * answer is on its way, but nothing can be shown yet.
 */
export interface Generation {
  readonly events: AsyncIterable<Event[]>;
  /** The provider said that it is starting the model, so silence is not a failure. */
  readonly starting?: boolean;
  /** The whole answer is here, as one batch. */
  readonly complete?: boolean;
  /** The provider's id of this request, which its support asks for. */
  readonly upstreamId?: string;
  /** The model the provider says it used, where that may differ (Together redirects ids). */
  readonly upstreamModel?: string;
  /** OpenAI's `system_fingerprint`, where the upstream gives one. */
  readonly fingerprint?: string;
}

/** A model at a provider, for requests other than generations: counting tokens, probing. */
export interface ModelAt {
  readonly model: string;
  readonly service?: string;
}

/** Asks whether a provider can be used for these models. Costs nothing, never throws. */
export type ProbeModels = (models: readonly ModelAt[], signal: AbortSignal) => Promise<readonly Probe[]>;

/** A text as a tokenizer splits it. */
export interface TokenizedText {
  readonly ids: readonly number[];
  /** The bytes of each token, if the provider reports them. */
  readonly bytes?: readonly Uint8Array[];
}

export interface Provider {
  readonly id: string;
  /** What is true of this provider, configured or not. */
  readonly about: ProviderDescriptor;
  /**
   * Arranges a chat as this provider sends it: merges messages, moves or adds system text, renames or leaves out
   * tools. Tokens are counted from the result, and `generate` gets it. Lists that need no change are returned as they
   * are. Pure. Not called for a chat that `objectionTo` refuses. Absent: chats are sent as they came.
   */
  arrange?(chat: ChatParts): ArrangedChat;
  /**
   * Why this provider takes a chat for no model, in one sentence, with the field at fault: for example an image that
   * it would have to fetch. Called for each call, so it must be cheap. Absent: it takes any chat.
   */
  objectionTo?(messages: readonly Message[]): { readonly message: string; readonly param: string } | undefined;
  /**
   * For an API that enforces JSON Schemas: the keywords of this schema that it does not enforce, or undefined if it
   * can enforce none of it. Absent: it enforces every schema in full.
   */
  canHold?(schema: Readonly<Record<string, unknown>>): readonly string[] | undefined;
  /**
   * Counts a job's prompt by the provider's own tokenizer and template, with everything that would be sent: tools,
   * images, earlier tool calls. Undefined if the provider cannot count all of it, or does not answer. Never throws.
   */
  countTokens?(job: Job, signal: AbortSignal): Promise<number | undefined>;
  /**
   * Splits a text by the provider's own tokenizer, without begin- and end-of-sequence. Undefined if the provider
   * cannot do that. Never throws.
   * @param markers whether the name of a special token in the text is that token, if the provider lets us choose
   */
  tokenize?(
    at: ModelAt,
    text: string,
    markers: 'text' | 'parse',
    signal: AbortSignal,
  ): Promise<TokenizedText | undefined>;
  /** The text of token ids. Undefined if the provider cannot do that. Never throws. */
  detokenize?(at: ModelAt, ids: readonly number[], signal: AbortSignal): Promise<string | undefined>;
  /** Sends a free request to see whether the provider can be used as it is configured. */
  probe?: ProbeModels;
  /**
   * One attempt, one upstream request: it never retries, sleeps or falls back.
   * Rejects with a GatewayError before the first event, or throws one from the iterator after it. Aborting the signal
   * reaches the upstream.
   */
  generate(job: Job, signal: AbortSignal): Promise<Generation>;
  /** Makes embeddings: one upstream request, as `generate` makes one. Absent: it has none. */
  embed?(job: EmbeddingJob, signal: AbortSignal): Promise<Embeddings>;
  /** Orders documents by how well they match a query: one upstream request. Absent: it has no such API. */
  rerank?(job: RerankJob, signal: AbortSignal): Promise<Ranking>;
}

/**
 * Timeouts of one attempt in milliseconds, as the operator set them for the deployment or for one service. A value
 * that is set is used exactly as written. The relay chooses the others for each attempt.
 */
export interface TimeoutSettings {
  /** Until the response headers, where a stream was asked for. */
  readonly connectMs?: number;
  /** From there until the first content. For an answer that is not streamed: until all of it is here. */
  readonly firstTokenMs?: number;
  /** Until an answer that is not streamed is complete, if that may take longer than `firstTokenMs`. */
  readonly pieceMs?: number;
  /** Between two reads of a stream that has begun. */
  readonly idleMs?: number;
}

/** A model that the user's own configuration adds, on a service of their own. */
export interface ServiceOffer {
  readonly provider: string;
  readonly service: string;
  /** The name callers use: a model of the catalogue, or a new one. */
  readonly model: string;
  readonly upstream: string;
  readonly family?: Family;
  /** The weights that the server says it loaded: usually the id of a repository. */
  readonly weights?: string;
  readonly contextLength?: number;
  readonly maxOutput?: number;
  /** What its owner says the model is for. Absent: what the catalogue says; else unknown, and the server is asked. */
  readonly kind?: 'chat' | 'embedding' | 'rerank';
  /** Lengths of vectors that an embedding model can make, its usual one first. */
  readonly dimensions?: readonly number[];
  /** The service's own timeouts. They win over the deployment's. */
  readonly timeouts?: TimeoutSettings;
  /**
   * What the operator says the model can do there. Absent: what the catalogue says. If that is unknown too, send the
   * request and let the server refuse it.
   */
  readonly capabilities?: {
    readonly vision?: boolean;
    readonly tools?: boolean;
    /** Takes raw prompts by the legacy completions API. Absent: unknown, so the server is asked. */
    readonly completions?: boolean;
  };
  /** Price by the token. */
  readonly price: Price;
  /** Price by the hour, for a service that is paid so. `price` is then unknown. */
  readonly hourly?: { readonly perHour: NanoDollars; readonly tokensPerSecond: number };
}

/** A service whose server says which models it has. */
export interface Discovery {
  readonly provider: string;
  readonly service: string;
  /** All its models as of now, including the configured ones. Rejects with a GatewayError. */
  list(signal: AbortSignal): Promise<readonly ServiceOffer[]>;
}

/**
 * What a provider read from the environment. Each mistake is a whole sentence that names a variable and shows no
 * value.
 */
export interface Configured {
  readonly providers: readonly Provider[];
  /** The configured models. A service in `discoveries` may have more. */
  readonly offers: readonly ServiceOffer[];
  readonly discoveries?: readonly Discovery[];
  /** Values of variables that the configuration names by `{"env": "NAME"}`. They are secret. */
  readonly credentials?: readonly string[];
  readonly mistakes: readonly string[];
  /** What works but is probably not what was meant. Whole sentences, like `mistakes`. */
  readonly warnings?: readonly string[];
}

/** What the rest of the gateway knows about names in a configuration. */
export interface KnownNames {
  /** Providers with a folder of their own: a service cannot take their names. */
  readonly providers: readonly string[];
  /** What is wrong with the name of a template family, as the end of a sentence. Undefined if the name is known. */
  familyMistake(family: string): string | undefined;
}

/** Keeps the isolate alive for work that nobody waits for (`waitUntil`). The work never rejects. */
export type Background = (work: Promise<void>) => void;

/** Reads what it needs from the environment; `fetch` is how it reaches the network. */
export type ConfigureProvider = (
  env: Readonly<Record<string, unknown>>,
  fetch: Fetch,
  known?: KnownNames,
  background?: Background,
) => Configured;

/** What the folder of a provider exports. */
export interface ProviderModule {
  readonly about: ProviderDescriptor;
  readonly configure: ConfigureProvider;
}

export type Fetch = (input: Request | string | URL, init?: RequestInit) => Promise<Response>;
