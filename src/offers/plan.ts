import type { Call, ChatJob, Job, Prompt, PromptJob } from '../core/index.ts';
import { type Candidate, type Plan, type Refusal, refuse } from './types.ts';

/** HTTP requests that Workers' free plan lets one call make (https://developers.cloudflare.com/workers/platform/limits/). */
export const DEFAULT_SUBREQUESTS = 50;
/** Of them, so many are left for prices, tokens and a retry. */
const RESERVED = 5;

/**
 * Why an offer cannot serve a call that takes so many upstream requests, if it cannot: the platform would refuse those
 * beyond its limit when the others have been made, and billed.
 */
export function overRequestLimit(
  call: Call,
  who: string,
  jobs: number,
  perJob: number,
  limit: number,
): Refusal | undefined {
  const fitting = Math.floor(Math.max(0, limit - RESERVED) / perJob);
  if (jobs <= 1 || jobs <= fitting) return undefined;
  const param = call.n > 1 ? 'n' : 'prompt';
  return refuse(
    'too_many_requests',
    `${who} takes one sample of one prompt in a request: this call is ${jobs} requests, and one call may make ${fitting} ` +
      'here. Ask for fewer at once, or raise CHASQUI_SUBREQUESTS to what your plan of Workers allows.',
    param,
  );
}

/** How an offer serves a call: one upstream request for each prompt, and for each sample where the wire has no `n`. */
export function planFor(call: Call, offer: Candidate, deadlineMs: number): Plan {
  const { sends, output } = offer;
  const stop = sends.form === 'prompts' ? [...call.stop, ...sends.stop] : call.stop;
  const base = {
    model: offer.upstream,
    ...(offer.service === undefined ? {} : { service: offer.service }),
    family: offer.family,
    ...(output.maxTokens === undefined ? {} : { maxTokens: output.maxTokens }),
    stop: offer.nativeStop ? stop : [],
    n: offer.nativeN ? call.n : 1,
    stream: call.stream,
    ...(call.extra === undefined ? {} : { extra: call.extra }),
    deadlineMs,
  };
  const samples = offer.nativeN ? 1 : call.n;
  const jobs: Job[] = [];
  for (const prompt of sends.form === 'prompts' ? sends.prompts : [undefined]) {
    for (let sample = 0; sample < samples; sample++) {
      // One seed for all would make every sample the same: the point of n is that they differ.
      const seed = call.sampling.seed;
      const sampling = seed !== undefined && samples > 1 ? { ...call.sampling, seed: seed + sample } : call.sampling;
      jobs.push(jobOf(call, offer, { ...base, sampling }, prompt));
    }
  }
  const choicesPerJob = offer.nativeN ? call.n : 1;
  return {
    jobs,
    form: jobs.some(comesInOnePiece) ? 'piece' : 'stream',
    choicesPerJob,
    choices: jobs.length * choicesPerJob,
    stop: offer.nativeStop ? [] : stop,
    promptTokens: offer.prompt.total * samples,
    promptExactness: offer.prompt.exactness,
    counter: offer.counter,
  };
}

/** Llama on Bedrock refuses tools in a stream: then the answer comes whole, although the caller streams. */
const comesInOnePiece = (job: Job): boolean =>
  !job.stream || (job.kind === 'chat' && !job.toolStreaming && usesTools(job));

/** Tools are also declared for calls of earlier turns (`toolConfig` must be defined where the messages hold such blocks). */
const usesTools = ({ tools, toolChoice, messages }: ChatJob): boolean =>
  (tools.length > 0 && toolChoice !== 'none') ||
  messages.some((message) => message.role === 'tool' || (message.role === 'assistant' && message.toolCalls));

function jobOf(
  call: Call,
  { api, sends, toolStreaming, systemRole, structured, echo }: Candidate,
  base: Omit<PromptJob, 'kind' | 'api' | 'prompt'>,
  prompt: Prompt | undefined,
): ChatJob | PromptJob {
  if (api !== 'converse' && api !== 'chat') {
    const sent = typeof prompt === 'object' ? { prompt: '', promptIds: prompt } : { prompt: prompt ?? '' };
    return { ...base, kind: 'prompt', api, ...sent, ...(echo === 'wire' ? { echo: true } : {}) };
  }
  // offerSheet gives a chat API to chat calls only.
  const { form, ...chat } = sends.form === 'messages' ? sends : { form: 'messages', messages: [], tools: [] };
  return {
    ...base,
    kind: 'chat',
    api,
    ...chat,
    ...(call.kind === 'chat' && call.toolChoice !== undefined ? { toolChoice: call.toolChoice } : {}),
    ...(call.kind === 'chat' && call.responseFormat !== undefined ? { responseFormat: call.responseFormat } : {}),
    toolStreaming,
    systemRole,
    structured,
  };
}
