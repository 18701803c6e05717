import type { Api, Call } from '../core/index.ts';

/** Bedrock's InvokeModel for Llama takes at most this as `max_gen_len` (and truncates at 512 without it). */
const INVOKE_DEFAULT = 2048;
/** What Replicate's engines serve where the catalogue knows no context. */
const ASSUMED_CONTEXT = 4096;
const LEAST_OUTPUT = 256;
/** Bytes of one token, taken low so that prompt and output fit; exact counting replaces this guess. */
const BYTES_PER_TOKEN = 2;
const TEMPLATE_MARGIN = 16;

/**
 * What to send as the output limit where the caller set none and the wire would truncate without one: the largest that
 * fits. Undefined elsewhere: what the caller did not set is not sent.
 */
export function fallbackMaxTokens(
  call: Call,
  api: Api,
  rendered: string | undefined,
  contextLength: number | undefined,
  maxOutput: number | undefined,
): number | undefined {
  if (call.maxTokens !== undefined) return undefined;
  if (api === 'invoke') return maxOutput ?? INVOKE_DEFAULT;
  if (api !== 'predictions') return undefined;
  const prompts = call.kind === 'completion' ? call.prompts : [rendered ?? ''];
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const context = contextLength ?? ASSUMED_CONTEXT;
  const room = context - Math.ceil(longest / BYTES_PER_TOKEN) - TEMPLATE_MARGIN;
  return Math.min(maxOutput ?? context, Math.max(LEAST_OUTPUT, room));
}
