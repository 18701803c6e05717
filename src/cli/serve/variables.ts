/** The gateway's variables on a machine of one's own: from files, from the environment, and from `chasqui.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { readConfigFile, usualEnvFiles } from '../config-file.mjs';

export type Variables = Readonly<Record<string, string>>;

export interface FoundVariables {
  readonly variables: Variables;
  /** Names of those that the environment has. */
  readonly fromEnvironment: readonly string[];
}

/** Names of variables in the text of `.dev.vars.example`, which has all of them, many behind a `#`. */
export const namesIn = (example: string): string[] => [
  ...new Set([...example.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name)),
];

/** Names in `{"env": "MY_TOKEN"}`, by which a configuration says where a secret is. */
const referredTo = (variables: Variables): string[] =>
  Object.values(variables).flatMap((value) =>
    [...value.matchAll(/"env"\s*:\s*"([A-Za-z_]\w*)"/g)].map(([, name = '']) => name),
  );

function readFiles(files: readonly string[]): Record<string, string> {
  const read: Record<string, string> = {};
  for (const file of files) {
    if (!existsSync(file)) throw new Error(`--env-file names ${file}, which does not exist.`);
    for (const [name, value] of Object.entries(parseEnv(readFileSync(file, 'utf8')))) {
      if (value !== undefined) read[name] = value;
    }
  }
  return read;
}

/**
 * The environment wins over files, a later file over an earlier one. Of the environment only the gateway's own
 * variables are taken, and those that its configuration refers to. Throws an error whose message is for people.
 *
 * @param files those that were named; without any `.dev.vars`, or else `.env`, as `npm start` has it
 * @param known names of the gateway's own variables
 */
export function findVariables(
  files: readonly string[],
  known: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): FoundVariables {
  const variables = readFiles(files.length > 0 ? files : usualEnvFiles('local'));
  const taken: string[] = [];
  const take = (names: readonly string[]): void => {
    for (const name of names) {
      const value = environment[name];
      if (value === undefined || value === '') continue;
      variables[name] = value;
      taken.push(name);
    }
  };
  take(known);
  const config = readConfigFile();
  if (config !== undefined) {
    if (variables.CHASQUI_CONFIG) {
      throw new Error('CHASQUI_CONFIG is set, and there is a configuration file too: keep one of them.');
    }
    variables.CHASQUI_CONFIG = config;
  }
  take(referredTo(variables));
  return { variables, fromEnvironment: [...new Set(taken)] };
}
