/** The whole gateway on one page: its middleware, in order, and every route. */
import { HonoBase } from 'hono/hono-base';
import { getPath } from 'hono/utils/url';
import { livePrices, type Prices } from './catalog/index.ts';
import { type Config, readConfig } from './config.ts';
import type { Fetch } from './core/index.ts';
import { liveServices, type Services, type World } from './offers/index.ts';
import { healthBook, retryBudget, systemClock } from './relay/index.ts';
import {
  anyOrigin,
  canonicalPath,
  chatCompletions,
  completions,
  countMessages,
  countTokens,
  deletePrices,
  detokenize,
  embeddings,
  everyAnswer,
  type Gateway,
  getModel,
  guard,
  health,
  listModels,
  listPrices,
  liveness,
  messages,
  notBuilt,
  notFound,
  offers,
  otherMethod,
  ownClients,
  putPrices,
  ROUTES,
  rememberingRouter,
  rerank,
  responses,
  sayError,
  servicesReady,
  tokenize,
} from './routes/index.ts';
import { vocabularies } from './tokens/index.ts';

/** Planned routes. They answer that they are not built yet. */
const NOT_BUILT = [
  '/v1/usage',
  '/v1/whatif',
  '/v1/generations/*',
  '/v1/key',
  '/v1/keys/*',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/',
];

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

/**
 * @param network how providers are reached
 * @param background keeps the isolate alive for work that no answer waits for
 */
export function createApp(
  env: Readonly<Record<string, unknown>>,
  network: Fetch,
  background: (work: Promise<void>) => void = () => undefined,
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
    prices,
    services,
    load: vocabularies(config.assets),
    world: worldOf(config, services, prices, seen),
  };

  const app = new HonoBase({ router: rememberingRouter(), getPath: (request) => canonicalPath(getPath(request)) });
  app.onError(sayError(gateway));
  app.use(everyAnswer(gateway));
  app.use('/v1/*', anyOrigin);
  app.get('/healthz', liveness(gateway));
  app.use(guard(gateway));
  if (services.open) app.use('/v1/*', servicesReady(gateway));

  app.post('/v1/chat/completions', chatCompletions(gateway));
  app.post('/v1/completions', completions(gateway));
  app.post('/v1/messages', messages(gateway));
  app.post('/v1/messages/count_tokens', countMessages(gateway));
  app.post('/v1/responses', responses(gateway));
  app.post('/v1/embeddings', embeddings(gateway));
  app.post('/v1/rerank', rerank(gateway));
  app.post('/v1/offers', offers(gateway));
  app.post('/v1/count_tokens', countTokens(gateway));
  app.post('/v1/tokenize', tokenize(gateway));
  app.post('/v1/detokenize', detokenize(gateway));
  app.use('/v1/models/*', ownClients(gateway));
  app.get('/v1/models', listModels(gateway));
  app.get('/v1/models/:id{.+}', getModel(gateway));
  app.get('/v1/prices', listPrices(gateway));
  app.put('/v1/prices', putPrices(gateway));
  app.delete('/v1/prices', deletePrices(gateway));
  app.get('/v1/health', health(gateway));
  for (const [path, methods] of ROUTES) app.all(path.replace(':id', ':id{.+}'), otherMethod(gateway, path, methods));
  for (const path of NOT_BUILT) app.all(path, notBuilt(gateway));
  app.notFound(notFound(gateway));
  return app;
}
