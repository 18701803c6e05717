/** Lets Node read the Worker's modules: what workerd alone has is replaced. Import this before any of them. */
import { registerHooks } from 'node:module';

const WORKERD = 'export class DurableObject {}; export const env = {}; export const waitUntil = () => undefined;';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'cloudflare:workers'
      ? { url: `data:text/javascript,${encodeURIComponent(WORKERD)}`, shortCircuit: true }
      : next(specifier, context),
});
