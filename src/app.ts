/** The whole gateway on one page: its middleware, in order, and every route. */
import type { Handler } from 'hono';
import { HonoBase } from 'hono/hono-base';
import { getPath } from 'hono/utils/url';
import { rememberedTerms } from './accounts/index.ts';
import { livePrices, type Prices } from './catalog/index.ts';
import { type Config, readConfig } from './config.ts';
import type { Background, CallRecord, Fetch } from './core/index.ts';
import { liveServices, type Services, type World } from './offers/index.ts';
import { healthBook, retryBudget, systemClock } from './relay/index.ts';
import {
  allowing,
  anyOrigin,
  canonicalPath,
  changeAccount,
  changeKey,
  chatCompletions,
  completions,
  countMessages,
  countTokens,
  createKey,
  deletePrices,
  detokenize,
  embeddings,
  everyAnswer,
  type Gateway,
  getAccount,
  getGeneration,
  getKey,
  getModel,
  guard,
  health,
  type Level,
  listGenerations,
  listKeys,
  listModels,
  listPrices,
  live,
  liveness,
  messages,
  metrics,
  notFound,
  OPEN_PATHS,
  offers,
  options,
  otherMethod,
  ownClients,
  ownKey,
  PATHS,
  pageFile,
  putPrices,
  ROUTES,
  type RouteName,
  rememberingRouter,
  rerank,
  responses,
  revokeKey,
  sayError,
  servicesReady,
  showSession,
  signIn,
  signOut,
  tokenize,
  usageReport,
  whatIf,
  withTraces,
} from './routes/index.ts';
import { vocabularies } from './tokens/index.ts';
import { spanSender, tracing } from './traces/index.ts';

/** A path as the router takes it. */
const pattern = (path: string): string => path.replace(':id', ':id{.+}');

/** The offers of this deployment. Services and prices are read each time, because both can change. */
const worldOf = (
  { registry, providers, region, routes, markers, subrequests, privacy }: Config,
  services: Services,
  prices: Prices,
  health: World['health'],
): World => ({
  registry,
  providers,
  get services() {
    return services.offers();
  },
  region,
  routes,
  ...(markers ? { markers } : {}),
  subrequests,
  privacy,
  get prices() {
    return prices.book();
  },
  health,
});

/** Undefined unless the configuration asks for traces. */
function tracesOf({ traces: settings, registry, redact }: Config, fetch: Fetch, background: Background) {
  const { collector } = settings;
  const { now } = systemClock;
  return tracing({
    settings,
    now,
    send: collector && spanSender(collector, { fetch, background, now, log: (line) => console.warn(line) }),
    nameOf: (provider) => registry.of(provider).telemetryName ?? provider,
    redact,
  });
}

/**
 * @param network how providers are reached
 * @param background keeps the isolate alive for work that no answer waits for
 * @param onRecord is told of every call that is over
 */
export function createApp(
  env: Readonly<Record<string, unknown>>,
  network: Fetch,
  background: (work: Promise<void>) => void = () => undefined,
  onRecord?: (record: CallRecord) => void,
): HonoBase {
  const config = readConfig(env, network, background);
  if (config.mistakes.length > 0) console.error(`Configuration: ${config.mistakes.join(' ')}`);
  if (config.warnings.length > 0) console.warn(`Configuration: ${config.warnings.join(' ')}`);
  const seen = healthBook();
  const { registry, database, discoveries, prices: overrides } = config;
  const services = liveServices({ registry, offers: config.services, discoveries, background });
  const prices = livePrices({
    registry,
    database,
    services: services.offers,
    open: discoveries,
    overrides,
    background,
  });
  const gateway: Gateway = {
    config,
    relay: {
      providers: config.providers,
      timeouts: config.timeouts,
      subrequests: config.subrequests,
      budget: retryBudget(),
      health: seen,
      clock: systemClock,
    },
    terms: rememberedTerms(config.accounts),
    background,
    ...(onRecord ? { onRecord } : {}),
    prices,
    services,
    load: vocabularies(config.assets),
    world: worldOf(config, services, prices, seen),
  };

  const app = new HonoBase({ router: rememberingRouter(), getPath: (request) => canonicalPath(getPath(request)) });
  app.onError(sayError(gateway));
  app.use(everyAnswer(gateway));
  app.use('/v1/*', anyOrigin);
  const traces = tracesOf(config, network, background);
  if (traces) app.use('/v1/*', withTraces(traces));
  const handlers: Readonly<Record<RouteName, Handler>> = {
    'POST /v1/chat/completions': chatCompletions(gateway),
    'POST /v1/completions': completions(gateway),
    'POST /v1/messages': messages(gateway),
    'POST /v1/messages/count_tokens': countMessages(gateway),
    'POST /v1/responses': responses(gateway),
    'POST /v1/embeddings': embeddings(gateway),
    'POST /v1/rerank': rerank(gateway),
    'POST /v1/offers': offers(gateway),
    'POST /v1/count_tokens': countTokens(gateway),
    'POST /v1/tokenize': tokenize(gateway),
    'POST /v1/detokenize': detokenize(gateway),
    'GET /v1/models': listModels(gateway),
    'GET /v1/models/:id': getModel(gateway),
    'GET /v1/prices': listPrices(gateway),
    'PUT /v1/prices': putPrices(gateway),
    'DELETE /v1/prices': deletePrices(gateway),
    'GET /v1/usage': usageReport(gateway),
    'GET /v1/whatif': whatIf(gateway),
    'GET /v1/generations': listGenerations(gateway),
    'GET /v1/generations/:id': getGeneration(gateway),
    'GET /v1/live': live(gateway),
    'GET /v1/key': ownKey(gateway),
    'POST /v1/keys': createKey(gateway),
    'GET /v1/keys': listKeys(gateway),
    'GET /v1/keys/:id': getKey(gateway),
    'PATCH /v1/keys/:id': changeKey(gateway),
    'DELETE /v1/keys/:id': revokeKey(gateway),
    'GET /v1/accounts/:id': getAccount(gateway),
    'PATCH /v1/accounts/:id': changeAccount(gateway),
    'GET /v1/health': health(gateway),
    'GET /metrics': metrics(gateway),
    'GET /healthz': liveness(gateway),
    'GET /openapi.json': pageFile(gateway, '/ui/openapi.json'),
    'GET /docs': pageFile(gateway, '/ui/docs.html'),
    'GET /': pageFile(gateway, '/ui/index.html'),
    'GET /ui/:id': pageFile(gateway),
    'GET /session': showSession(gateway),
    'POST /session': signIn(gateway),
    'DELETE /session': signOut(gateway),
  };
  const serve = (which: (level: Level) => boolean): void => {
    for (const [name, level] of Object.entries(ROUTES)) {
      const [method = '', path = ''] = name.split(' ');
      if (which(level)) app.on(method, pattern(path), allowing(level, gateway, handlers[name as RouteName]));
    }
  };
  const refuseOthers = (which: (path: string) => boolean): void => {
    for (const [path, methods] of PATHS) if (which(path)) app.all(pattern(path), otherMethod(gateway, path, methods));
  };
  serve((level) => level === 'anyone');
  // Paths below /v1 have CORS instead.
  for (const [path, methods] of PATHS) {
    if (!path.startsWith('/v1/')) app.on('OPTIONS', pattern(path), options(methods));
  }
  refuseOthers((path) => OPEN_PATHS.has(path));
  app.use(guard(gateway));
  if (services.open) app.use('/v1/*', servicesReady(gateway));
  app.use('/v1/models/*', ownClients(gateway));
  serve((level) => level !== 'anyone');
  refuseOthers((path) => !OPEN_PATHS.has(path));
  app.notFound(notFound(gateway));
  return app;
}
