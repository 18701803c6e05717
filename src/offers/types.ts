import type { Api, Family, Job, Provider, ServiceOffer } from '../core/index.ts';

/** What the deployment has to offer. */
export interface World {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly services: readonly ServiceOffer[];
  /** The Bedrock region. */
  readonly region: string | undefined;
}

/** One way to serve a call: a model at a provider, by one of its APIs. */
export interface Candidate {
  readonly provider: string;
  /** Which of the provider's services, where it has several. */
  readonly service?: string;
  /** The name in the catalogue. */
  readonly model: string;
  /** The provider's own id, as it is sent. */
  readonly upstream: string;
  readonly api: Api;
  readonly family: Family;
  /** What the caller set and this offer cannot serve, by the caller's names. */
  readonly drops: readonly string[];
  /** The wire has `n`, so that one request brings all samples of a prompt. */
  readonly nativeN: boolean;
  readonly nativeStop: boolean;
  readonly toolStreaming: boolean;
  readonly systemRole: boolean;
  /** Chat as finished text, for an offer that speaks raw completion. */
  readonly rendered?: { readonly prompt: string; readonly stop: readonly string[] };
  /** Tokens; sent where a wire truncates without a limit and the caller set none. */
  readonly fallbackMaxTokens?: number;
  /** Most output tokens this offer gives, where it is known. */
  readonly maxOutput?: number;
}

export type ExclusionCode =
  | 'no_credentials'
  | 'retired'
  | 'not_in_region'
  | 'not_allowed'
  | 'no_chat_form'
  | 'no_completion_form'
  | 'unsafe_markers'
  | 'no_tools'
  | 'no_images'
  | 'unsupported_parameter';

/** Why an offer is left out: one reason for machines, one sentence for people. */
export interface Exclusion {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  readonly code: ExclusionCode;
  readonly message: string;
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
  readonly choicesPerJob: number;
  readonly choices: number;
  /** Stop strings that the relay applies, because the wire has none. */
  readonly stop: readonly string[];
}
