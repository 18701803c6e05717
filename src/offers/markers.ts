import type { ChatCall, MarkerMode, Message, Tool } from '../core/index.ts';
import {
  broken,
  type FoundMarker,
  findMarkers,
  findMarkersIn,
  markedFields,
  neutraliseMessages,
  neutraliseTools,
} from '../tokens/index.ts';
import { type Refusal, refuse } from './types.ts';

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
