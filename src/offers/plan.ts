import type { Call, ChatJob, Job, PromptJob } from '../core/index.ts';
import type { Candidate, Plan } from './types.ts';

/** The smaller of what the caller asked for and what the offer gives; what the wire needs where the caller did not ask. */
function maxTokensFor(call: Call, offer: Candidate): { maxTokens?: number } {
  const wanted = call.maxTokens ?? offer.fallbackMaxTokens;
  if (wanted === undefined) return {};
  return { maxTokens: offer.maxOutput === undefined ? wanted : Math.min(wanted, offer.maxOutput) };
}

/** The prompts of a call: a chat is one. */
function promptsOf(call: Call, offer: Candidate): readonly string[] {
  if (call.kind === 'completion') return call.prompts;
  return offer.rendered ? [offer.rendered.prompt] : [''];
}

/** How an offer serves a call: one upstream request for each prompt, and for each sample where the wire has no `n`. */
export function planFor(call: Call, offer: Candidate, deadlineMs: number): Plan {
  const stop = [...call.stop, ...(offer.rendered?.stop ?? [])];
  const base = {
    model: offer.upstream,
    ...(offer.service === undefined ? {} : { service: offer.service }),
    family: offer.family,
    ...maxTokensFor(call, offer),
    stop: offer.nativeStop ? stop : [],
    n: offer.nativeN ? call.n : 1,
    stream: call.stream,
    deadlineMs,
  };
  const samples = offer.nativeN ? 1 : call.n;
  const jobs: Job[] = [];
  for (const prompt of promptsOf(call, offer)) {
    for (let sample = 0; sample < samples; sample++) {
      // One seed for all would make every sample the same: the point of n is that they differ.
      const seed = call.sampling.seed;
      const sampling = seed !== undefined && samples > 1 ? { ...call.sampling, seed: seed + sample } : call.sampling;
      jobs.push(jobOf(call, offer, { ...base, sampling }, prompt));
    }
  }
  const choicesPerJob = offer.nativeN ? call.n : 1;
  return { jobs, choicesPerJob, choices: jobs.length * choicesPerJob, stop: offer.nativeStop ? [] : stop };
}

function jobOf(
  call: Call,
  offer: Candidate,
  base: Omit<PromptJob, 'kind' | 'api' | 'prompt'>,
  prompt: string,
): ChatJob | PromptJob {
  const { api } = offer;
  if (api !== 'converse' && api !== 'chat') return { ...base, kind: 'prompt', api, prompt };
  // offerSheet gives a chat API to chat calls only.
  const chat = call.kind === 'chat' ? call : { messages: [], tools: [] };
  return {
    ...base,
    kind: 'chat',
    api,
    messages: chat.messages,
    tools: chat.tools,
    ...(call.kind === 'chat' && call.toolChoice !== undefined ? { toolChoice: call.toolChoice } : {}),
    ...(call.kind === 'chat' && call.responseFormat !== undefined ? { responseFormat: call.responseFormat } : {}),
    toolStreaming: offer.toolStreaming,
    systemRole: offer.systemRole,
  };
}
