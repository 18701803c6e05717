/** What each wire accepts. Values of the environment replace these; none of them opens anything elsewhere. */
const DEFAULTS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIASANDBOXSANDBOX00',
  AWS_SECRET_ACCESS_KEY: 'sandbox-secret-access-key',
  /** Empty: a request must carry no session token. */
  AWS_SESSION_TOKEN: '',
  AWS_BEARER_TOKEN_BEDROCK: 'sandbox-bedrock-key',
  REPLICATE_API_TOKEN: 'r8_sandbox',
  TOGETHER_API_KEY: 'sandbox-together-key',
  ANYSCALE_TOKEN: 'sandbox-anyscale-token',
};

export type Credentials = Readonly<typeof DEFAULTS>;

export function credentialsOf(env: Readonly<Record<string, unknown>>): Credentials {
  const read = (name: keyof Credentials): string => {
    const value = env[name];
    return typeof value === 'string' && value !== '' ? value : DEFAULTS[name];
  };
  return Object.fromEntries(
    (Object.keys(DEFAULTS) as (keyof Credentials)[]).map((name) => [name, read(name)]),
  ) as Credentials;
}

export const bearerOf = (request: Request): string | undefined =>
  /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
