import type { ServerBos } from '../core/index.ts';
import type { Bos } from './render.ts';
import { templateOf } from './templates/index.ts';

/**
 * Who writes begin-of-sequence into a raw prompt: the server, or we, as text. Where both may, we do: a missing one costs the most.
 *
 * @param adds what the provider's API does by itself; absent where that is not known
 */
export function bosOn(adds: ServerBos | undefined, family: string): Bos {
  return adds === 'all' || (Array.isArray(adds) && adds.includes(family)) ? 'server' : 'text';
}

/** How many begin-of-sequence a server puts in front of this prompt. */
export function bosAdded(adds: ServerBos | undefined, family: string, prompt: string): 0 | 1 {
  const begin = templateOf(family)?.begin ?? '';
  if (begin === '' || adds === undefined) return 0;
  if (adds === 'unless-there') return prompt.startsWith(begin) ? 0 : 1;
  return bosOn(adds, family) === 'server' ? 1 : 0;
}

/** Whether models of a family read a begin-of-sequence at all. */
export const begins = (family: string): boolean => (templateOf(family)?.begin ?? '') !== '';
