import type { ContentPart, Message, ResponseFormat, Sampling, Tool, ToolChoice } from './call.ts';
import type { Family, Probe, ProviderDescriptor } from './descriptor.ts';
import type { Event } from './event.ts';
import type { NanoDollars, Price } from './values.ts';

interface JobBase {
  /** The provider's own id of the model: `us.meta.llama3-3-70b-instruct-v1:0`, `meta/llama-2-70b-chat`. */
  readonly model: string;
  /** Which configured service serves it, for a provider that has several (Anyscale, OpenAI-compatible). */
  readonly service?: string;
  readonly family: Family;
  readonly sampling: Sampling;
  readonly maxTokens?: number;
  /** Only where the wire has a stop parameter of its own; otherwise the relay applies them and this is empty. */
  readonly stop: readonly string[];
  /** More than 1 only where the wire has `n`. */
  readonly n: number;
  /** Ask the upstream to stream. */
  readonly stream: boolean;
  /** Fields of the caller's that are not ours; for a server of the user's own alone. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Milliseconds the whole attempt may take; a cost backstop for work that outlives the connection. */
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
  /** The API holds this model's answer and arguments to a JSON Schema. Absent: not, so the model is asked in words. */
  readonly structured?: boolean;
}

/** The parts of a chat that decide what its model reads. */
export type ChatParts = Pick<
  ChatJob,
  'api' | 'family' | 'messages' | 'tools' | 'toolChoice' | 'responseFormat' | 'systemRole' | 'structured'
>;

/** A chat as its provider sends it: turns merged, system text moved, tools renamed or left out. Token counts use this. */
export interface ArrangedChat {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  /** The caller's names of tools, by the names that the provider is sent instead. */
  readonly toolNames?: ReadonlyMap<string, string>;
  /** Tools are declared only because earlier turns called some: the model may call none, and calls in its answer are dropped. */
  readonly dropsToolCalls?: boolean;
  /** Where the caller wrote each image, for errors. */
  readonly imagePaths?: ReadonlyMap<ContentPart, string>;
}

export interface PromptJob extends JobBase {
  readonly kind: 'prompt';
  readonly api: 'invoke' | 'predictions' | 'completions';
  /** Finished text, sent as it is. */
  readonly prompt: string;
  /** The same as tokens, in its place where the wire takes them; `prompt` is empty then. */
  readonly promptIds?: readonly number[];
  /** The answer is to begin with the prompt: only where the wire has an echo of its own, for what it knows of the prompt. */
  readonly echo?: true;
}

/** The call as one offer will serve it. */
export type Job = ChatJob | PromptJob;

/**
 * One upstream answer. `events` must be read to its end or the job's signal aborted. An empty batch says that an answer of
 * which nothing can be shown yet is under way.
 */
export interface Generation {
  readonly events: AsyncIterable<Event[]>;
  /** The provider has said that the model is being started, so that its silence is no failure. */
  readonly starting?: boolean;
  /** The whole answer is here, as one batch: nothing more is waited for. */
  readonly complete?: boolean;
  /** The provider's id for this request, for its support. */
  readonly upstreamId?: string;
  /** The model the provider says it used, where that may differ (Together redirects ids). */
  readonly upstreamModel?: string;
  /** OpenAI's `system_fingerprint`, where the upstream gives one. */
  readonly fingerprint?: string;
}

/** A model at a provider, for what is asked of it beside answers. */
export interface ModelAt {
  readonly model: string;
  readonly service?: string;
}

/** Asks whether a provider can be used for these models. Costs nothing, never throws. */
export type ProbeModels = (models: readonly ModelAt[], signal: AbortSignal) => Promise<readonly Probe[]>;

/** A text as a tokenizer splits it. */
export interface TokenizedText {
  readonly ids: readonly number[];
  /** The bytes that each token stands for, where the provider tells. */
  readonly bytes?: readonly Uint8Array[];
}

export interface Provider {
  readonly id: string;
  /** What is true of this provider, configured or not. */
  readonly about: ProviderDescriptor;
  /**
   * Arranges a chat as this provider sends it: merges messages, moves or adds system text, renames or leaves out tools. The
   * result is what tokens are counted from and what `generate` is given. Lists that need no change are returned as they are.
   * Pure, and not asked for chats that `objectionTo` refuses. Absent: a chat is sent as it came.
   */
  arrange?(chat: ChatParts): ArrangedChat;
  /**
   * Why a chat cannot be sent to this provider whatever the model, in one sentence, with the field at fault: an image that it
   * would have to fetch. Asked for each call, so it must be cheap. Absent: nothing speaks against any.
   */
  objectionTo?(messages: readonly Message[]): { readonly message: string; readonly param: string } | undefined;
  /**
   * How far an API that holds answers to JSON Schemas can hold one to this schema: the keywords that it leaves to the model's good
   * will, or undefined where it can hold none of it. Absent: all of any.
   */
  canHold?(schema: Readonly<Record<string, unknown>>): readonly string[] | undefined;
  /**
   * Prompt tokens of a job by the provider's own tokenizer and template, with all that would be sent: tools, images, earlier
   * tool calls. Undefined where the provider cannot count all of it, or does not answer. Never throws.
   */
  countTokens?(job: Job, signal: AbortSignal): Promise<number | undefined>;
  /**
   * A text by the provider's own tokenizer, without what begins or ends a prompt. Undefined where it does not tell. Never throws.
   * @param markers whether the text of a special token is that token, where the provider leaves the choice
   */
  tokenize?(
    at: ModelAt,
    text: string,
    markers: 'text' | 'parse',
    signal: AbortSignal,
  ): Promise<TokenizedText | undefined>;
  /** The text of tokens. Undefined where the provider does not tell. Never throws. */
  detokenize?(at: ModelAt, ids: readonly number[], signal: AbortSignal): Promise<string | undefined>;
  /** Asks something free to see whether the provider can be used as it is configured. */
  probe?: ProbeModels;
  /**
   * One attempt, one upstream request: it never retries, sleeps or falls back.
   * Rejects with a GatewayError before the first event, or throws one from the iterator after it. Aborting the signal
   * reaches the upstream.
   */
  generate(job: Job, signal: AbortSignal): Promise<Generation>;
}

/**
 * Timers of one attempt, in milliseconds, as far as the operator has set them: for the deployment or for one service. What
 * is set holds as written; what is not set the relay chooses for each attempt by what it knows.
 */
export interface TimeoutSettings {
  /** Until an upstream that was asked to stream answers at all. */
  readonly connectMs?: number;
  /** From there until the first content. For an answer in one piece, which shows nothing before, until all of it. */
  readonly firstTokenMs?: number;
  /** Until an answer in one piece is complete, where that may take longer than a first token. */
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
  /** Whose weights the server says these are: usually the id of a repository. */
  readonly weights?: string;
  readonly contextLength?: number;
  readonly maxOutput?: number;
  /** The service's own timers; they win over the deployment's. */
  readonly timeouts?: TimeoutSettings;
  /** What its owner says the model can do there. Absent: as the catalogue knows the model; else unknown, and the server is asked. */
  readonly capabilities?: {
    readonly vision?: boolean;
    readonly tools?: boolean;
    /** Takes raw prompts, by the legacy completions API. Absent: it is asked. */
    readonly completions?: boolean;
  };
  /** By the token. */
  readonly price: Price;
  /** What the service costs by the hour, where that is how it is paid; `price` is unknown then. */
  readonly hourly?: { readonly perHour: NanoDollars; readonly tokensPerSecond: number };
}

/** A service whose server says which models it has. */
export interface Discovery {
  readonly provider: string;
  readonly service: string;
  /** All its models as of now, those of the configuration among them. Rejects with a GatewayError. */
  list(signal: AbortSignal): Promise<readonly ServiceOffer[]>;
}

/** What a provider made of the environment. `mistakes` are whole sentences, each naming a variable, none showing a value. */
export interface Configured {
  readonly providers: readonly Provider[];
  /** As configured; a service that is in `discoveries` may have more. */
  readonly offers: readonly ServiceOffer[];
  readonly discoveries?: readonly Discovery[];
  /** Values of variables that the configuration names by `{"env": "NAME"}`: to be shown to nobody. */
  readonly credentials?: readonly string[];
  readonly mistakes: readonly string[];
  /** What is probably not meant and works all the same: whole sentences, as `mistakes`. */
  readonly warnings?: readonly string[];
}

/** What is known elsewhere of names in a configuration. */
export interface KnownNames {
  /** Providers with a folder of their own: a service cannot take their names. */
  readonly providers: readonly string[];
  /** What is wrong with the name of a template family, going on from "… ": undefined if it is one. */
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
