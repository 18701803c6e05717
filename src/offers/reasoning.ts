import type { Api, ChatCall, Message } from '../core/index.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';

/**
 * Which reasoning of earlier answers goes back to a model: models and their servers differ in what they read and
 * require.
 */

/**
 * Which reasoning of earlier answers is sent: none; what followed the last final answer (`loop`); all of it, with an
 * empty text where there is none (`all`). With `other`, reasoning that does not say whose it is belongs to another
 * model.
 */
export type KeptReasoning = 'none' | 'loop' | 'all' | 'loop-other' | 'all-other';

const reasoningOf = (message: Message): string | undefined =>
  message.role === 'assistant' ? message.reasoning : undefined;

const usesTools = ({ messages, tools }: ChatCall): boolean =>
  tools.length > 0 || messages.some((message) => message.role === 'assistant' && message.toolCalls?.length);

const isSameModel = (one: ModelOffer, other: ModelOffer): boolean =>
  one.model === other.model || (one.family === other.family && one.family !== 'unknown');

/** Whose reasoning it is, as messages and carriers name it: the family, or the model where the family is not known. */
export const reasoningFamilyOf = ({ family, model }: Pick<ModelOffer, 'family' | 'model'>): string =>
  family === 'unknown' ? `model:${model}` : family;

/**
 * Where the answer that is being made begins: after the last final answer. A question does not begin it: agents put
 * reminders and new orders after the results of tools, in the middle of one loop.
 */
const lastFinalAnswer = (messages: readonly Message[]): number =>
  messages.findLastIndex((message, at) => {
    const next = messages[at + 1]?.role;
    return message.role === 'assistant' && !message.toolCalls?.length && next !== undefined && next !== 'assistant';
  });

/**
 * Reasoning is never sent to another family. Where a message does not say whose it is, it is taken to be that of the
 * first model the call names (`origin`). In a raw prompt the gateway writes it; some chat APIs do not take it.
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
  if (back === 'all' && !usesTools(call)) return 'none';
  return origin === undefined || isSameModel(offer, origin) ? back : `${back}-other`;
}

/** The reasoning that is sent with the message at an index; undefined for none. */
function sentReasoning(
  messages: readonly Message[],
  kept: KeptReasoning,
  family: string,
): (message: Message, at: number) => string | undefined {
  if (kept === 'none') return () => undefined;
  const ended = lastFinalAnswer(messages);
  const own = (message: Message): string | undefined => {
    if (message.role !== 'assistant') return undefined;
    const { reasoning, reasoningFamily } = message;
    const same = reasoningFamily === undefined ? kept === 'loop' || kept === 'all' : reasoningFamily === family;
    return same ? reasoning : undefined;
  };
  const isAll = kept === 'all' || kept === 'all-other';
  // A server that demands reasoning takes an empty one.
  return (message, at) => (isAll ? (own(message) ?? '') : at > ended ? own(message) : undefined);
}

/**
 * The messages with that reasoning and no other; `messages` itself where that changes nothing.
 *
 * @param family whose reasoning the model is sent: see `reasoningFamilyOf`
 */
export function withReasoning(messages: readonly Message[], kept: KeptReasoning, family: string): readonly Message[] {
  const wanted = sentReasoning(messages, kept, family);
  if (messages.every((message, at) => message.role !== 'assistant' || wanted(message, at) === reasoningOf(message))) {
    return messages;
  }
  return messages.map((message, at) => {
    if (message.role !== 'assistant') return message;
    const { reasoning: _others, reasoningFamily: _family, ...rest } = message;
    const reasoning = wanted(message, at);
    return reasoning === undefined ? rest : { ...rest, reasoning };
  });
}

/**
 * Whether reasoning is lost that the model should get back: since the last final answer, or at any place where it
 * demands all. What the models' makers leave out themselves is no loss, but another model's reasoning always is.
 */
export function losesReasoning({ messages }: ChatCall, offer: ModelOffer, kept: KeptReasoning): boolean {
  const family = reasoningFamilyOf(offer);
  const makersOmit = offer.reasons === true && offer.reasoningBack === 'none';
  const isAll = kept === 'all' || kept === 'all-other';
  const ended = isAll ? -1 : lastFinalAnswer(messages);
  const sent = sentReasoning(messages, kept, family);
  return messages.some((message, at) => {
    if (at <= ended || message.role !== 'assistant' || !message.reasoning) return false;
    const { reasoning, reasoningFamily = family } = message;
    return makersOmit ? reasoningFamily !== family : sent(message, at) !== reasoning;
  });
}
