import { reasoningBack, WIRES, wireOf } from '../catalog/index.ts';
import type { Api, ChatCall, Message } from '../core/index.ts';
import type { Facts } from './facts.ts';

/**
 * Thoughts of earlier answers as an offer gets them: none; those since the last question; all of them, an empty one where there is
 * none; or only empty ones, because they are another model's and this one refuses an answer without.
 */
export type Thoughts = 'none' | 'loop' | 'all' | 'empty';

type Model = Pick<Facts, 'family' | 'model'>;
type Server = Pick<Facts, 'provider' | 'upstream' | 'family' | 'model' | 'reasons'>;

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
  const wire = wireOf(facts.provider, api, facts.family, facts.upstream);
  if ((api === 'chat' || api === 'converse') && !(wire && WIRES[wire].has('reasoning'))) return 'none';
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
