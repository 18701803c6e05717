import type { Parameter } from '../catalog/index.ts';
import type { Call, Sampling, ToolChoice } from '../core/index.ts';
import type { OutputLimit } from './types.ts';

/** The caller's name for each parameter, for headers and messages. */
const CALLERS_NAME: Readonly<Record<keyof Sampling, string>> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  seed: 'seed',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  repetitionPenalty: 'repetition_penalty',
  logitBias: 'logit_bias',
  logprobs: 'logprobs',
  reasoningEffort: 'reasoning_effort',
  thinking: 'reasoning.enabled',
  parallelToolCalls: 'parallel_tool_calls',
  user: 'user',
};

/** Characters of a name that the caller made up. */
const MAX_NAME = 80;

/** `auto` is what happens without a choice, and for `none` the tools are left out. */
const SERVED_BY_US: ReadonlySet<ToolChoice> = new Set<ToolChoice>(['auto', 'none']);

/** What the caller set and a wire cannot serve, by the caller's names. `n` and `stop` are never dropped: we serve them. */
export function dropsFor(call: Call, takes: ReadonlySet<Parameter>, output: OutputLimit): string[] {
  const drops: string[] = [];
  for (const key of Object.keys(call.sampling) as (keyof Sampling)[]) {
    if (call.sampling[key] !== undefined && !takes.has(key)) drops.push(CALLERS_NAME[key]);
  }
  if (call.kind === 'chat') {
    if (call.responseFormat && !takes.has('responseFormat')) drops.push('response_format');
    if (
      call.toolChoice !== undefined &&
      !SERVED_BY_US.has(call.toolChoice) &&
      call.tools.length > 0 &&
      !takes.has('toolChoice')
    ) {
      drops.push('tool_choice');
    }
  }
  if (output.clamped) drops.push(`max_tokens (limited to ${output.maxTokens})`);
  if (!takes.has('extra')) drops.push(...Object.keys(call.extra ?? {}).map((name) => name.slice(0, MAX_NAME)));
  drops.push(...call.unknownParameters, ...(call.routing.unmet ?? []));
  return drops;
}
