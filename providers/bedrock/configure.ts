import {
  type Configured,
  type ConfigureProvider,
  isOneWord,
  plainBaseUrl,
  settingText as setting,
} from '../../src/core/index.ts';
import { about } from './about.ts';
import { arrange } from './arrange.ts';
import { bedrockClient, type Credentials } from './client.ts';
import { objectionTo } from './converse-request.ts';
import { fitSchema } from './converse-schema.ts';
import { generate } from './generate.ts';
import { probeBedrock } from './probe.ts';

const nothing = (mistakes: readonly string[] = []): Configured => ({ providers: [], offers: [], mistakes });

/** Goes into a host name, so that nothing but a region may be in it: `us-east-1`, `us-gov-west-1`. */
const REGION = /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/;
/** What is doubtful of another host than the region's own: whole sentences. */
function doubtsOf(endpoint: string, region: string): string[] {
  if (!endpoint) return [];
  const { hostname, pathname } = new URL(endpoint);
  const name = 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME';
  const own = `https://bedrock-runtime.${region}.amazonaws.com`;
  const [, service, there] = /^(bedrock[a-z-]*)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(hostname) ?? [];
  return [
    ...(service !== undefined && !/^bedrock-runtime(-fips)?$/.test(service)
      ? [`${name} is not the runtime's address, which is ${own}.`]
      : []),
    ...(there !== undefined && there !== region ? [`${name} is in another region than AWS_REGION.`] : []),
    ...(/\/(model|v\d+)\/?$/.test(pathname) ? [`${name} must end before the route, as ${own} does.`] : []),
  ];
}

/**
 * AWS Bedrock Runtime. Credentials are `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (with `AWS_SESSION_TOKEN` where
 * they are temporary) or a Bedrock API key in `AWS_BEARER_TOKEN_BEDROCK`, which wins, as it does in AWS's own tools;
 * without any there is no provider. `AWS_REGION` goes with them. `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` is AWS's own name
 * for another host.
 *
 * @example
 * const { providers, mistakes } = configureBedrock(env, fetch);
 */
export const configureBedrock: ConfigureProvider = (env, fetch) => {
  const accessKeyId = setting(env.AWS_ACCESS_KEY_ID);
  const secretAccessKey = setting(env.AWS_SECRET_ACCESS_KEY);
  const sessionToken = setting(env.AWS_SESSION_TOKEN);
  const apiKey = setting(env.AWS_BEARER_TOKEN_BEDROCK);
  if (!accessKeyId && !secretAccessKey && !apiKey) return nothing();

  const mistakes: string[] = [];
  if (accessKeyId && !secretAccessKey) mistakes.push('AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY.');
  if (secretAccessKey && !accessKeyId) mistakes.push('AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID.');
  const words = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_BEARER_TOKEN_BEDROCK: apiKey,
  };
  for (const [name, value] of Object.entries(words)) {
    if (value && !isOneWord(value)) {
      mistakes.push(`${name} contains a space or a character that no credential has. Copy it again.`);
    }
  }
  const region = setting(env.AWS_REGION);
  if (!region) mistakes.push('AWS_REGION is missing: it goes with the AWS credentials, for example us-east-1.');
  else if (!REGION.test(region)) mistakes.push('AWS_REGION is not the name of a region, such as us-east-1.');
  const endpoint = setting(env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME);
  if (endpoint && plainBaseUrl(endpoint) === undefined) {
    mistakes.push(
      'AWS_ENDPOINT_URL_BEDROCK_RUNTIME must be an http or https address without credentials, query or fragment.',
    );
  }
  if (mistakes.length > 0) return nothing(mistakes);

  const credentials: Credentials = apiKey
    ? { apiKey }
    : { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const client = bedrockClient({ region, credentials, ...(endpoint ? { endpoint } : {}), fetch });
  return {
    providers: [
      {
        id: 'bedrock',
        about,
        arrange,
        objectionTo,
        canHold: (schema) => fitSchema(schema)?.left,
        probe: probeBedrock(client, { region, ...(endpoint ? { endpoint } : {}) }),
        generate: (job, signal) => generate(client, job, signal),
      },
    ],
    offers: [],
    mistakes,
    warnings: doubtsOf(endpoint, region),
  };
};
