import {
  type Api,
  type ArrangedChat,
  type Call,
  type ChatCall,
  type ChatParts,
  type CompletionCall,
  type MarkerMode,
  type Parameter,
  type Prompt,
  type Provider,
  textOf,
} from '../core/index.ts';
import {
  type Bos,
  bosOn,
  hasTemplate,
  infillMarkersOf,
  renderInfill,
  type Segment,
  type Tokenizers,
  templateFamilies,
  writtenOut,
} from '../tokens/index.ts';
import { guardTexts, hasImages, type Renderings, unsafe } from './renderings.ts';
import { type Facts, factsOf, type OfferSource } from './sources.ts';
import { type Echo, type Refusal, refuse } from './types.ts';

/**
 * Which of an offer's APIs carries a call, and as what: messages that the provider renders itself, or finished prompts.
 * `segments` are what the model reads, where we know it, or `parsed` is, by the special tokens in it; `altered` names the fields whose template syntax was broken.
 */
export type Way =
  | (ArrangedChat & {
      readonly form: 'messages';
      readonly api: Api;
      readonly segments?: readonly Segment[];
      readonly parsed?: string;
      readonly altered: readonly string[];
      readonly losesThoughts?: boolean;
    })
  | {
      readonly form: 'prompts';
      readonly api: Api;
      readonly prompts: readonly Prompt[];
      /** One for each prompt that we rendered, unless its texts hold marks of their own. */
      readonly segments?: readonly (readonly Segment[])[];
      readonly stop: readonly string[];
      readonly altered: readonly string[];
      /** Thoughts that the model should have had back do not go out. */
      readonly losesThoughts?: boolean;
    };

const CHAT_APIS = ['converse', 'chat'] as const satisfies readonly Api[];
const RAW_APIS: readonly Api[] = ['invoke', 'predictions', 'completions'];

/** The provider wraps every prompt in a template of its own, which a whole conversation does not survive. */
const wrapsByItself = ({ about, family, base }: Facts): boolean => about.rendersByItself?.(family, base) ?? false;

/** The caller has begun the answer, which goes on from there: only a raw prompt can be left open. */
function isBegun(call: ChatCall): boolean {
  const last = call.messages.at(-1);
  return last?.role === 'assistant' && !last.toolCalls?.length && textOf(last.content).trim() !== '';
}

const rawApiOf = (facts: Facts): Api | undefined =>
  RAW_APIS.find((api) => facts.apis.includes(api) && facts.traits(api));

const bosFor = (facts: Facts, api: Api): Bos => bosOn(facts.traits(api)?.addsBos, facts.family);

/**
 * @param renderings of the call, where it is a chat
 * @param readIds for prompts of token ids, where it is none
 * @param objectionTo what the provider itself has against a chat
 */
export function wayFor(
  call: Call,
  facts: Facts,
  renderings: Renderings | undefined,
  mode: MarkerMode | undefined,
  readIds: ReadIds,
  objectionTo?: Provider['objectionTo'],
): Way | Refusal {
  if (call.kind === 'completion') return completionWay(call, facts, mode, readIds);
  if (!renderings) throw new Error('A chat has renderings.');
  return chatWay(call, facts, renderings, objectionTo);
}

function completionWay(
  call: CompletionCall,
  facts: Facts,
  mode: MarkerMode | undefined,
  readIds: ReadIds,
): Way | Refusal {
  const api = rawApiOf(facts);
  if (api === undefined) {
    return refuse('no_completion_form', `${facts.provider} takes chats only for ${facts.model}, no raw prompt.`);
  }
  const { suffix } = call;
  const read = call.prompts.map((prompt) => (typeof prompt === 'string' ? prompt : readIds(prompt, facts, api)));
  const prompts: Prompt[] = [];
  for (const prompt of read) {
    if (typeof prompt === 'object' && 'code' in prompt) return prompt;
    prompts.push(prompt);
  }
  if (suffix === undefined) return { form: 'prompts', api, prompts, stop: [], altered: [] };
  if (!facts.infill || wrapsByItself(facts)) {
    return refuse('no_infill', `${facts.model} at ${facts.provider} cannot fill in between a prompt and a suffix.`);
  }
  // A gap is in a text: the dialect takes no token ids with a suffix.
  const texts = prompts.filter((prompt) => typeof prompt === 'string');
  const named = [...texts.map((text, n) => [texts.length > 1 ? `prompt[${n}]` : 'prompt', text] as const)];
  const guarded = guardTexts(facts.model, infillMarkersOf(facts.family), [...named, ['suffix', suffix]], mode);
  if ('code' in guarded) return guarded;
  const bos = bosFor(facts, api);
  const after = guarded.texts.at(-1) ?? '';
  const filled = guarded.texts.slice(0, -1).map((before) => renderInfill(facts.family, before, after, bos));
  const segments: (readonly Segment[])[] = [];
  let stop: readonly string[] = [];
  for (const one of filled) {
    if (one.kind === 'none') return refuse('no_infill', one.reason);
    segments.push(one.segments);
    stop = one.stop;
  }
  return { form: 'prompts', api, prompts: segments.map(writtenOut), segments, stop, altered: guarded.altered };
}

/** For a service of the user's own, whose model the catalogue knows: it may be another one of that name. */
const unlessSaid = ({ service }: Facts, chat: Api | undefined, can: 'tools' | 'vision'): string =>
  service === undefined || chat === undefined
    ? ''
    : ` If yours does, set "capabilities": {"${can}": true} in the entry of ${service}.`;

function chatWay(
  call: ChatCall,
  facts: Facts,
  renderings: Renderings,
  objectionTo?: Provider['objectionTo'],
): Way | Refusal {
  const { name } = call.templating;
  const begun = isBegun(call);
  const chat = name === undefined && !begun ? CHAT_APIS.find((api) => facts.apis.includes(api)) : undefined;
  if (facts.base && name === undefined) {
    return refuse(
      'no_chat_form',
      `${facts.model} is a base model and has no chat form. Use /v1/completions, its chat model, or template.name.`,
    );
  }
  if (call.tools.length > 0 && (!chat || facts.tools === false)) {
    return refuse(
      'no_tools',
      `${facts.model} cannot call tools at ${facts.provider}.${unlessSaid(facts, chat, 'tools')}`,
    );
  }
  if (hasImages(call.messages) && (!chat || facts.vision === false)) {
    return refuse(
      'no_images',
      `${facts.model} takes no images at ${facts.provider}.${unlessSaid(facts, chat, 'vision')}`,
    );
  }
  if (!chat) return promptWay(call, facts, begun, renderings);
  const objection = objectionTo?.(call.messages);
  return objection ? refuse('no_images', objection.message, objection.param) : messagesWay(facts, chat, renderings);
}

function messagesWay(facts: Facts, api: ChatParts['api'], renderings: Renderings): Way | Refusal {
  const served = renderings.served(facts, api);
  return 'marker' in served ? unsafe(facts.model, served) : { form: 'messages', api, ...served };
}

function noChatForm(facts: Facts, begun: boolean): Refusal {
  const api = CHAT_APIS.some((one) => facts.apis.includes(one));
  if (begun && api && rawApiOf(facts) !== undefined) {
    return refuse(
      'no_prefill',
      `The last message begins the answer, which takes a prompt that we write, and the template of ${facts.model} at ${facts.provider} is not known here. Name one in template.name, or set its family where the service is configured.`,
    );
  }
  if (begun && api) {
    return refuse(
      'no_prefill',
      `The last message begins the answer, and ${facts.provider} has only a chat API for ${facts.model}, which would close it. End with a user's message.`,
    );
  }
  const only = `${facts.provider} takes raw prompts only for ${facts.model}`;
  if (wrapsByItself(facts)) return refuse('no_chat_form', `${only}, and wraps each in a template of its own.`);
  return refuse(
    'no_chat_form',
    templateFamilies().includes(facts.family)
      ? `${only}, and its answers then hold marks that a caller should not see.`
      : `${only}, and this gateway has no template for it yet.`,
  );
}

function promptWay(call: ChatCall, facts: Facts, begun: boolean, renderings: Renderings): Way | Refusal {
  const api = rawApiOf(facts);
  const template = call.templating.name ?? facts.family;
  if (api === undefined && call.templating.name !== undefined) {
    const why = `${facts.provider} renders chats of ${facts.model} itself: it takes no template.`;
    return refuse('no_completion_form', why);
  }
  if (api === undefined || !hasTemplate(template) || wrapsByItself(facts)) return noChatForm(facts, begun);
  const written = renderings.written(facts, api, template, bosFor(facts, api));
  if ('marker' in written) return unsafe(facts.model, written);
  if ('kind' in written) return refuse('no_chat_form', written.reason);
  const { prompt, segments, stop, altered, losesThoughts } = written;
  const read = segments ? { segments: [segments] } : {};
  return { form: 'prompts', api, prompts: [prompt], ...read, stop, altered, losesThoughts };
}

/** A prompt as an offer is sent it, for one that came as token ids: they mean something to one tokenizer alone. */
export type ReadIds = (ids: readonly number[], facts: Facts, api: Api) => Prompt | Refusal;

const isSameTokenizer = (facts: Facts, origin: Facts): boolean =>
  facts.model === origin.model || (facts.family === origin.family && facts.family !== 'unknown');

const takesIds = (facts: Facts, api: Api): boolean => facts.traits(api)?.takes.has('promptIds') ?? false;

/**
 * Ids go as they are where the wire takes them. Elsewhere they go as the text that makes these very tokens, if there is one
 * and the model's own tokenizer is here; and never to a model with another tokenizer.
 *
 * @param first the first offer of the call, whose model's ids they are
 */
export function idsReader(first: OfferSource | undefined, tokenizers: Tokenizers): ReadIds {
  const origin = first ? factsOf(first) : undefined;
  return (ids, facts, api) => {
    if (!origin || !isSameTokenizer(facts, origin)) {
      const why = `The prompt is token ids of ${origin?.model ?? 'another model'}, which mean something else to ${facts.model}.`;
      return refuse('unsupported_parameter', why, 'prompt');
    }
    if (takesIds(facts, api)) return ids;
    const tokenizer = tokenizers(facts.family);
    const text = tokenizer.exactness === 'exact' ? tokenizer.decode(ids) : undefined;
    const again = text === undefined ? [] : tokenizer.encode(text, { markers: 'parse' });
    if (text !== undefined && again.length === ids.length && again.every((id, at) => id === ids[at])) return text;
    return refuse(
      'unsupported_parameter',
      `${facts.provider} takes prompts of ${facts.model} as text, and no text is known to make these token ids. Send the text.`,
      'prompt',
    );
  };
}

/** What an offer makes of `echo`. Without an output only an echo is left to ask for, so that there must be one. */
export function echoFor(
  call: Call,
  takes: ReadonlySet<Parameter>,
  facts: Facts,
  prompts: readonly Prompt[],
): Echo | Refusal {
  if (call.kind === 'chat' || !call.echo) return 'none';
  const onWire = takes.has(call.stream ? 'streamedEcho' : 'echo');
  if (call.maxTokens === 0 && !onWire) {
    return refuse(
      'unsupported_parameter',
      `${facts.provider} makes at least one token for ${facts.model}: it cannot be asked about a prompt alone.`,
      'max_tokens',
    );
  }
  const more =
    call.maxTokens === 0 || call.sampling.logprobs !== undefined || prompts.some((one) => typeof one !== 'string');
  return more && onWire ? 'wire' : 'ours';
}
