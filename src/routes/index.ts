export type { Gateway } from './gateway.ts';
export { chatCompletions, completions } from './generate.ts';
export { health, liveness } from './health.ts';
export { answerError, guard, notBuilt, notFound, postOnly, requestId, sayError } from './middleware.ts';
export { getModel, listModels } from './models.ts';
