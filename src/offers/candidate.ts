import type { Priced } from '../catalog/index.ts';
import type { Api, Call, Family, NanoDollars, RetrievalCall, TimeoutSettings, Vote } from '../core/index.ts';
import type { PromptCounter, Tokenizers } from '../tokens/index.ts';
import { affordable, type Billed, callCost, costBound, expectedTokens } from './cost.ts';
import { promptParts } from './counting.ts';
import { isLimit, limitedTo } from './drops.ts';
import type { Breaker, Observed } from './health.ts';
import type { ModelOffer } from './model-offers.ts';
import { hasImages, type Renderings } from './renderings.ts';
import type { ReadIds, RequestForm } from './request-form.ts';
import type { CallCost, Candidate, Echo, OutputLimit, PromptSize, Standing, World } from './types.ts';

/**
 * An assessed offer that can serve the call. Its cost and the reasons for its rank are worked out when they are read.
 */

/** What the assessments of one call share. */
export interface Assessment<C extends Call | RetrievalCall = Call> {
  /** With the routing that applies to the model. */
  readonly call: C;
  readonly world: World;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The day, as `2026-11-27`, by which prices are judged. */
  readonly today: string;
  readonly tokenizers: Tokenizers;
  /** Made when something is counted. */
  readonly counter: () => PromptCounter;
  /** Of a chat. */
  readonly renderings: Renderings | undefined;
  readonly readIds: ReadIds;
  /** Preferences that no offer can meet. Every offer says so, and none is held responsible. */
  readonly ignored: readonly string[];
  /** The configured name through which the call reached the model. */
  readonly route: string | undefined;
  /** The prompt's tokens as providers counted them, by `offerName`. */
  readonly providerCounts: ReadonlyMap<string, number> | undefined;
  /** Also work out the prompt and cost of excluded offers. */
  readonly explain: boolean;
  /** Stands for the call's conversation: see affinity.ts. Made when it is asked for. */
  readonly conversation: () => number;
  /** Count a prompt only when the count is read, where the assessment does not depend on it. */
  readonly countWhenRead: boolean;
}

/** What was found out about an offer that can serve the call. */
interface Findings extends Pick<Candidate, 'drops' | 'loses' | 'structured' | 'nativeN' | 'nativeStop' | 'prompt'> {
  readonly echo: Echo;
  readonly priced: Priced;
  readonly billed: Billed;
  readonly observed: Observed | undefined;
  readonly breaker: Breaker;
}

/** A candidate whose cost and reasons are worked out when somebody reads them. Ranking completes it. */
export class AssessedOffer implements Candidate {
  readonly provider: string;
  declare readonly service?: string;
  readonly model: string;
  declare readonly route?: string;
  readonly upstream: string;
  readonly api: Api;
  readonly family: Family;
  readonly drops: readonly string[];
  readonly altered: readonly string[];
  readonly nativeN: boolean;
  readonly nativeStop: boolean;
  readonly echo: Echo;
  readonly toolStreaming: boolean;
  readonly systemRole: boolean;
  readonly sends: Candidate['sends'];
  readonly prompt: PromptSize;
  readonly reportsExtra: number;
  readonly output: OutputLimit;
  declare readonly contextLength?: number;
  readonly counter: Candidate['counter'];
  declare readonly timeouts?: TimeoutSettings;
  declare readonly policyFallbacks?: true;
  declare readonly strict?: true;
  readonly standing: Standing;
  readonly priced: Priced;
  declare readonly observed?: Observed;
  readonly breaker: Breaker;
  readonly loses: boolean;
  readonly structured: boolean;
  declare plain?: Candidate;
  declare schemas?: string;
  declare mostInputs?: number;
  readonly conversation: () => number;
  declare drawn?: number;
  /** The conversation keeps this offer, of several. */
  declare kept?: true;
  readonly #given: Assessment<Call | RetrievalCall>;
  readonly #offer: ModelOffer;
  readonly #form: RequestForm;
  readonly #findings: Findings;
  readonly #reasons: (() => readonly string[])[];
  #cost: CallCost | undefined | null = null;
  #why: readonly string[] | undefined;

  constructor(given: Assessment<Call | RetrievalCall>, offer: ModelOffer, form: RequestForm, findings: Findings) {
    const { call, tokenizers, route, conversation } = given;
    this.provider = offer.provider;
    if (offer.service !== undefined) this.service = offer.service;
    this.model = offer.model;
    if (route !== undefined) this.route = route;
    this.upstream = offer.upstream;
    this.api = form.api;
    this.family = offer.family;
    this.drops = findings.drops;
    this.altered = form.altered;
    this.nativeN = findings.nativeN;
    this.nativeStop = findings.nativeStop;
    this.echo = findings.echo;
    this.toolStreaming = offer.streamingTools;
    this.systemRole = offer.systemRole;
    this.sends = sentAs(form);
    this.prompt = findings.prompt;
    this.reportsExtra = findings.billed.reportsExtra;
    this.output = findings.billed.output;
    if (offer.contextLength !== undefined) this.contextLength = offer.contextLength;
    this.counter = tokenizers(offer.family);
    if (offer.timeouts) this.timeouts = offer.timeouts;
    if (call.routing.allowPolicyFallbacks) this.policyFallbacks = true;
    if (call.routing.requireParameters) this.strict = true;
    this.standing = offer.standing;
    this.priced = findings.priced;
    if (findings.observed) this.observed = findings.observed;
    this.breaker = findings.breaker;
    this.loses = findings.loses;
    this.structured = findings.structured;
    this.conversation = conversation;
    this.#given = given;
    this.#offer = offer;
    this.#form = form;
    this.#findings = findings;
    this.#reasons = [
      () => [
        ...unknownsOf(call, offer),
        ...guessedLimit(call, offer, form.api, this.output),
        ...('vote' in call && call.vote ? waysToVote(call.vote, this.nativeN) : []),
      ],
    ];
  }

  get cost(): CallCost | undefined {
    if (this.#cost === null) this.#cost = callCost(this.#given.call, this.priced, this.#findings.billed);
    return this.#cost;
  }

  get why(): readonly string[] {
    this.#why ??= this.#reasons.flatMap((reasons) => reasons());
    return this.#why;
  }

  bound(): ReturnType<typeof costBound> {
    return costBound(this.#given.call, this.priced, this.#findings.billed);
  }

  within(cost: NanoDollars): Candidate | undefined {
    const output = affordable(this.#given.call, this.priced, this.#findings.billed, cost);
    if (!output) return undefined;
    const { call } = this.#given;
    const [priced, billed, whole] = [this.priced, { ...this.#findings.billed, output }, this];
    return {
      ...this,
      output,
      cutFrom: this,
      cost: callCost(call, priced, billed),
      bound: () => costBound(call, priced, billed),
      tokensExpected: () => expectedTokens(call, billed),
      shortened: (maxTokens) => whole.shortened(maxTokens),
      get why() {
        return [...whole.why, `The budget pays for ${output.maxTokens} tokens of an answer.`];
      },
    };
  }

  parts(): ReturnType<typeof promptParts> {
    return promptParts(this.#form, this.#offer, this.#given.tokenizers(this.family));
  }

  tokensExpected(): number {
    return expectedTokens(this.#given.call, this.#findings.billed);
  }

  shortened(maxTokens: number): AssessedOffer | undefined {
    const { call } = this.#given;
    const asked = 'maxTokens' in call && call.maxTokens !== undefined;
    if (asked && call.routing.requireParameters) return undefined;
    const { billed, drops } = this.#findings;
    const output = { ...billed.output, maxTokens, most: maxTokens, clamped: asked };
    const shorter = new AssessedOffer(this.#given, this.#offer, this.#form, {
      ...this.#findings,
      ...(asked ? { drops: [...drops.filter((name) => !isLimit(name)), limitedTo(maxTokens)], loses: true } : {}),
      billed: { ...billed, output },
    });
    if (this.plain) shorter.plain = this.plain;
    if (this.schemas !== undefined) shorter.schemas = this.schemas;
    return shorter;
  }

  /** Adds sentences to `why`, made when that is read. */
  explain(reasons: () => readonly string[]): void {
    this.#reasons.push(reasons);
  }
}

/** Says that a limit nobody asked for may be lower than necessary. */
const guessedLimit = (
  call: Call | RetrievalCall,
  offer: ModelOffer,
  api: Api,
  { maxTokens }: OutputLimit,
): readonly string[] =>
  api === 'completions' &&
  'stop' in call &&
  call.maxTokens === undefined &&
  maxTokens !== undefined &&
  !offer.contextServed
    ? [`Its context is not known here, so the answer gets ${maxTokens} tokens: set max_tokens, or its context_length.`]
    : [];

/** How the samples of a vote are asked for. */
function waysToVote({ samples }: Vote, nativeN: boolean): readonly string[] {
  return nativeN
    ? [`One request for all ${samples} samples of the vote: the prompt is billed once, and none is stopped early.`]
    : [
        `A request for each of the ${samples} samples of the vote, until it is decided: the rest are not paid for in full.`,
      ];
}

/** What is sent although it is not known whether the model can do it. */
function unknownsOf(call: Call | RetrievalCall, { tools, vision }: ModelOffer): readonly string[] {
  if (call.kind !== 'chat') return [];
  const asked = [
    ...(tools === 'unknown' && call.tools.length > 0 ? ['call tools'] : []),
    ...(vision === 'unknown' && hasImages(call.messages) ? ['take images'] : []),
  ];
  return asked.map((can) => `Whether it can ${can} is not known here: they are sent, and the server says.`);
}

function sentAs(form: RequestForm): Candidate['sends'] {
  if (form.form === 'prompts') return { form: 'prompts', prompts: form.prompts, stop: form.stop };
  const { messages, tools, toolNames, dropsToolCalls, imagePaths } = form.chat;
  if (!toolNames && !dropsToolCalls && !imagePaths) return { form: 'messages', messages, tools };
  return {
    form: 'messages',
    messages,
    tools,
    ...(toolNames ? { toolNames } : {}),
    ...(dropsToolCalls ? { dropsToolCalls } : {}),
    ...(imagePaths ? { imagePaths } : {}),
  };
}
