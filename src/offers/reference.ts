import type { Call } from '../core/index.ts';
import type { PromptCounter } from '../tokens/index.ts';
import { type Facts, factsOf } from './facts.ts';
import { measure } from './measure.ts';
import { renderingsOf } from './renderings.ts';
import type { OfferSource } from './source.ts';
import type { PromptSize, Refusal } from './types.ts';
import { wayFor } from './way.ts';

/**
 * What a call comes to for a model whoever serves it: a chat in the template of its own repository, a raw prompt behind
 * the begin-of-sequence that the model reads; as any vLLM would have it.
 */
export function referenceSize(
  call: Call,
  source: OfferSource,
  counter: PromptCounter,
  today: string,
): PromptSize | Refusal {
  const facts: Facts = {
    ...factsOf(source),
    provider: 'reference',
    apis: ['chat', 'completions'],
    tools: true,
    vision: true,
  };
  const mode = call.templating.markers;
  const renderings = call.kind === 'chat' ? renderingsOf(call, today, mode, new Map(), facts) : undefined;
  const way = wayFor(call, facts, renderings, mode, (ids) => ids);
  return 'code' in way ? way : measure(way, facts, counter);
}
