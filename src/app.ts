import { Hono } from 'hono';
import { bundledBook, layered } from './catalog/index.ts';
import { readConfig } from './config.ts';
import type { Fetch } from './core/index.ts';
import { healthBook, retryBudget, systemClock } from './relay/index.ts';
import {
  anyOrigin,
  chatCompletions,
  completions,
  countTokens,
  detokenize,
  everyAnswer,
  type Gateway,
  getModel,
  guard,
  health,
  listModels,
  liveness,
  notBuilt,
  notFound,
  offers,
  postOnly,
  sayError,
  tokenize,
} from './routes/index.ts';

/** The contract's routes that later versions will serve; until then they say so. */
const NOT_BUILT = [
  '/v1/prices',
  '/v1/usage',
  '/v1/whatif',
  '/v1/generations/*',
  '/v1/keys/*',
  '/openapi.json',
  '/docs',
  '/',
];

const POST_ONLY = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/offers',
  '/v1/count_tokens',
  '/v1/tokenize',
  '/v1/detokenize',
];

/** The whole gateway: its middleware, in order, and every route. `network` is how providers are reached. */
export function createApp(env: Readonly<Record<string, unknown>>, network: Fetch): Hono {
  const config = readConfig(env, network);
  if (config.mistakes.length > 0) console.error(`Configuration: ${config.mistakes.join(' ')}`);
  const seen = healthBook();
  const gateway: Gateway = {
    config,
    relay: {
      providers: config.providers,
      timeouts: config.timeouts,
      budget: retryBudget(),
      health: seen,
      clock: systemClock,
    },
    world: { ...config, prices: layered(bundledBook()), health: seen },
  };

  const app = new Hono();
  app.onError(sayError);
  app.use(everyAnswer(gateway));
  app.use('/v1/*', anyOrigin);
  app.get('/healthz', liveness(gateway));
  app.use(guard(gateway));

  app.post('/v1/chat/completions', chatCompletions(gateway));
  app.post('/v1/completions', completions(gateway));
  app.post('/v1/offers', offers(gateway));
  app.post('/v1/count_tokens', countTokens(gateway));
  app.post('/v1/tokenize', tokenize(gateway));
  app.post('/v1/detokenize', detokenize(gateway));
  for (const path of POST_ONLY) app.all(path, postOnly);
  app.get('/v1/models', listModels(gateway));
  app.get('/v1/models/:id{.+}', getModel(gateway));
  app.get('/v1/health', health(gateway));
  for (const path of NOT_BUILT) app.all(path, notBuilt);
  app.notFound(notFound);
  return app;
}
