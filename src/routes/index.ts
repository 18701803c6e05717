export type { Gateway } from './gateway.ts';
export { chatCompletions, completions } from './generate.ts';
export { health, liveness } from './health.ts';
export {
  anyOrigin,
  everyAnswer,
  guard,
  notBuilt,
  notFound,
  otherMethod,
  ownClients,
  sayError,
  servicesReady,
} from './middleware.ts';
export { getModel, listModels } from './models.ts';
export { offers } from './offers.ts';
export { canonicalPath, ROUTES } from './paths.ts';
export { listPrices } from './prices.ts';
export { deletePrices, putPrices } from './prices-admin.ts';
export { countTokens, detokenize, tokenize } from './tokens.ts';
