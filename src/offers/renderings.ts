import { WIRES, wireOf } from '../catalog/index.ts';
import type { Api, ChatCall, ChatParts, ChatRead, MarkerMode, Message } from '../core/index.ts';
import {
  type Bos,
  type FoundMarker,
  findMarkers,
  markersOf,
  type RenderedSegments,
  renderSegments,
  type Segment,
  strictTurns,
  writtenOut,
} from '../tokens/index.ts';
import { takesExtra } from './drops.ts';
import type { Facts } from './facts.ts';
import { type GuardedChat, guardMessages } from './markers.ts';
import { readBy } from './read.ts';
import { losesThoughts, type Thoughts, thoughtsFor, withThoughts } from './reasoning.ts';
import type { World } from './types.ts';

/** A chat as it goes to a chat API, and what the server there makes of it, where we know its template. */
export interface Served extends GuardedChat {
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
function isRewritten({ extra }: ChatCall, { provider, family, upstream }: Facts, api: Api): boolean {
  if (!extra) return false;
  const told = TEMPLATE_FIELDS.filter((field) => field in extra);
  const wire = told.length > 0 ? wireOf(provider, api, family, upstream) : undefined;
  return wire !== undefined && told.some((field) => takesExtra(WIRES[wire], field));
}

function inTurns(family: string, chat: GuardedChat): GuardedChat {
  const messages = strictTurns(family, chat.messages);
  return messages === chat.messages ? chat : { ...chat, messages };
}

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

  function render(family: string, { messages, tools }: ChatRead): RenderedSegments {
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
    const reads = hasImages(call.messages) ? undefined : providers.get(provider)?.reads;
    const read = readBy(reads, call, facts, api, guarded);
    const rendered =
      read === guarded
        ? once(`served ${kind} ${api}`, () => render(family, guarded))
        : once(`served ${kind} ${provider} ${api} ${facts.systemRole} ${facts.structured}`, () => render(family, read));
    if (rendered.kind === 'none' || isRewritten(call, facts, api)) return { ...guarded, ...lost };
    const { segments } = rendered;
    return speaks(markersOf(family))
      ? { ...guarded, ...lost, parsed: writtenOut(segments) }
      : { ...guarded, ...lost, segments };
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
