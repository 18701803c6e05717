import { type GatewayError, type ProbeModels, probeFailed } from '../../src/core/index.ts';
import type { Bedrock } from './client.ts';
import { fromThrown } from './errors.ts';

/** Each costs a request of the account's rate, and of the Worker's. */
const MAX_ASKED = 4;

interface Where {
  readonly region: string;
  /** Another host than the region's own. */
  readonly endpoint?: string;
}

/**
 * Bedrock's runtime has no question that is free by its nature. A conversation that begins with the assistant is refused before
 * a model sees it ("A conversation must start with a user message"), so that nothing is billed; and only for who is let in.
 */
async function refusalFor(client: Bedrock, modelId: string, signal: AbortSignal): Promise<GatewayError | undefined> {
  // The client knows a request by its signal.
  const own = AbortSignal.any([signal]);
  try {
    await client.converse({ modelId, messages: [{ role: 'assistant', content: [{ text: '.' }] }] }, own);
    return undefined;
  } catch (thrown) {
    return fromThrown(thrown, own, { headers: {} });
  }
}

export const probeBedrock =
  (client: Bedrock, { region, endpoint }: Where): ProbeModels =>
  async (models, signal) => {
    const ids = [...new Set(models.map(({ model }) => model))].slice(0, MAX_ASKED);
    const host = endpoint ?? `https://bedrock-runtime.${region}.amazonaws.com`;
    const asked = `POST ${host}/model/{id}/converse`;
    const steps = {
      host: endpoint
        ? 'Check AWS_ENDPOINT_URL_BEDROCK_RUNTIME.'
        : `Check AWS_REGION: ${region} may be no region, or one without Bedrock.`,
      key: 'Check the AWS credentials and their date of expiry; they need bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream.',
    };
    const answers = await Promise.all(ids.map(async (id) => ({ id, error: await refusalFor(client, id, signal) })));
    const [first] = answers;
    if (!first) {
      const message = `No model of the catalogue is served from ${region}. Set AWS_REGION to another, such as us-east-1.`;
      return [{ asked, ok: false, fault: 'region', message }];
    }
    const letIn = answers.filter(({ error }) => !error || isLetIn(error));
    const failed = answers.flatMap(({ error }) => (error && !isLetIn(error) && !isClosed(error) ? [error] : []));
    const [failure] = failed;
    if (failure && letIn.length === 0) {
      const probe = probeFailed(asked, failure, steps);
      return [probe.fault === 'host' && !endpoint ? { ...probe, fault: 'region' } : probe];
    }
    const closed = answers.filter(({ error }) => error && !isLetIn(error)).map(({ id }) => id);
    const ok = letIn.length > 0;
    if (closed.length === 0)
      return [{ asked, ok, fault: null, message: 'It answers, and lets the gateway ask its models.' }];
    // Access is given by model: where another is open to the account, the credentials are right.
    const message = `It answers, and does not let the gateway ask ${closed.join(', ')}. Ask for access in the Bedrock console, under Model access, or set AWS_REGION to a region that has them.`;
    return [{ asked, ok, fault: 'models', message, missing: closed }];
  };

/** The request was judged by its content, so that whoever sent it was let in. */
const isLetIn = ({ code, details }: GatewayError): boolean =>
  (code === 'invalid_request' && details.param !== 'model') ||
  code === 'unsupported_parameter' ||
  code === 'provider_rate_limited';

/** Of the model, and not of who asks. */
const isClosed = ({ code }: GatewayError): boolean => code === 'invalid_request' || code === 'model_not_found';
