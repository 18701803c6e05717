import type { Handler } from 'hono';
import type { Gateway } from './gateway.ts';
import { misconfigured } from './middleware.ts';
import { observedRow, rounded } from './observed.ts';
import { replyJson } from './reply.ts';

/** `GET /healthz`: the Worker runs and its configuration can be read. Needs no key. */
export const liveness =
  ({ config }: Gateway): Handler =>
  (c) => {
    if (config.mistakes.length > 0) throw misconfigured(config.mistakes);
    return replyJson(c, 200, { status: 'ok' });
  };

/** Share of a prompt by which counts may differ before it is called drift. */
const DRIFT = 0.01;
/** Fewer answers say nothing. */
const LEAST_SAMPLES = 5;

/**
 * `GET /v1/health`: which providers have credentials here, and what this isolate has seen of their offers: how fast they
 * are, which keep failing, and where a provider counts prompts otherwise than its model's own tokenizer.
 */
export const health =
  ({ config, relay }: Gateway): Handler =>
  (c) => {
    const drifts = relay.health.drifts().map(({ provider, upstream, samples, tokens, share }) => ({
      provider,
      provider_model: upstream,
      samples,
      tokens: rounded(tokens, 2),
      share: rounded(share, 4),
      drifting: samples >= LEAST_SAMPLES && Math.abs(share) > DRIFT,
    }));
    const offers = relay.health.breakers(relay.clock.now()).map(({ provider, upstream, breaker, observed }) => ({
      provider,
      provider_model: upstream,
      breaker,
      ...observedRow(observed),
    }));
    const degraded = offers.some(({ breaker }) => breaker === 'open') || drifts.some(({ drifting }) => drifting);
    return replyJson(c, 200, {
      status: config.providers.size === 0 ? 'no_providers' : degraded ? 'degraded' : 'ok',
      sandbox: config.sandbox,
      providers: [...config.providers.keys()].map((id) => ({ id, configured: true })),
      offers,
      token_drift: drifts,
    });
  };
