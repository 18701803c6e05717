import type { KeySettings } from '../accounts/index.ts';
import { nearestOf } from '../catalog/index.ts';
import { GatewayError } from '../core/index.ts';
import { invalid } from '../dialects/openai/index.ts';
import { modelOf, routeName, serviceIndex } from '../offers/index.ts';
import { type Gateway, lookUp } from './request.ts';

/** The names in a key's `allow`: each must be one that this deployment knows, and is kept as it is called here. */

const shown = (name: string): string => JSON.stringify(name.slice(0, 100));

/** The model or configured name that a name means. Throws `model_not_found` for one that is unknown. */
function known(name: string, param: string, { config, world }: Gateway): string {
  const route = routeName(name, config.routes, world);
  if (route !== undefined) return route;
  const { model, pin } = modelOf(name, world);
  if (pin === undefined) return model;
  throw invalid(param, `${shown(name)} names a provider, too. Say ${model} here, and ${pin} in allow.providers.`);
}

/** The provider that a name means. Throws `invalid_request` for one that is unknown. */
function providerOf(name: string, param: string, { config, services, world }: Gateway): string {
  const { providerOf: named } = serviceIndex(services.offers(), config.registry);
  const id = named(name) ?? (world.providers.has(name) ? name : undefined);
  if (id !== undefined) return id;
  const ids = [...new Set([...config.registry.ids, ...world.providers.keys()])];
  const near = nearestOf(name, ids);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  throw invalid(param, `there is no provider ${shown(name)} here.${hint} There are ${ids.join(', ')}.`);
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];

/**
 * Settings with the names in `allow` as they are called here. Throws `invalid_request` with the field at fault.
 *
 * @param before settings whose names were looked up already
 */
export async function withKnownNames(
  settings: KeySettings,
  gateway: Gateway,
  before?: KeySettings,
): Promise<KeySettings> {
  const { models: wanted, providers } = settings;
  const isKnown = (name: string): boolean => before?.models?.includes(name) ?? false;
  const found: string[] = [];
  for (const [at, name] of (wanted ?? []).entries()) {
    const param = `allow.models[${at}]`;
    found.push(isKnown(name) ? name : await namedModel(name, param, gateway));
  }
  const at = providers?.map((name, index) =>
    before?.providers?.includes(name) ? name : providerOf(name, `allow.providers[${index}]`, gateway),
  );
  return {
    ...settings,
    ...(wanted ? { models: unique(found) } : {}),
    ...(at ? { providers: unique(at) } : {}),
  };
}

/** A server of one's own may have loaded a model since it was asked. */
async function namedModel(name: string, param: string, gateway: Gateway): Promise<string> {
  try {
    return await lookUp(gateway, () => known(name, param, gateway));
  } catch (thrown) {
    if (!(thrown instanceof GatewayError) || thrown.code !== 'model_not_found') throw thrown;
    throw invalid(param, thrown.message.replace(/^model: /, ''));
  }
}
