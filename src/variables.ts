import { nearestOf } from './catalog/index.ts';
import type { Variables } from './core/index.ts';
import type { Env } from './environment.ts';

/** The gateway's own. The providers' stand in their folders. */
export const OWN_VARIABLES: Variables = {
  CHASQUI_ADMIN_KEY: ['CHASQUI_API_KEY', 'CHASQUI_KEY', 'ADMIN_KEY'],
  CHASQUI_CONFIG: [],
  // Read by `npm start` and `npm run deploy`, which make the one above of it.
  CHASQUI_CONFIG_FILE: [],
  CHASQUI_MARKERS: [],
  CHASQUI_PRICES: [],
  CHASQUI_PRIVACY: [],
  CHASQUI_ROUTES: ['CHASQUI_ALIASES', 'CHASQUI_MODELS'],
  CHASQUI_SANDBOX: [],
  CHASQUI_SUBREQUESTS: [],
  CHASQUI_TIMEOUTS: ['CHASQUI_TIMEOUT_MS'],
};

/** Ours alone, so that a name that begins like this and is not known was meant for us. */
const PREFIX = 'CHASQUI_';
/** A shorter name is like many. */
const LEAST_LETTERS = 6;

const isSet = (env: Env, name: string): boolean => env[name] !== undefined && env[name] !== '';

/**
 * What of an environment was probably meant otherwise: a variable that nothing reads and that is like one that is not set, or
 * that has the gateway's own prefix. Whole sentences, which show names and no value.
 */
export function variableWarnings(env: Env, known: Variables): string[] {
  const names = Object.keys(known);
  return Object.keys(env).flatMap((name) => {
    if (Object.hasOwn(known, name) || name.length < LEAST_LETTERS || !/^\w{1,100}$/.test(name)) return [];
    const upper = name.toUpperCase();
    const meant = names.find((one) => known[one]?.includes(upper)) ?? nearestOf(name, names)[0];
    if (upper.startsWith(PREFIX)) {
      const hint = meant === undefined ? ` Known are ${names.filter((one) => one.startsWith(PREFIX)).join(', ')}.` : '';
      return [`${name} is not known and has no effect.${meant === undefined ? hint : ` Did you mean ${meant}?`}`];
    }
    return meant === undefined || isSet(env, meant) ? [] : [`${name} is not read. Did you mean ${meant}?`];
  });
}
