import type { Call, ChatJob, Job, Prompt, PromptJob } from '../core/index.ts';
import type { Candidate, Plan } from './types.ts';

/** The last step before the relay: the upstream requests (jobs) by which one offer serves a call. */

/** One upstream request for each prompt, and for each sample if the API has no `n`. */
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
      // With one seed all samples would be the same.
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
    get promptTokens() {
      return offer.prompt.total * samples;
    },
    get promptExactness() {
      return offer.prompt.exactness;
    },
    get counter() {
      return offer.counter;
    },
  };
}

/** Llama on Bedrock refuses tools in a stream, so the answer comes as a whole even if the caller streams. */
const comesInOnePiece = (job: Job): boolean =>
  !job.stream || (job.kind === 'chat' && !job.toolStreaming && usesTools(job));

/** Earlier turns with tool calls count too: Bedrock requires `toolConfig` then. */
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
  // Only chat calls get a chat API.
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
