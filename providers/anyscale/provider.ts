/** Answers calls by services with an OpenAI API: Anyscale's, or any other server of the operator's own. */
import {
  type Fetch,
  GatewayError,
  type ModelAt,
  type Probe,
  type Provider,
  type ProviderDescriptor,
  probeFound,
} from '../../src/core/index.ts';
import {
  arrangeFor,
  askForModels,
  type Endpoint,
  embedAt,
  endpoint,
  generateAt,
  type ReasoningField,
  rerankAt,
  type ServerProfile,
} from '../openai/index.ts';
import { headersFor, type Service } from './service.ts';
import { countAt, detokenizeAt, type TokenContext, tokenizeAt } from './tokens.ts';

/** One service, ready to be asked, and what its answers have shown so far. */
interface Connection {
  readonly service: Service;
  readonly endpoint: Endpoint;
  readonly profile: ServerProfile;
  /** The token APIs that the server is known not to have. */
  readonly missingApis: Set<string>;
}

/** vLLM and llama.cpp take all of OpenAI's fields. */
const RETRIEVAL = { takesAll: true };

const TOOLS = { toolChoiceNone: 'send' } as const;

/**
 * Ray Serve passes requests to vLLM or SGLang, which follow OpenAI's API (docs.vllm.ai, "OpenAI-Compatible Server").
 */
function connect(service: Service, id: string, name: string, fetch: Fetch): Connection {
  // Both, until an answer shows which one the server has: vLLM and Ollama use `reasoning`, older vLLM, SGLang and
  // llama.cpp `reasoning_content`.
  let reasoningFields: readonly ReasoningField[] = ['reasoning', 'reasoning_content'];
  return {
    service,
    endpoint: endpoint(
      service.baseUrl,
      service.fetch ?? fetch,
      headersFor(service),
      'text/event-stream, application/json',
    ),
    profile: {
      id,
      name,
      chatLogprobs: 'flag-and-top',
      ...TOOLS,
      askStreamUsage: { chat: true, completions: true },
      get reasoningFields() {
        return reasoningFields;
      },
      reasoningSeen(field) {
        reasoningFields = [field];
      },
      sendsExtra: 'all',
      thinkingSwitch: false,
    },
    missingApis: new Set(),
  };
}

/** Checks that a service's list has the models that are configured for it. */
async function probeService(
  { service, endpoint }: Connection,
  id: string,
  models: readonly ModelAt[],
  signal: AbortSignal,
): Promise<Probe> {
  const steps = {
    host: `Check base_url of ${service.id}, which ends in /v1 with most servers, and that the server runs.`,
    key: `Check token of ${service.id}.`,
  };
  const answer = await askForModels(endpoint, { id, name: service.id }, steps, signal);
  if ('probe' in answer) return answer.probe;
  const wanted = models.filter((at) => at.service === service.id).map(({ model }) => model);
  const step = (there: string) => `Set upstream of these models to what it has: ${there || 'nothing'}.`;
  // Ollama lists `llama3.2:latest` and also takes `llama3.2`.
  const there = new Set([...answer.ids].flatMap((listed) => [listed, listed.replace(/:latest$/, '')]));
  return probeFound(answer.asked, wanted, there, step, (missing) => missing.length < wanted.length);
}

/**
 * A provider with one or more OpenAI-compatible services. There is no official package for them, so the transport is
 * `fetch`. A job names its service by id, unless there is only one.
 */
export function openAiServices(about: ProviderDescriptor, services: readonly Service[], fetch: Fetch): Provider {
  const { id, name } = about;
  const connections = services.map((service) => connect(service, id, name, fetch));
  const byId = new Map(connections.map((connection) => [connection.service.id, connection]));

  function connectionFor(of: { readonly service?: string }): Connection {
    const only = of.service === undefined && connections.length === 1 ? connections[0] : undefined;
    const connection = only ?? byId.get(of.service ?? '');
    if (connection) return connection;
    throw new GatewayError('internal', `${name} has no service of the name this offer was made under.`, {
      provider: name,
    });
  }

  function tokenContext(of: { readonly service?: string }, signal: AbortSignal): TokenContext {
    const { service, missingApis } = connectionFor(of);
    return { service, fetch, signal, missingApis };
  }

  return {
    id,
    about,
    arrange: arrangeFor(TOOLS),
    async generate(job, signal) {
      const { endpoint, profile } = connectionFor(job);
      return generateAt(endpoint, job, profile, signal);
    },
    async embed(job, signal) {
      const { endpoint, profile } = connectionFor(job);
      return embedAt(endpoint, job, profile, RETRIEVAL, signal);
    },
    async rerank(job, signal) {
      const { endpoint, profile } = connectionFor(job);
      return rerankAt(endpoint, job, profile, RETRIEVAL, signal);
    },
    probe: (models, signal) =>
      Promise.all(
        connections.map(async (connection) => ({
          ...(connections.length > 1 ? { service: connection.service.id } : {}),
          ...(await probeService(connection, id, models, signal)),
        })),
      ),
    countTokens: (job, signal) => countAt(job, connectionFor(job).profile, tokenContext(job, signal)),
    tokenize: (at, text, markers, signal) => tokenizeAt(at, text, markers, tokenContext(at, signal)),
    detokenize: (at, ids, signal) => detokenizeAt(at, ids, tokenContext(at, signal)),
  };
}
