import type { Api, ChatCall, Message } from '../core/index.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';

/** Which reasoning of earlier answers goes back to a model: models and their servers differ in what they read and require. */

/**
 * Which reasoning of earlier answers is sent: none; what followed the last question (`loop`); all of it, with an empty text
 * where there is none; or only empty texts (`empty`), because it is another model's and this one rejects answers without.
 */
export type KeptReasoning = 'none' | 'loop' | 'all' | 'empty';

const reasoningOf = (message: Message): string | undefined =>
  message.role === 'assistant' ? message.reasoning : undefined;

const usesTools = ({ messages, tools }: ChatCall): boolean =>
  tools.length > 0 || messages.some((message) => message.role === 'assistant' && message.toolCalls?.length);

const isSameModel = (one: ModelOffer, other: ModelOffer): boolean =>
  one.model === other.model || (one.family === other.family && one.family !== 'unknown');

const lastQuestion = (messages: readonly Message[]): number => messages.findLastIndex(({ role }) => role === 'user');

/**
 * The reasoning in a chat is taken to be that of the first model the call names, and is never sent to another family. In a raw
 * prompt the gateway writes it; some chat APIs do not take it.
 */
export function keptReasoning(
  call: ChatCall,
  offer: ModelOffer,
  api: Api,
  origin: ModelOffer | undefined,
): KeptReasoning {
  const back = offer.reasoningBack;
  if (back === 'none') return 'none';
  if ((api === 'chat' || api === 'converse') && !traitsOf(offer, api)?.takes.has('reasoning')) return 'none';
  const same = origin === undefined || isSameModel(offer, origin);
  if (back === 'loop') return same ? 'loop' : 'none';
  if (!usesTools(call)) return 'none';
  return same ? 'all' : 'empty';
}

/** The messages with that reasoning and no other; `messages` itself where that changes nothing. */
export function withReasoning(messages: readonly Message[], kept: KeptReasoning): readonly Message[] {
  if (kept === 'none' && messages.every((message) => reasoningOf(message) === undefined)) return messages;
  const asked = lastQuestion(messages);
  const wanted = (message: Message, at: number): string | undefined => {
    const has = reasoningOf(message);
    switch (kept) {
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
  if (messages.every((message, at) => message.role !== 'assistant' || wanted(message, at) === reasoningOf(message))) {
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
 * Whether reasoning since the last question is lost that the model should get back. Earlier reasoning is left out as the
 * models' makers specify, which is no loss.
 */
export function losesReasoning(
  { messages }: ChatCall,
  { reasons, reasoningBack }: ModelOffer,
  kept: KeptReasoning,
): boolean {
  if (kept === 'loop' || kept === 'all') return false;
  if (reasons === true && reasoningBack === 'none') return false;
  const asked = lastQuestion(messages);
  return messages.some((message, at) => at > asked && reasoningOf(message));
}
