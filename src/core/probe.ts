/** A free request that checks whether a provider can be used as it is configured, and what it found. */
import type { GatewayError } from './errors.ts';

/** What is wrong if a provider cannot be used. */
export type ProbeFault = 'host' | 'key' | 'region' | 'models' | 'other';

/** The result of a probe. */
export interface Probe {
  /** Which service, if the provider has several. */
  readonly service?: string;
  /** Method and address, without a query. */
  readonly asked: string;
  /** The provider can be used. */
  readonly ok: boolean;
  readonly fault: ProbeFault | null;
  /** What was found, and what to do if something is wrong. Written for the operator of the gateway. */
  readonly message: string;
  /** Ids of configured models that the provider does not have. */
  readonly missing?: readonly string[];
}

/** What to do about each fault: a sentence that names the variable. */
export interface ProbeSteps {
  readonly host: string;
  readonly key: string;
}

/** The result of a probe that was answered with an error, or not at all. */
export function probeFailed(asked: string, error: GatewayError, steps: ProbeSteps): Probe {
  const { upstreamStatus: status, upstreamMessage: said } = error.details;
  const words = said ? ` It said: ${said}` : '';
  const found = (ok: boolean, fault: ProbeFault | null, message: string): Probe => ({ asked, ok, fault, message });
  if (status === undefined) return found(false, 'host', `No answer came from there. ${steps.host}`);
  if (error.code === 'provider_auth')
    return found(false, 'key', `The credentials were not accepted. ${steps.key}${words}`);
  if (error.code === 'provider_rate_limited')
    return found(true, null, `It answers, and limits the rate of requests.${words}`);
  if (error.code === 'model_not_found' || (status >= 300 && status < 400) || status === 405)
    return found(false, 'host', `Nothing is served at that address (status ${status}). ${steps.host}${words}`);
  return found(false, 'other', `It answers with status ${status}. Ask again later.${words}`);
}

const SHOWN = 10;
const listed = (ids: readonly string[]): string =>
  ids.length > SHOWN ? `${ids.slice(0, SHOWN).join(', ')} and ${ids.length - SHOWN} more` : ids.join(', ');

/**
 * The result of a probe that was answered with a list of models.
 *
 * @param step what to do if a model is missing
 * @param usable whether the provider can be used although these are missing
 */
export function probeFound(
  asked: string,
  wanted: readonly string[],
  there: ReadonlySet<string>,
  step: (missing: string) => string,
  usable: (missing: readonly string[]) => boolean,
): Probe {
  const missing = wanted.filter((id) => !there.has(id));
  if (missing.length === 0) return { asked, ok: true, fault: null, message: 'It answers, with all models.' };
  const ok = usable(missing);
  const message = `It answers, and does not have ${listed(missing)}. ${step(listed([...there]))}`;
  return { asked, ok, fault: 'models', message, missing };
}
