import { reasoningBack } from '../catalog/index.ts';
import type { Api, ArrangedChat, ChatCall, ChatParts, MarkerMode, Message, Tool } from '../core/index.ts';
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
  type RenderedSegments,
  renderSegments,
  type Segment,
  strictTurns,
  writtenOut,
} from '../tokens/index.ts';
import { takesExtra } from './drops.ts';
import type { Facts } from './sources.ts';
import { type Refusal, refuse, type World } from './types.ts';

/** A chat as it goes to a chat API, and what the server there makes of it, where we know its template. */
export interface Served extends GuardedChat, ArrangedChat {
  /** Thoughts that the model should have had back do not go out. */
  readonly losesThoughts: boolean;
  readonly segments?: readonly Segment[];
  /** In place of segments: the string that the server makes, and reads the callers' own marks in. */
  readonly parsed?: string;
}

/** A chat as a finished prompt. */
export interface Written {
  readonly prompt: string;
  /** Absent where only the string tells: texts hold marks that a server will read as such, or the template is another family's. */
  readonly segments?: readonly Segment[];
  readonly stop: readonly string[];
  readonly altered: readonly string[];
  readonly losesThoughts: boolean;
}

/** A chat in the forms that its offers send it in. Each is made once, however many offers share it. */
export interface Renderings {
  /** For servers that render by the template of the model's own repository, and parse what they rendered. */
  served(facts: Facts, api: ChatParts['api']): Served | FoundMarker;
  /** For a raw prompt, in the template of `template`. */
  written(
    facts: Facts,
    api: Api,
    template: string,
    bos: Bos,
  ): Written | FoundMarker | Extract<RenderedSegments, { kind: 'none' }>;
}

export const hasImages = (messages: readonly Message[]): boolean =>
  messages.some(({ content }) => typeof content !== 'string' && content.some((part) => part.type === 'image'));

/** Fields of vLLM's and SGLang's (docs.vllm.ai, "OpenAI-Compatible Server": extra parameters) that change what a template makes. */
const TEMPLATE_FIELDS = [
  'chat_template',
  'chat_template_kwargs',
  'documents',
  'add_generation_prompt',
  'continue_final_message',
  'add_special_tokens',
  'truncate_prompt_tokens',
];

/** The caller has a word with the server about the prompt, so that it is not the one known here. */
function isRewritten({ extra }: ChatCall, facts: Facts, api: Api): boolean {
  if (!extra) return false;
  const told = TEMPLATE_FIELDS.filter((field) => field in extra);
  const takes = told.length > 0 ? facts.traits(api)?.takes : undefined;
  return takes !== undefined && told.some((field) => takesExtra(takes, field));
}

function inTurns(family: string, chat: GuardedChat): GuardedChat {
  const messages = strictTurns(family, chat.messages);
  return messages === chat.messages ? chat : { ...chat, messages };
}

const isSameChat = (one: ArrangedChat, other: ArrangedChat): boolean =>
  one.messages === other.messages && (one.tools === other.tools || one.tools.length + other.tools.length === 0);

/**
 * @param mode what is done about template syntax in the texts; absent: broken for servers, refused in our own prompts
 * @param origin the model whose thoughts are in the chat, where there are any
 */
export function renderingsOf(
  call: ChatCall,
  today: string,
  mode: MarkerMode | undefined,
  providers: World['providers'],
  origin: Facts | undefined,
): Renderings {
  const made = new Map<string, unknown>();
  const once = <T>(key: string, make: () => T): T => {
    if (made.has(key)) return made.get(key) as T;
    const value = make();
    made.set(key, value);
    return value;
  };

  /** A text may speak as another role, and does. */
  const speaks = (markers: readonly string[]): boolean =>
    mode === 'allow' && findMarkers(markers, call.messages, call.tools) !== undefined;

  const chatWith = (thoughts: Thoughts): Pick<ChatCall, 'messages' | 'tools'> =>
    once(`thoughts ${thoughts}`, () => ({ messages: withThoughts(call.messages, thoughts), tools: call.tools }));

  /** The chat as its provider sends it. */
  function arranged({ provider, family, systemRole, structured }: Facts, api: ChatParts['api'], chat: GuardedChat) {
    const { messages, tools } = chat;
    const { toolChoice, responseFormat } = call;
    const sent = providers.get(provider)?.arrange?.({
      api,
      family,
      systemRole,
      structured,
      messages,
      tools,
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(responseFormat === undefined ? {} : { responseFormat }),
    });
    return sent ? { ...chat, ...sent } : chat;
  }

  function render(family: string, { messages, tools }: ArrangedChat): RenderedSegments {
    const { reasoningEffort } = call.sampling;
    return renderSegments(family, messages, {
      variant: 'hf',
      tools,
      date: new Date(today),
      ...(reasoningEffort === undefined ? {} : { reasoningEffort }),
    });
  }

  function serve(facts: Facts, api: ChatParts['api']): Served | FoundMarker {
    const { family, provider } = facts;
    const thoughts = thoughtsFor(call, facts, api, origin);
    const lost = { losesThoughts: losesThoughts(call, facts, thoughts) };
    const kind = `${family} ${thoughts}`;
    const safe = once(`guarded ${kind}`, () =>
      guardMessages(markersOf(family), chatWith(thoughts), mode ?? 'neutralise'),
    );
    if ('marker' in safe) return safe;
    // Converse takes turns as they come, and its provider merges them.
    const guarded = api === 'chat' ? once(`strict ${kind}`, () => inTurns(family, safe)) : safe;
    const own = `${kind} ${provider} ${api} ${facts.systemRole} ${facts.structured}`;
    const chat = once(`arranged ${own}`, () => arranged(facts, api, guarded));
    // Offers share what is made of a chat that their providers send unchanged.
    const rendered = once(`served ${isSameChat(chat, guarded) ? `${kind} ${api}` : own}`, () => render(family, chat));
    if (rendered.kind === 'none' || isRewritten(call, facts, api)) return { ...chat, ...lost };
    const { segments } = rendered;
    return speaks(markersOf(family))
      ? { ...chat, ...lost, parsed: writtenOut(segments) }
      : { ...chat, ...lost, segments };
  }

  /** Nothing keeps a content apart from the template around it but that it holds none of its marks. */
  function write(facts: Facts, template: string, bos: Bos, thoughts: Thoughts): ReturnType<Renderings['written']> {
    const { family } = facts;
    const own = markersOf(template);
    const markers = template === family ? own : [...own, ...markersOf(family)];
    const guarded = guardMessages(markers, chatWith(thoughts), mode ?? 'reject');
    if ('marker' in guarded) return guarded;
    const rendered = renderSegments(template, guarded.messages, { bos });
    if (rendered.kind === 'none') return rendered;
    const { segments, stop } = rendered;
    const losing = { losesThoughts: losesThoughts(call, facts, thoughts) };
    const prompt = { prompt: writtenOut(segments), stop, altered: guarded.altered, ...losing };
    return template !== family || speaks(markers) ? prompt : { ...prompt, segments };
  }

  return {
    served: serve,
    written(facts, api, template, bos) {
      // Another family's template has no place for them.
      const thoughts = template === facts.family ? thoughtsFor(call, facts, api, origin) : 'none';
      const key = `written ${facts.family} ${facts.reasons} ${template} ${bos} ${thoughts}`;
      return once(key, () => write(facts, template, bos, thoughts));
    },
  };
}

/** Why a text with template syntax in it is not sent, to whoever wrote it. */
export const unsafe = (model: string, { param, marker }: FoundMarker): Refusal =>
  refuse(
    'unsafe_markers',
    `${param} contains ${marker}, which in ${model}'s prompt would change who is speaking. Remove it, or send "template": {"markers": "neutralise"} to have it broken by an invisible space.`,
    param,
  );

/** A chat that cannot speak as somebody else in the prompt it becomes; `altered` names the fields that were changed for it. */
export interface GuardedChat {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly altered: readonly string[];
}

/** The chat as it may be sent, or what must not be in it. */
export function guardMessages(
  markers: readonly string[],
  { messages, tools }: Pick<ChatCall, 'messages' | 'tools'>,
  mode: MarkerMode,
): GuardedChat | FoundMarker {
  const found = mode === 'allow' ? undefined : findMarkers(markers, messages, tools);
  if (!found) return { messages, tools, altered: [] };
  if (mode === 'reject') return found;
  return {
    messages: neutraliseMessages(markers, messages),
    tools: neutraliseTools(markers, tools),
    altered: markedFields(markers, messages, tools),
  };
}

/** The same for plain texts that go into one prompt, each with its field's name. */
export function guardTexts(
  model: string,
  markers: readonly string[],
  named: readonly (readonly [param: string, text: string])[],
  mode: MarkerMode = 'reject',
): { readonly texts: readonly string[]; readonly altered: readonly string[] } | Refusal {
  const texts = named.map(([, text]) => text);
  const found = mode === 'allow' ? undefined : findMarkersIn(markers, named);
  if (!found) return { texts, altered: [] };
  if (mode === 'reject') return unsafe(model, found);
  const safe = texts.map((text) => broken(text, markers));
  return { texts: safe, altered: named.filter(([, text], n) => text !== safe[n]).map(([param]) => param) };
}

/**
 * Thoughts of earlier answers as an offer gets them: none; those since the last question; all of them, an empty one where there is
 * none; or only empty ones, because they are another model's and this one refuses an answer without.
 */
export type Thoughts = 'none' | 'loop' | 'all' | 'empty';

type Model = Pick<Facts, 'family' | 'model'>;
type Server = Pick<Facts, 'traits' | 'family' | 'model' | 'reasons'>;

const thoughtOf = (message: Message): string | undefined =>
  message.role === 'assistant' ? message.reasoning : undefined;

const usesTools = ({ messages, tools }: ChatCall): boolean =>
  tools.length > 0 || messages.some((message) => message.role === 'assistant' && message.toolCalls?.length);

const isSame = (one: Model, other: Model): boolean =>
  one.model === other.model || (one.family === other.family && one.family !== 'unknown');

const lastQuestion = (messages: readonly Message[]): number => messages.findLastIndex(({ role }) => role === 'user');

/**
 * What an offer gets of the thoughts in a chat. They are taken for those of the first model that the call names, and never go
 * to one of another family. A raw prompt is ours to write; of the chat APIs some refuse them.
 */
export function thoughtsFor(call: ChatCall, facts: Server, api: Api, origin: Model | undefined): Thoughts {
  const back = reasoningBack(facts.family, facts.reasons);
  if (back === 'none') return 'none';
  if ((api === 'chat' || api === 'converse') && !facts.traits(api)?.takes.has('reasoning')) return 'none';
  const same = origin === undefined || isSame(facts, origin);
  if (back === 'loop') return same ? 'loop' : 'none';
  if (!usesTools(call)) return 'none';
  return same ? 'all' : 'empty';
}

/** The messages with these thoughts and no others; the very ones where that changes nothing. */
export function withThoughts(messages: readonly Message[], thoughts: Thoughts): readonly Message[] {
  if (thoughts === 'none' && messages.every((message) => thoughtOf(message) === undefined)) return messages;
  const asked = lastQuestion(messages);
  const wanted = (message: Message, at: number): string | undefined => {
    const has = thoughtOf(message);
    switch (thoughts) {
      case 'none':
        return undefined;
      case 'loop':
        return at > asked ? has : undefined;
      case 'all':
        return has ?? '';
      case 'empty':
        return '';
    }
  };
  if (messages.every((message, at) => message.role !== 'assistant' || wanted(message, at) === thoughtOf(message))) {
    return messages;
  }
  return messages.map((message, at) => {
    if (message.role !== 'assistant') return message;
    const { reasoning: _others, ...rest } = message;
    const reasoning = wanted(message, at);
    return reasoning === undefined ? rest : { ...rest, reasoning };
  });
}

/**
 * Whether something is lost where these are all the thoughts that go out: some since the last question, of a model that
 * should have them back. That a model gets none of its earlier thoughts is how its makers want it.
 */
export function losesThoughts({ messages }: ChatCall, facts: Server, thoughts: Thoughts): boolean {
  if (thoughts === 'loop' || thoughts === 'all') return false;
  if (facts.reasons === true && reasoningBack(facts.family, true) === 'none') return false;
  const asked = lastQuestion(messages);
  return messages.some((message, at) => at > asked && thoughtOf(message));
}
