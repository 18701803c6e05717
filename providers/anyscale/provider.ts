/** Answers calls by a service with an OpenAI API: one of Anyscale's, or any other server of the operator's own. */
import {
  abortReason,
  type Fetch,
  GatewayError,
  type Generation,
  type Job,
  type ModelAt,
  type Probe,
  type Provider,
  type ProviderDescriptor,
  probeFound,
  unreachable,
} from '../../src/core/index.ts';
import {
  arrangeFor,
  askForModels,
  type ReasoningField,
  readAnswer,
  type ServerProfile,
  wireRequest,
} from '../openai/index.ts';
import { headersFor, type Service } from './service.ts';
import { countAt, detokenizeAt, type RuledOut, type TokenContext, tokenizeAt } from './tokens.ts';

/** Ray Serve passes requests to vLLM or SGLang, which follow OpenAI's API (docs.vllm.ai, "OpenAI-Compatible Server"). */
const openAiServer = (id: string, name: string): ServerProfile => ({
  id,
  name,
  chatLogprobs: 'flag-and-top',
  toolChoiceNone: 'send',
  askStreamUsage: { chat: true, completions: true },
  // Both, until an answer shows which one the server has: vLLM and Ollama use `reasoning`, older vLLM, SGLang and
  // llama.cpp `reasoning_content`.
  reasoningFields: ['reasoning', 'reasoning_content'],
  sendsExtra: 'all',
  thinkingSwitch: false,
});

/**
 * A provider with one or more OpenAI-compatible services. There is no official package for them, so the transport is
 * `fetch`. A job names its service by id, unless there is only one.
 */
export function openAiServices(about: ProviderDescriptor, services: readonly Service[], fetch: Fetch): Provider {
  const { id, name } = about;
  const server = openAiServer(id, name);
  const byId = new Map(services.map((service) => [service.id, service]));

  function serviceOf(job: { readonly service?: string }): Service {
    const service = job.service === undefined && services.length === 1 ? services[0] : byId.get(job.service ?? '');
    if (service) return service;
    throw new GatewayError('internal', `${name} has no service of the name this offer was made under.`, {
      provider: name,
    });
  }

  /** The token APIs that each service is known not to have. */
  const ruledOutAt = new Map<Service, RuledOut>();

  /** The field in which each service sends reasoning, once an answer has shown it. */
  const reasoningField = new Map<Service, ReasoningField>();

  function profileOf(service: Service): ServerProfile {
    const shown = reasoningField.get(service);
    return {
      ...server,
      ...(shown ? { reasoningFields: [shown] } : {}),
      reasoningSeen: (field) => reasoningField.set(service, field),
    };
  }

  function tokenContext(of: Pick<ModelAt, 'service'>, signal: AbortSignal): TokenContext {
    const service = serviceOf(of);
    const ruledOut = ruledOutAt.get(service) ?? new Set();
    ruledOutAt.set(service, ruledOut);
    return { service, fetch, signal, ruledOut };
  }

  /** Checks that a service's list has the models that are configured for it. */
  async function probeService(service: Service, models: readonly ModelAt[], signal: AbortSignal): Promise<Probe> {
    const asked = `GET ${service.baseUrl}/models`;
    const init = { headers: headersFor(service), signal, redirect: 'manual' } as const;
    const steps = {
      host: `Check base_url of ${service.id}, which ends in /v1 with most servers, and that the server runs.`,
      key: `Check token of ${service.id}.`,
    };
    const upstream = { id, name: service.id };
    const send = () => (service.fetch ?? fetch)(`${service.baseUrl}/models`, init);
    const answer = await askForModels(asked, send, upstream, steps, signal);
    const of = services.length > 1 ? { service: service.id } : {};
    if ('probe' in answer) return { ...of, ...answer.probe };
    const wanted = models.filter((at) => at.service === service.id).map(({ model }) => model);
    const step = (there: string) => `Set upstream of these models to what it has: ${there || 'nothing'}.`;
    // Ollama lists `llama3.2:latest` and also takes `llama3.2`.
    const there = new Set([...answer.ids].flatMap((id) => [id, id.replace(/:latest$/, '')]));
    return { ...of, ...probeFound(asked, wanted, there, step, (missing) => missing.length < wanted.length) };
  }

  return {
    id,
    about,
    probe: (models, signal) => Promise.all(services.map((service) => probeService(service, models, signal))),
    arrange: arrangeFor(server),
    countTokens: (job, signal) => countAt(job, profileOf(serviceOf(job)), tokenContext(job, signal)),
    tokenize: (at, text, markers, signal) => tokenizeAt(at, text, markers, tokenContext(at, signal)),
    detokenize: (at, ids, signal) => detokenizeAt(at, ids, tokenContext(at, signal)),
    async generate(job: Job, signal: AbortSignal): Promise<Generation> {
      const service = serviceOf(job);
      if (signal.aborted) throw abortReason(signal);
      const profile = profileOf(service);
      const { path, body } = wireRequest(job, profile);
      let response: Response;
      try {
        response = await (service.fetch ?? fetch)(`${service.baseUrl}${path}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: body.stream ? 'text/event-stream, application/json' : 'application/json',
            ...headersFor(service),
          },
          body: JSON.stringify(body),
          signal,
          // A redirect would turn the POST into a GET, and may send the token to another host.
          redirect: 'manual',
        });
      } catch {
        // The message of fetch's error may contain hosts and paths.
        throw signal.aborted ? abortReason(signal) : unreachable(name).with({ provider: id });
      }
      return readAnswer(response, job, signal, profile);
    },
  };
}
