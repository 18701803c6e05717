import type { Family } from '../../../src/core/index.ts';
import { isMistral } from '../family.ts';
import { nine } from './hash.ts';

/** API model, `ToolUseId`. */
const TAKEN = /^[a-zA-Z0-9_-]{1,64}$/;
/** Mistral's chat templates refuse any other (so also Vercel's AI SDK, `normalize-tool-call-id`). */
const MISTRAL_TAKEN = /^[a-zA-Z0-9]{9}$/;

/**
 * Ids of a conversation's calls as Bedrock takes them, each used once: some clients count `call_0` anew in every turn.
 * The same conversation always gives the same ids.
 */
export function toolIds(family: Family): (id: string) => string {
  const taken = isMistral(family) ? MISTRAL_TAKEN : TAKEN;
  const used = new Set<string>();
  return (id) => {
    let wire = taken.test(id) ? id : nine(id);
    for (let again = 2; used.has(wire); again++) wire = nine(`${id}\n${again}`);
    used.add(wire);
    return wire;
  };
}
