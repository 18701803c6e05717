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
  askForModels,
  type ReasoningField,
  readAnswer,
  type WireDialect,
  wireReads,
  wireRequest,
} from '../openai-wire/index.ts';
import { headersFor } from './ask.ts';
import { openAiDialect } from './dialect.ts';
import type { Service } from './service.ts';
import { type Asking, countAt, detokenizeAt, type RuledOut, tokenizeAt } from './tokens.ts';

/**
 * A provider over one or more OpenAI-compatible services of the operator's own. There is no official package for
 * them, so the transport is `fetch`. A job names its service by id; it need not where there is only one.
 */
export function openAiServices(about: ProviderDescriptor, services: readonly Service[], fetch: Fetch): Provider {
  const { id, name } = about;
  const dialect = openAiDialect(id, name);
  const byId = new Map(services.map((service) => [service.id, service]));

  function serviceOf(job: { readonly service?: string }): Service {
    const service = job.service === undefined && services.length === 1 ? services[0] : byId.get(job.service ?? '');
    if (service) return service;
    throw new GatewayError('internal', `${name} has no service of the name this offer was made under.`, {
      provider: name,
    });
  }

  /** What is learned of each service by asking it. */
  const learned = new Map<Service, RuledOut>();

  /** The name that each has for what a model thinks, once an answer has shown it. */
  const thoughtField = new Map<Service, ReasoningField>();

  function wireOf(service: Service): WireDialect {
    const shown = thoughtField.get(service);
    return {
      ...dialect,
      ...(shown ? { thoughtFields: [shown] } : {}),
      thoughtSeen: (field) => thoughtField.set(service, field),
    };
  }

  function asking(of: Pick<ModelAt, 'service'>, signal: AbortSignal): Asking {
    const service = serviceOf(of);
    const ruledOut = learned.get(service) ?? new Set();
    learned.set(service, ruledOut);
    return { service, fetch, signal, ruledOut };
  }

  /** What a service's own list says of the models that are configured for it. */
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
    // Ollama lists `llama3.2:latest`, and takes the name without it.
    const there = new Set([...answer.ids].flatMap((id) => [id, id.replace(/:latest$/, '')]));
    return { ...of, ...probeFound(asked, wanted, there, step, (missing) => missing.length < wanted.length) };
  }

  return {
    id,
    about,
    probe: (models, signal) => Promise.all(services.map((service) => probeService(service, models, signal))),
    arrange: wireReads(dialect),
    countTokens: (job, signal) => countAt(job, wireOf(serviceOf(job)), asking(job, signal)),
    tokenize: (at, text, markers, signal) => tokenizeAt(at, text, markers, asking(at, signal)),
    detokenize: (at, ids, signal) => detokenizeAt(at, ids, asking(at, signal)),
    async generate(job: Job, signal: AbortSignal): Promise<Generation> {
      const service = serviceOf(job);
      if (signal.aborted) throw abortReason(signal);
      const wire = wireOf(service);
      const { path, body } = wireRequest(job, wire);
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
          // A redirect would turn the POST into a GET, and may lead the token to another host.
          redirect: 'manual',
        });
      } catch {
        // What fetch says may name hosts and paths.
        throw signal.aborted ? abortReason(signal) : unreachable(name).with({ provider: id });
      }
      return readAnswer(response, job, signal, wire);
    },
  };
}
