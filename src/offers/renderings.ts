import type { Api, ArrangedChat, ChatCall, ChatParts, Content, MarkerMode, Message } from '../core/index.ts';
import {
  type Bos,
  broken,
  type FoundMarker,
  findMarkers,
  findMarkersIn,
  markedFields,
  markersOf,
  neutraliseMessages,
  neutraliseTools,
  placeSystem,
  promptAtMost,
  type RenderedSegments,
  type RenderOptions,
  renderSegments,
  type Segment,
  strictTurns,
  writtenOut,
} from '../tokens/index.ts';
import { takesExtra } from './drops.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';
import { type KeptReasoning, keptReasoning, losesReasoning, reasoningFamilyOf, withReasoning } from './reasoning.ts';
import { type ExclusionReason, exclude, type World } from './types.ts';

/**
 * The forms in which a chat is sent: as messages that the provider renders, or as a prompt that the gateway renders.
 * Earlier reasoning is kept or removed, template markers in the caller's texts are neutralised or refused, and the
 * provider arranges the messages. Offers of one family share the work.
 */

/** What the model reads: segments, or one string whose special tokens the server parses. */
export type RenderedText = { readonly segments: readonly Segment[] } | { readonly parsed: string };

/** A chat for a chat API. */
export interface MessagesForm {
  readonly form: 'messages';
  readonly api: Api;
  readonly chat: ArrangedChat;
  readonly altered: readonly string[];
  readonly losesReasoning: boolean;
  /**
   * The prompt that the server makes of it, rendered when first asked for; undefined where we do not know its
   * template.
   */
  rendered(): RenderedText | undefined;
  /**
   * The most tokens that `rendered` can have, without rendering. Undefined where it returns nothing, or a string.
   *
   * @param saving by how many tokens it was found too high before: a closer bound then takes longer
   */
  tokensAtMost(saving?: number): number | undefined;
}

/** A chat as a prompt. */
export interface RenderedChat {
  readonly prompt: string;
  /**
   * Absent where only the string says what the model reads: its texts hold markers, or the template is another
   * family's.
   */
  readonly segments?: readonly Segment[];
  readonly stop: readonly string[];
  readonly altered: readonly string[];
  readonly losesReasoning: boolean;
}

/** The forms of one chat. Each is made once, however many offers share it. */
export interface Renderings {
  /** For servers that render with the template of the model's own repository and parse the result. */
  asMessages(offer: ModelOffer, api: ChatParts['api']): MessagesForm | FoundMarker;
  /** For raw prompts, in the template of the family `template`. */
  asPrompt(
    offer: ModelOffer,
    api: Api,
    template: string,
    bos: Bos,
  ): RenderedChat | FoundMarker | Extract<RenderedSegments, { kind: 'none' }>;
}

export const hasImages = (messages: readonly Message[]): boolean =>
  messages.some(({ content }) => typeof content !== 'string' && content.some((part) => part.type === 'image'));

/** Parameters of vLLM and SGLang that change how a chat is rendered (docs.vllm.ai, "OpenAI-Compatible Server"). */
const TEMPLATE_FIELDS = [
  'chat_template',
  'chat_template_kwargs',
  'documents',
  'add_generation_prompt',
  'continue_final_message',
  'add_special_tokens',
  'truncate_prompt_tokens',
];

/** The caller changes how the server renders the chat, so the prompt is not the one known here. */
function changesTemplate({ extra }: ChatCall, offer: ModelOffer, api: Api): boolean {
  if (!extra) return false;
  const takes = traitsOf(offer, api)?.takes;
  return takes !== undefined && TEMPLATE_FIELDS.some((field) => field in extra && takesExtra(takes, field));
}

/** What the server is told about thinking, which some templates state. */
type AskedThinking = Pick<RenderOptions, 'reasoningEffort' | 'thinking'>;
const NOTHING_ASKED: AskedThinking = {};

/** A model that cannot think has no switch for it. */
function askedThinking({ sampling }: ChatCall, offer: ModelOffer, api: Api): AskedThinking {
  const { reasoningEffort: effort, thinking } = sampling;
  if ((effort === undefined && thinking === undefined) || offer.reasons === false) return NOTHING_ASKED;
  const takes = traitsOf(offer, api)?.takes;
  const switched = takes?.has('thinking') ? (effort === 'none' ? false : thinking) : undefined;
  return {
    ...(effort !== undefined && takes?.has('reasoningEffort') ? { reasoningEffort: effort } : {}),
    ...(switched === undefined ? {} : { thinking: switched }),
  };
}

/**
 * Before the result of a tool that failed. Converse has a field for it, which only Amazon's and Anthropic's models
 * read.
 */
const FAILED = 'Error: ';

/** The messages, in which failed tools say so in words: no template of an open model has another place for it. */
function withErrorsSaid(messages: readonly Message[]): readonly Message[] {
  if (!messages.some((message) => message.role === 'tool' && message.isError)) return messages;
  return messages.map((message) => {
    if (message.role !== 'tool' || !message.isError) return message;
    const { isError: _, content, ...rest } = message;
    const said: Content = typeof content === 'string' ? FAILED + content : [{ type: 'text', text: FAILED }, ...content];
    return { ...rest, content: said };
  });
}

/** What offers of one family share of a chat. */
interface SharedForm {
  readonly guarded: GuardedChat | FoundMarker;
  inTurns?: GuardedChat;
  /** Renderings of the chat as it is in `guarded`, and in `inTurns`. */
  rendered?: RenderedSegments;
  renderedInTurns?: RenderedSegments;
}

/**
 * @param mode how template markers in the texts are handled; absent: neutralised for servers, refused in our own
 *   prompts
 * @param origin the model whose reasoning is in the chat, if there is any
 */
export function renderingsOf(
  call: ChatCall,
  today: string,
  mode: MarkerMode | undefined,
  providers: World['providers'],
  origin: ModelOffer | undefined,
): Renderings {
  const shared = new Map<string, Partial<Record<KeptReasoning, SharedForm>>>();
  const prompts = new Map<string, ReturnType<Renderings['asPrompt']>>();

  /** The caller allows texts to contain markers, and one does. */
  const hasLiveMarkers = (markers: readonly string[]): boolean =>
    mode === 'allow' && findMarkers(markers, call.messages, call.tools) !== undefined;

  const history = withErrorsSaid(call.messages);

  const chatWith = (kept: KeptReasoning, offer: ModelOffer): Pick<ChatCall, 'messages' | 'tools'> => ({
    messages: withReasoning(history, kept, reasoningFamilyOf(offer)),
    tools: call.tools,
  });

  function sharedForm(offer: ModelOffer, kept: KeptReasoning, asked: AskedThinking): SharedForm {
    // Whose reasoning it is depends on the family, or on the model where the family is not known.
    const family = reasoningFamilyOf(offer);
    const shares = asked === NOTHING_ASKED ? family : `${family} ${asked.reasoningEffort} ${asked.thinking}`;
    let forms = shared.get(shares);
    if (!forms) {
      forms = {};
      shared.set(shares, forms);
    }
    forms[kept] ??= { guarded: guardChat(markersOf(offer.family), chatWith(kept, offer), mode ?? 'neutralise') };
    return forms[kept];
  }

  /** The chat as its provider sends it; `chat` itself where that changes nothing. */
  function arranged(
    { provider, family, systemRole, structured }: ModelOffer,
    api: ChatParts['api'],
    chat: GuardedChat,
  ) {
    const arrange = providers.get(provider)?.arrange;
    if (!arrange) return chat;
    const { messages, tools } = chat;
    const { toolChoice, responseFormat } = call;
    return arrange({
      api,
      family,
      systemRole,
      structured,
      messages,
      tools,
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(responseFormat === undefined ? {} : { responseFormat }),
    });
  }

  /** As servers render: with the template of the model's own repository. */
  const optionsFor = ({ tools }: ArrangedChat, asked: AskedThinking): RenderOptions => ({
    variant: 'hf',
    tools,
    date: new Date(today),
    ...asked,
  });

  /** Converse takes turns as they come, and its provider merges them. Other servers want them to alternate. */
  function asMessages(offer: ModelOffer, api: ChatParts['api']): MessagesForm | FoundMarker {
    const { family } = offer;
    const kept = keptReasoning(call, offer, api, origin);
    const asked = askedThinking(call, offer, api);
    const form = sharedForm(offer, kept, asked);
    const { guarded } = form;
    if ('marker' in guarded) return guarded;
    if (api === 'chat') form.inTurns ??= inTurns(family, guarded);
    const given = form.inTurns && api === 'chat' ? form.inTurns : guarded;
    const chat = arranged(offer, api, given);
    const rewritten = changesTemplate(call, offer, api);
    let known: { readonly text: RenderedText | undefined } | undefined;
    const render = (): RenderedSegments => renderSegments(family, chat.messages, optionsFor(chat, asked));
    function renderedOnce(): RenderedSegments {
      if (!isSameChat(chat, given)) return render();
      if (api !== 'chat') {
        form.rendered ??= render();
        return form.rendered;
      }
      form.renderedInTurns ??= render();
      return form.renderedInTurns;
    }
    function textOfPrompt(): RenderedText | undefined {
      const rendered = rewritten ? undefined : renderedOnce();
      if (rendered?.kind !== 'prompt') return undefined;
      const { segments } = rendered;
      return hasLiveMarkers(markersOf(family)) ? { parsed: writtenOut(segments) } : { segments };
    }
    return {
      form: 'messages',
      api,
      chat,
      altered: guarded.altered,
      losesReasoning: losesReasoning(call, offer, kept),
      tokensAtMost: (saving) =>
        rewritten || hasLiveMarkers(markersOf(family))
          ? undefined
          : promptAtMost.chat(family, chat.messages, optionsFor(chat, asked), saving),
      rendered() {
        known ??= { text: textOfPrompt() };
        return known.text;
      },
    };
  }

  /** In a prompt of our own only the absence of markers keeps a text apart from the template around it. */
  function write(
    offer: ModelOffer,
    template: string,
    bos: Bos,
    kept: KeptReasoning,
  ): ReturnType<Renderings['asPrompt']> {
    const { family } = offer;
    const own = markersOf(template);
    const markers = template === family ? own : [...own, ...markersOf(family)];
    const guarded = guardChat(markers, chatWith(kept, offer), mode ?? 'reject');
    if ('marker' in guarded) return guarded;
    const rendered = renderSegments(template, placeSystem(template, guarded.messages), { bos });
    if (rendered.kind === 'none') return rendered;
    const { segments, stop } = rendered;
    const losing = { losesReasoning: losesReasoning(call, offer, kept) };
    const prompt = { prompt: writtenOut(segments), stop, altered: guarded.altered, ...losing };
    return template !== family || hasLiveMarkers(markers) ? prompt : { ...prompt, segments };
  }

  return {
    asMessages,
    asPrompt(offer, api, template, bos) {
      // Another family's template has no place for reasoning.
      const kept = template === offer.family ? keptReasoning(call, offer, api, origin) : 'none';
      const key = `${reasoningFamilyOf(offer)} ${offer.reasons} ${template} ${bos} ${kept}`;
      let prompt = prompts.get(key);
      if (!prompt) {
        prompt = write(offer, template, bos, kept);
        prompts.set(key, prompt);
      }
      return prompt;
    },
  };
}

const isSameChat = (one: ArrangedChat, other: ArrangedChat): boolean =>
  one.messages === other.messages && (one.tools === other.tools || one.tools.length + other.tools.length === 0);

function inTurns(family: string, chat: GuardedChat): GuardedChat {
  const messages = strictTurns(family, placeSystem(family, chat.messages));
  return messages === chat.messages ? chat : { ...chat, messages };
}

// Template markers.

/** A chat whose texts cannot change who is speaking; `altered` names the fields that were changed for that. */
export interface GuardedChat extends Pick<ChatCall, 'messages' | 'tools'> {
  readonly altered: readonly string[];
}

/** Why a text with template markers is not sent, for its author. */
export const unsafe = (model: string, { param, marker }: FoundMarker): ExclusionReason =>
  exclude(
    'unsafe_markers',
    `${param} contains ${marker}, which in ${model}'s prompt would change who is speaking. Remove it, or send "template": {"markers": "neutralise"} to have it broken by an invisible space.`,
    param,
  );

const NOTHING_ALTERED: readonly string[] = [];

/** The chat with its markers handled as `mode` says, or the first marker where they are refused. */
function guardChat(
  markers: readonly string[],
  { messages, tools }: Pick<ChatCall, 'messages' | 'tools'>,
  mode: MarkerMode,
): GuardedChat | FoundMarker {
  const found = mode === 'allow' ? undefined : findMarkers(markers, messages, tools);
  if (!found) return { messages, tools, altered: NOTHING_ALTERED };
  if (mode === 'reject') return found;
  return {
    messages: neutraliseMessages(markers, messages),
    tools: neutraliseTools(markers, tools),
    altered: markedFields(markers, messages, tools),
  };
}

/** The same for plain texts that go into one prompt, each with the name of its field. */
export function guardTexts(
  model: string,
  markers: readonly string[],
  named: readonly (readonly [param: string, text: string])[],
  mode: MarkerMode = 'reject',
): { readonly texts: readonly string[]; readonly altered: readonly string[] } | ExclusionReason {
  const texts = named.map(([, text]) => text);
  const found = mode === 'allow' ? undefined : findMarkersIn(markers, named);
  if (!found) return { texts, altered: NOTHING_ALTERED };
  if (mode === 'reject') return unsafe(model, found);
  const safe = texts.map((text) => broken(text, markers));
  return { texts: safe, altered: named.filter(([, text], n) => text !== safe[n]).map(([param]) => param) };
}
