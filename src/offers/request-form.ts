import {
  type Api,
  type Call,
  type ChatCall,
  type ChatParts,
  type CompletionCall,
  type MarkerMode,
  type Message,
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
import { type ModelOffer, traitsOf } from './model-offers.ts';
import { guardTexts, hasImages, type MessagesForm, type Renderings, unsafe } from './renderings.ts';
import { type Echo, type ExclusionReason, exclude } from './types.ts';

/** Decides which of an offer's APIs carries a call, and in which form: messages for a chat API, or rendered prompts. */

/** A call as one API takes it. `altered` names the fields whose template markers were neutralised. */
export type RequestForm =
  | MessagesForm
  | {
      readonly form: 'prompts';
      readonly api: Api;
      readonly prompts: readonly Prompt[];
      /** What the model reads of each prompt that we rendered, unless its texts hold markers of their own. */
      readonly segments?: readonly (readonly Segment[])[];
      readonly stop: readonly string[];
      readonly altered: readonly string[];
      /** Reasoning is lost that the model should get back. */
      readonly losesReasoning?: boolean;
    };

const CHAT_APIS = ['converse', 'chat'] as const satisfies readonly Api[];
const RAW_APIS: readonly Api[] = ['invoke', 'predictions', 'completions'];

/** The server wraps every prompt in a template of its own, so a conversation cannot be sent as a prompt. */
const wrapsPrompts = ({ about, family, base }: ModelOffer): boolean => about.rendersByItself?.(family, base) ?? false;

/** The last message begins the answer (prefill). Only a raw prompt can be continued. */
function isPrefilled(call: ChatCall): boolean {
  const last = call.messages.at(-1);
  return last?.role === 'assistant' && !last.toolCalls?.length && textOf(last.content).trim() !== '';
}

const rawApiOf = (offer: ModelOffer): Api | undefined =>
  RAW_APIS.find((api) => offer.apis.includes(api) && traitsOf(offer, api));

const bosFor = (offer: ModelOffer, api: Api): Bos => bosOn(traitsOf(offer, api)?.addsBos, offer.family);

/**
 * @param renderings of the call, if it is a chat
 * @param readIds converts prompts of token ids, if it is none
 * @param server which may object to a chat
 */
export function requestFormFor(
  call: Call,
  offer: ModelOffer,
  renderings: Renderings | undefined,
  mode: MarkerMode | undefined,
  readIds: ReadIds,
  server?: Pick<Provider, 'objectionTo'>,
): RequestForm | ExclusionReason {
  if (call.kind === 'completion') return completionForm(call, offer, mode, readIds);
  if (!renderings) throw new Error('A chat has renderings.');
  return chatForm(call, offer, renderings, server);
}

function completionForm(
  call: CompletionCall,
  offer: ModelOffer,
  mode: MarkerMode | undefined,
  readIds: ReadIds,
): RequestForm | ExclusionReason {
  const api = rawApiOf(offer);
  if (api === undefined) {
    return exclude('no_completion_form', `${offer.provider} takes chats only for ${offer.model}, no raw prompt.`);
  }
  const prompts: Prompt[] = [];
  for (const given of call.prompts) {
    const prompt = typeof given === 'string' ? given : readIds(given, offer, api);
    if (typeof prompt === 'object' && 'code' in prompt) return prompt;
    prompts.push(prompt);
  }
  const { suffix } = call;
  if (suffix === undefined) return { form: 'prompts', api, prompts, stop: [], altered: [] };
  return infillForm(offer, api, prompts, suffix, mode);
}

function infillForm(
  offer: ModelOffer,
  api: Api,
  prompts: readonly Prompt[],
  suffix: string,
  mode: MarkerMode | undefined,
): RequestForm | ExclusionReason {
  const { family, model, provider } = offer;
  if (!offer.infill || wrapsPrompts(offer)) {
    return exclude('no_infill', `${model} at ${provider} cannot fill in between a prompt and a suffix.`);
  }
  // The dialect takes no token ids together with a suffix.
  const texts = prompts.filter((prompt) => typeof prompt === 'string');
  const named = texts.map((text, n) => [texts.length > 1 ? `prompt[${n}]` : 'prompt', text] as const);
  const guarded = guardTexts(model, infillMarkersOf(family), [...named, ['suffix', suffix]], mode);
  if ('code' in guarded) return guarded;
  const bos = bosFor(offer, api);
  const after = guarded.texts.at(-1) ?? '';
  const segments: (readonly Segment[])[] = [];
  let stop: readonly string[] = [];
  for (const before of guarded.texts.slice(0, -1)) {
    const infill = renderInfill(family, before, after, bos);
    if (infill.kind === 'none') return exclude('no_infill', infill.reason);
    segments.push(infill.segments);
    stop = infill.stop;
  }
  return { form: 'prompts', api, prompts: segments.map(writtenOut), segments, stop, altered: guarded.altered };
}

/** Advice for a configured service whose model the catalogue knows: it may be another model of that name. */
const unlessConfigured = ({ service }: ModelOffer, chat: Api | undefined, can: 'tools' | 'vision'): string =>
  service === undefined || chat === undefined
    ? ''
    : ` If yours does, set "capabilities": {"${can}": true} in the entry of ${service}.`;

/** Where the first PDF of a chat is; undefined if it has none. */
function fileIn(messages: readonly Message[]): string | undefined {
  for (const [n, { content }] of messages.entries()) {
    const at = typeof content === 'string' ? -1 : content.findIndex((part) => part.type === 'file');
    if (at >= 0) return `messages[${n}].content[${at}].file.file_data`;
  }
  return undefined;
}

function chatForm(
  call: ChatCall,
  offer: ModelOffer,
  renderings: Renderings,
  server?: Pick<Provider, 'objectionTo'>,
): RequestForm | ExclusionReason {
  const { name } = call.templating;
  const prefilled = isPrefilled(call);
  const chat = name === undefined && !prefilled ? CHAT_APIS.find((api) => offer.apis.includes(api)) : undefined;
  if (offer.base && name === undefined) {
    return exclude(
      'no_chat_form',
      `${offer.model} is a base model and has no chat form. Use /v1/completions, its chat model, or template.name.`,
    );
  }
  if (call.tools.length > 0 && (!chat || offer.tools === false)) {
    return exclude(
      'no_tools',
      `${offer.model} cannot call tools at ${offer.provider}.${unlessConfigured(offer, chat, 'tools')}`,
    );
  }
  if (hasImages(call.messages) && (!chat || offer.vision === false)) {
    return exclude(
      'no_images',
      `${offer.model} takes no images at ${offer.provider}.${unlessConfigured(offer, chat, 'vision')}`,
    );
  }
  const file = fileIn(call.messages);
  if (file !== undefined && !(chat && traitsOf(offer, chat)?.takes.has('files'))) {
    const why = `${offer.provider} is not known to read PDFs for ${offer.model}. Send their text, or their pages as images.`;
    return exclude('no_files', why, file);
  }
  if (!chat) return promptForm(call, offer, prefilled, renderings);
  const objection = server?.objectionTo?.(call.messages);
  return objection ? exclude('no_images', objection.message, objection.param) : messagesForm(offer, chat, renderings);
}

function messagesForm(offer: ModelOffer, api: ChatParts['api'], renderings: Renderings): RequestForm | ExclusionReason {
  const request = renderings.asMessages(offer, api);
  return 'marker' in request ? unsafe(offer.model, request) : request;
}

function noChatForm(offer: ModelOffer, prefilled: boolean): ExclusionReason {
  const { model, provider, family } = offer;
  const hasChatApi = CHAT_APIS.some((one) => offer.apis.includes(one));
  if (prefilled && hasChatApi && rawApiOf(offer) !== undefined) {
    return exclude(
      'no_prefill',
      `The last message begins the answer, which takes a prompt that we write, and the template of ${model} at ${provider} is not known here. Name one in template.name, or set its family where the service is configured.`,
    );
  }
  if (prefilled && hasChatApi) {
    return exclude(
      'no_prefill',
      `The last message begins the answer, and ${provider} has only a chat API for ${model}, which would close it. End with a user's message.`,
    );
  }
  const only = `${provider} takes raw prompts only for ${model}`;
  if (wrapsPrompts(offer)) return exclude('no_chat_form', `${only}, and wraps each in a template of its own.`);
  return exclude(
    'no_chat_form',
    templateFamilies().includes(family)
      ? `${only}, and its answers then hold marks that a caller should not see.`
      : `${only}, and this gateway has no template for it yet.`,
  );
}

function promptForm(
  call: ChatCall,
  offer: ModelOffer,
  prefilled: boolean,
  renderings: Renderings,
): RequestForm | ExclusionReason {
  const api = rawApiOf(offer);
  const template = call.templating.name ?? offer.family;
  if (api === undefined && call.templating.name !== undefined) {
    const why = `${offer.provider} renders chats of ${offer.model} itself: it takes no template.`;
    return exclude('no_completion_form', why);
  }
  if (api === undefined || !hasTemplate(template) || wrapsPrompts(offer)) return noChatForm(offer, prefilled);
  const rendered = renderings.asPrompt(offer, api, template, bosFor(offer, api));
  if ('marker' in rendered) return unsafe(offer.model, rendered);
  if ('kind' in rendered) return exclude('no_chat_form', rendered.reason);
  const { prompt, segments, stop, altered, losesReasoning } = rendered;
  return {
    form: 'prompts',
    api,
    prompts: [prompt],
    ...(segments ? { segments: [segments] } : {}),
    stop,
    altered,
    losesReasoning,
  };
}

/** Converts a prompt of token ids to what an offer is sent. Ids mean something to one tokenizer only. */
export type ReadIds = (ids: readonly number[], offer: ModelOffer, api: Api) => Prompt | ExclusionReason;

const hasSameTokenizer = (offer: ModelOffer, origin: ModelOffer): boolean =>
  offer.model === origin.model || (offer.family === origin.family && offer.family !== 'unknown');

/**
 * Token ids are sent as they are where the API takes them. Elsewhere they are sent as the text that encodes to
 * exactly these tokens, if there is one and the model's tokenizer is here. They are never sent to a model with
 * another tokenizer.
 *
 * @param origin the first offer of the call, whose model's ids they are
 */
export function idsReader(origin: ModelOffer | undefined, tokenizers: Tokenizers): ReadIds {
  return (ids, offer, api) => {
    if (!origin || !hasSameTokenizer(offer, origin)) {
      const why = `The prompt is token ids of ${origin?.model ?? 'another model'}, which mean something else to ${offer.model}.`;
      return exclude('unsupported_parameter', why, 'prompt');
    }
    if (traitsOf(offer, api)?.takes.has('promptIds')) return ids;
    const tokenizer = tokenizers(offer.family);
    const text = tokenizer.exactness === 'exact' ? tokenizer.decode(ids) : undefined;
    const again = text === undefined ? [] : tokenizer.encode(text, { markers: 'parse' });
    if (text !== undefined && again.length === ids.length && again.every((id, at) => id === ids[at])) return text;
    return exclude(
      'unsupported_parameter',
      `${offer.provider} takes prompts of ${offer.model} as text, and no text is known to make these token ids. Send the text.`,
      'prompt',
    );
  };
}

/** Who does the echo of a completion. With `max_tokens: 0` the echo is all there is, so the server must do it. */
export function echoFor(call: Call, offer: ModelOffer, api: Api, prompts: readonly Prompt[]): Echo | ExclusionReason {
  if (call.kind === 'chat' || !call.echo) return 'none';
  const native = traitsOf(offer, api)?.takes.has(call.stream ? 'streamedEcho' : 'echo') === true;
  if (call.maxTokens === 0 && !native) {
    return exclude(
      'unsupported_parameter',
      `${offer.provider} makes at least one token for ${offer.model}: it cannot be asked about a prompt alone.`,
      'max_tokens',
    );
  }
  const more =
    call.maxTokens === 0 || call.sampling.logprobs !== undefined || prompts.some((one) => typeof one !== 'string');
  return more && native ? 'wire' : 'ours';
}
