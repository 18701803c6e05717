export { allowing, guard, type Level, OPEN_PATHS, PATHS, ROUTES, type RouteName } from './access.ts';
export { chatCompletions, completions, messages, responses } from './generate.ts';
export { getGeneration, listGenerations } from './generations.ts';
export { health, liveness } from './health.ts';
export {
  changeAccount,
  changeKey,
  createKey,
  getAccount,
  getKey,
  listKeys,
  ownKey,
  revokeKey,
} from './keys.ts';
export { live } from './live.ts';
export { metrics } from './metrics.ts';
export {
  anyOrigin,
  canonicalPath,
  everyAnswer,
  notFound,
  options,
  otherMethod,
  ownClients,
  rememberingRouter,
  sayError,
  servicesReady,
} from './middleware.ts';
export { getModel, listModels } from './models.ts';
export { offers } from './offers.ts';
export { pageFile } from './page.ts';
export { deletePrices, listPrices, putPrices } from './prices.ts';
export type { Gateway } from './request.ts';
export { embeddings, rerank } from './retrieval.ts';
export { showSession, signIn, signOut } from './session.ts';
export { countMessages, countTokens, detokenize, tokenize } from './tokens.ts';
export { withTraces } from './traces.ts';
export { usageReport } from './usage.ts';
export { whatIf } from './whatif.ts';
