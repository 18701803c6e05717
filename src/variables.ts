/** The names of the gateway's own variables, and warnings about names that are probably misspelt. */
import { nearestOf } from './catalog/index.ts';
import type { Variables } from './core/index.ts';
import type { Env } from './environment.ts';

/** The gateway's own variables. Each provider lists its own in its descriptor. */
export const OWN_VARIABLES: Variables = {
  CHASQUI_ADMIN_KEY: ['CHASQUI_API_KEY', 'CHASQUI_KEY', 'ADMIN_KEY'],
  CHASQUI_CONFIG: [],
  // Read by `npm start` and `npm run deploy`, which pass its content on as CHASQUI_CONFIG.
  CHASQUI_CONFIG_FILE: [],
  CHASQUI_MARKERS: [],
  CHASQUI_PRICES: [],
  CHASQUI_PRIVACY: [],
  CHASQUI_ROUTES: ['CHASQUI_ALIASES', 'CHASQUI_MODELS'],
  CHASQUI_SANDBOX: [],
  CHASQUI_SUBREQUESTS: [],
  CHASQUI_TIMEOUTS: ['CHASQUI_TIMEOUT_MS'],
};

/** Only our variables start like this, so an unknown name that does was meant for us. */
const PREFIX = 'CHASQUI_';
/** A shorter name resembles too many others. */
const LEAST_LETTERS = 6;

const isSet = (env: Env, name: string): boolean => env[name] !== undefined && env[name] !== '';

/**
 * Warnings about variables that nothing reads: those that resemble a variable that is not set, and those that have the
 * gateway's own prefix. Whole sentences, which show names but no values.
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
