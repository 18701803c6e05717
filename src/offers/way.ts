import { wireOf } from '../catalog/index.ts';
import {
  type Api,
  type Call,
  type ChatCall,
  type CompletionCall,
  type MarkerMode,
  type Message,
  type Tool,
  textOf,
} from '../core/index.ts';
import {
  type Bos,
  bosOn,
  hasTemplate,
  infillMarkersOf,
  isRawWire,
  markersOf,
  renderInfill,
  renderSegments,
  type Segment,
  writtenOut,
} from '../tokens/index.ts';
import type { Facts } from './facts.ts';
import { guardMessages, guardTexts } from './markers.ts';
import { type Refusal, refuse } from './types.ts';

/**
 * Which of an offer's APIs carries a call, and as what: messages that the provider renders itself, or finished prompts.
 * `segments` are what the model reads, where we know it; `altered` names the fields whose template syntax was broken.
 */
export type Way =
  | {
      readonly form: 'messages';
      readonly api: Api;
      readonly messages: readonly Message[];
      readonly tools: readonly Tool[];
      readonly segments?: readonly Segment[];
      readonly altered: readonly string[];
    }
  | {
      readonly form: 'prompts';
      readonly api: Api;
      readonly prompts: readonly string[];
      /** One for each prompt that we rendered. */
      readonly segments?: readonly (readonly Segment[])[];
      readonly stop: readonly string[];
      readonly bos: Bos;
      readonly altered: readonly string[];
    };

const CHAT_APIS: readonly Api[] = ['converse', 'chat'];
const RAW_APIS: readonly Api[] = ['invoke', 'predictions', 'completions'];

/** Its Replicate versions wrap every prompt in a template of their own, which a whole conversation does not survive. */
const wrapsByItself = (facts: Facts): boolean =>
  facts.provider === 'replicate' && facts.family === 'code-llama' && !facts.base;

const hasImages = (call: ChatCall): boolean =>
  call.messages.some(({ content }) => typeof content !== 'string' && content.some((part) => part.type === 'image'));

/** The caller has begun the answer, which goes on from there: only a raw prompt can be left open. */
function isBegun(call: ChatCall): boolean {
  const last = call.messages.at(-1);
  return last?.role === 'assistant' && !last.toolCalls?.length && textOf(last.content).trim() !== '';
}

const rawApiOf = (facts: Facts): Api | undefined =>
  RAW_APIS.find((api) => facts.apis.includes(api) && wireOf(facts.provider, api, facts.family));

function bosFor(facts: Facts, api: Api): Bos {
  const wire = wireOf(facts.provider, api, facts.family, facts.upstream);
  return wire && isRawWire(wire) ? bosOn(wire, facts.family) : 'text';
}

/** @param markers what the deployment does about template syntax, where the caller does not say */
export function wayFor(call: Call, facts: Facts, today: string, markers?: MarkerMode): Way | Refusal {
  const mode = call.templating.markers ?? markers;
  return call.kind === 'completion' ? completionWay(call, facts, mode) : chatWay(call, facts, today, mode);
}

function completionWay(call: CompletionCall, facts: Facts, mode: MarkerMode | undefined): Way | Refusal {
  const api = rawApiOf(facts);
  if (api === undefined) {
    return refuse('no_completion_form', `${facts.provider} takes chats only for ${facts.model}, no raw prompt.`);
  }
  const bos = bosFor(facts, api);
  const { prompts, suffix } = call;
  if (suffix === undefined) return { form: 'prompts', api, prompts, stop: [], bos, altered: [] };
  if (!facts.infill || wrapsByItself(facts)) {
    return refuse('no_infill', `${facts.model} at ${facts.provider} cannot fill in between a prompt and a suffix.`);
  }
  const named = [...prompts.map((text, n) => [prompts.length > 1 ? `prompt[${n}]` : 'prompt', text] as const)];
  const guarded = guardTexts(facts.model, infillMarkersOf(facts.family), [...named, ['suffix', suffix]], mode);
  if ('code' in guarded) return guarded;
  const after = guarded.texts.at(-1) ?? '';
  const filled = guarded.texts.slice(0, -1).map((before) => renderInfill(facts.family, before, after, bos));
  const segments: (readonly Segment[])[] = [];
  let stop: readonly string[] = [];
  for (const one of filled) {
    if (one.kind === 'none') return refuse('no_infill', one.reason);
    segments.push(one.segments);
    stop = one.stop;
  }
  return { form: 'prompts', api, prompts: segments.map(writtenOut), segments, stop, bos, altered: guarded.altered };
}

function chatWay(call: ChatCall, facts: Facts, today: string, mode: MarkerMode | undefined): Way | Refusal {
  const { name } = call.templating;
  const begun = isBegun(call);
  const chat = name === undefined && !begun ? CHAT_APIS.find((api) => facts.apis.includes(api)) : undefined;
  if (facts.base && name === undefined) {
    return refuse(
      'no_chat_form',
      `${facts.model} is a base model and has no chat form. Use /v1/completions, its chat model, or template.name.`,
    );
  }
  if (call.tools.length > 0 && (!chat || !facts.tools)) {
    return refuse('no_tools', `${facts.model} cannot call tools at ${facts.provider}.`);
  }
  if (hasImages(call) && (!chat || !facts.vision)) {
    return refuse('no_images', `${facts.model} takes no images at ${facts.provider}.`);
  }
  return chat ? messagesWay(call, facts, chat, today, mode) : promptWay(call, facts, begun, mode);
}

/** The provider renders, by the template of the model's own repository, and parses what it rendered. */
function messagesWay(
  call: ChatCall,
  facts: Facts,
  api: Api,
  today: string,
  mode: MarkerMode = 'neutralise',
): Way | Refusal {
  const guarded = guardMessages(facts.model, markersOf(facts.family), call, mode);
  if ('code' in guarded) return guarded;
  const { messages, tools, altered } = guarded;
  const { reasoningEffort } = call.sampling;
  const rendered = renderSegments(facts.family, messages, {
    variant: 'hf',
    tools,
    date: new Date(today),
    ...(reasoningEffort === undefined ? {} : { reasoningEffort }),
  });
  const segments = rendered.kind === 'prompt' ? { segments: rendered.segments } : {};
  return { form: 'messages', api, messages, tools, altered, ...segments };
}

function noChatForm(facts: Facts, begun: boolean): Refusal {
  const api = CHAT_APIS.some((one) => facts.apis.includes(one));
  if (begun && api) {
    return refuse(
      'no_prefill',
      `The last message begins the answer, and ${facts.provider} has only a chat API for ${facts.model}, which would close it. End with a user's message.`,
    );
  }
  return refuse(
    'no_chat_form',
    `${facts.provider} takes raw prompts only for ${facts.model}, and this gateway has no template for it yet.`,
  );
}

/** We render, so nothing keeps a content apart from the template around it but that it holds none of its marks. */
function promptWay(call: ChatCall, facts: Facts, begun: boolean, mode: MarkerMode = 'reject'): Way | Refusal {
  const api = rawApiOf(facts);
  const family = call.templating.name ?? facts.family;
  if (api === undefined && call.templating.name !== undefined) {
    return refuse(
      'no_completion_form',
      `${facts.provider} renders chats of ${facts.model} itself: it takes no template.`,
    );
  }
  if (api === undefined || !hasTemplate(family) || wrapsByItself(facts)) return noChatForm(facts, begun);
  const markers = family === facts.family ? markersOf(family) : [...markersOf(family), ...markersOf(facts.family)];
  const guarded = guardMessages(facts.model, markers, call, mode);
  if ('code' in guarded) return guarded;
  const bos = bosFor(facts, api);
  const rendered = renderSegments(family, guarded.messages, { bos });
  if (rendered.kind === 'none') return refuse('no_chat_form', rendered.reason);
  const { segments, stop } = rendered;
  return {
    form: 'prompts',
    api,
    prompts: [writtenOut(segments)],
    segments: [segments],
    stop,
    bos,
    altered: guarded.altered,
  };
}
