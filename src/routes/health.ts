/** `/healthz` and `/v1/health`. */
import type { Handler } from 'hono';
import { dayOf, type Probe, redactDeep } from '../core/index.ts';
import { callerOf, forAdmins } from './access.ts';
import { modelsAt } from './availability.ts';
import { observedRow, rounded } from './offers.ts';
import { type Gateway, misconfigured, queryFlag, replyJson } from './request.ts';

/** The settings in effect, by the names in which they are set. No value of a secret, and no address, is among them. */
function configurationOf({ registry, ...config }: Gateway['config']) {
  const { connectMs, firstTokenMs, pieceMs, idleMs, totalMs } = config.timeouts;
  return {
    access: config.access.kind,
    accounts: config.accounts !== undefined,
    ledger: config.database !== undefined,
    region: config.region ?? null,
    subrequests: config.subrequests,
    markers: config.markers ?? null,
    timeouts: {
      connect_ms: connectMs ?? null,
      first_token_ms: firstTokenMs ?? null,
      piece_ms: pieceMs ?? null,
      idle_ms: idleMs ?? null,
      total_ms: totalMs,
    },
    routes: [...config.routes.keys()],
    privacy: [...config.privacy].map(([provider, { noCollection, noRetention }]) => ({
      provider,
      data_collection: noCollection ? 'deny' : 'allow',
      zdr: noRetention,
    })),
    own_prices: config.prices.length,
    traces: config.traces.collector !== undefined,
    trace_providers: config.traces.toProviders,
    services: [...new Set(config.services.map(({ service }) => service))],
    // What could be added, and what it is set up by.
    not_configured: registry.known
      .filter(({ id }) => !config.providers.has(id))
      .map(({ id, variables }) => ({ id, variables: Object.keys(variables ?? {}) })),
  };
}

/** `GET /healthz`: the Worker runs and its configuration can be read. Needs no key. */
export const liveness =
  ({ config }: Gateway): Handler =>
  (c) => {
    if (config.mistakes.length > 0) throw misconfigured(config);
    return replyJson(c, 200, { status: 'ok' });
  };

/** Counts that differ by more than this share of the prompt are called drift. */
const DRIFT = 0.01;
/** Fewer answers prove nothing. */
const LEAST_SAMPLES = 5;

/** The longest wait for a provider's answer. */
const PROBE_MS = 5_000;

/** Asks every provider at once whether its configuration works. By provider. */
async function probes(gateway: Gateway): Promise<ReadonlyMap<string, readonly Probe[]>> {
  const { config, relay } = gateway;
  const late = new AbortController();
  const day = dayOf(relay.clock.now());
  const cancel = relay.clock.after(PROBE_MS, () => late.abort());
  try {
    const asked = [...config.providers.values()].map(async (provider) => {
      const found = (await provider.probe?.(modelsAt(provider.id, gateway, day), late.signal)) ?? [];
      return [provider.id, redactDeep(found, config.redact)] as const;
    });
    return new Map(await Promise.all(asked));
  } finally {
    cancel();
  }
}

/**
 * `GET /v1/health`: which providers are configured, and what this isolate has seen of their offers: speed, breakers,
 * and token counts that differ from the model's own tokenizer. With `?probe=1`, for admins, each provider is sent
 * a free request, and the answer says what is wrong and how to fix it.
 */
export const health =
  (gateway: Gateway): Handler =>
  async (c) => {
    const { config, relay } = gateway;
    const { admin } = callerOf(c);
    const probing = queryFlag(c, 'probe');
    if (probing && !admin) throw forAdmins(c);
    const probed = probing ? await probes(gateway) : undefined;
    const drifts = relay.health.drifts().map(({ provider, service, upstream, samples, tokens, share }) => ({
      provider,
      ...(service === undefined ? {} : { service }),
      provider_model: upstream,
      samples,
      tokens: rounded(tokens, 2),
      share: rounded(share, 4),
      drifting: samples >= LEAST_SAMPLES && Math.abs(share) > DRIFT,
    }));
    const estimates = relay.health.corrections().map(({ provider, service, upstream, tools, bills, correction }) => ({
      provider,
      ...(service === undefined ? {} : { service }),
      provider_model: upstream,
      tools,
      bills,
      scale: rounded(correction.scale, 4),
      extra_tokens: rounded(correction.extra, 1),
      error_bound: rounded(correction.errorBound, 4),
    }));
    const offers = relay.health
      .breakers(relay.clock.now())
      .map(({ provider, service, upstream, breaker, observed }) => ({
        provider,
        ...(service === undefined ? {} : { service }),
        provider_model: upstream,
        breaker,
        ...observedRow(observed),
      }));
    const degraded =
      offers.some(({ breaker }) => breaker === 'open') ||
      drifts.some(({ drifting }) => drifting) ||
      [...(probed?.values() ?? [])].flat().some(({ ok }) => !ok);
    return replyJson(c, 200, {
      status: config.providers.size === 0 ? 'no_providers' : degraded ? 'degraded' : 'ok',
      sandbox: config.sandbox,
      // What a deployment's settings are called is for its operator.
      ...(admin ? { warnings: config.warnings, configuration: configurationOf(config) } : {}),
      providers: [...config.providers.keys()].map((id) => ({
        id,
        configured: true,
        ...(probed ? { probe: probed.get(id) ?? [] } : {}),
      })),
      offers,
      token_drift: drifts,
      // Where we can only estimate: the factor and the constant by which our count is corrected, learned from bills.
      token_estimates: estimates,
    });
  };
