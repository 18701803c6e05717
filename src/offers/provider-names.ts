import { GatewayError, providerNames, type Routing } from '../core/index.ts';

/**
 * Providers of OpenRouter's that are not built in here, as its SDK lists them (npm @openrouter/sdk, `ProviderName`) and by
 * the slugs of its routing docs. A request written for OpenRouter may name them; a name that is not here is a slip.
 */
const ELSEWHERE = providerNames(
  `AI21, AionLabs, Alibaba, Amazon Nova, Anthropic, Arcee, Arcee AI, AtlasCloud, Atoma, Avian, Azure, Baidu, BaseTen,
  Black Forest Labs, ByteDance, Cerebras, Chutes, Cirrascale, Clarifai, Cloudflare, Cohere, CrofAI, Crusoe, DeepInfra,
  DeepSeek, Enfer, Featherless, Fireworks, Friendli, GMICloud, Google, Google AI Studio, Google Vertex, Groq, Hyperbolic,
  Inception, Inceptron, InferenceNet, Infermatic, Inflection, io.net, Kluster, Lambda, Liquid, Mancer, Mancer 2, Meta,
  Minimax, Mistral, ModelRun, Modular, Moonshot AI, Morph, NCompass, Nebius, NextBit, Nineteen, Novita, Nvidia, OpenAI,
  OpenInference, Parasail, Perplexity, Phala, Relace, SambaNova, SiliconFlow, Stealth, StepFun, StreamLake, Switchpoint,
  Targon, Ubicloud, Venice, WandB, xAI, Xiaomi, Z.AI`
    .split(',')
    .map((name) => name.trim()),
);

/** `deepinfra/turbo` is a variant of one: https://openrouter.ai/docs/guides/routing/provider-selection */
const baseOf = (name: string): string => name.split('/', 1)[0] ?? '';
const isElsewhere = (name: string): boolean => ELSEWHERE(baseOf(name)) !== undefined;

/** A caller's preferences by provider, in the names that are used here. */
export interface NamedProviders {
  readonly routing: Routing;
  /** Wishes that came to nothing, for the caller to be told: the field, and why. */
  readonly ignored: readonly string[];
}

const FIELDS = ['order', 'only', 'ignore'] as const;

/**
 * Finds the providers that `order`, `only` and `ignore` name. What OpenRouter has and this deployment has not is left out of
 * the lists, as OpenRouter leaves out what does not serve a model. A name that nobody knows is `invalid_request`, and so is
 * an `only` of which nothing is left: it would be ignored in silence, or leave nothing without a word.
 *
 * @param known the providers of this deployment and those built in
 */
export function namedProviders(
  routing: Routing,
  providerOf: (name: string) => string | undefined,
  known: () => readonly string[],
): NamedProviders {
  if (FIELDS.every((field) => routing[field] === undefined)) return { routing, ignored: [] };
  const ignored: string[] = [];
  const named: { -readonly [K in (typeof FIELDS)[number]]?: string[] } = {};
  for (const field of FIELDS) {
    const names = routing[field];
    if (!names) continue;
    const ids = new Set<string>();
    for (const [at, name] of names.entries()) {
      const id = providerOf(name);
      const param = `provider.${field}[${at}]`;
      const shown = name.slice(0, 100);
      const whole = id === undefined && name.includes('/') ? providerOf(baseOf(name)) : undefined;
      if (id !== undefined) ids.add(id);
      // Its variants (a quantization, a region) are not told apart here: all of it is meant then, and that is said.
      else if (whole !== undefined) {
        ids.add(whole);
        ignored.push(`${param} (${shown} is all of ${whole} here)`);
      } else if (!isElsewhere(name))
        throw unknownProvider(`${param}: there is no provider "${shown}" here.`, param, known());
      // Not to ask whom nobody can ask is no wish left undone.
      else if (field !== 'ignore') ignored.push(`${param} (no ${shown} here)`);
    }
    if (field === 'only' && names.length > 0 && ids.size === 0) {
      const param = 'provider.only';
      throw unknownProvider(`${param}: none of the providers it names is here.`, param, known());
    }
    named[field] = [...ids];
  }
  return { routing: { ...routing, ...named }, ignored };
}

const unknownProvider = (what: string, param: string, known: readonly string[]): GatewayError =>
  new GatewayError('invalid_request', `${what} There are ${known.join(', ')}.`, { param });
