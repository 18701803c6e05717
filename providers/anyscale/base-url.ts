/** Anyscale's shared API, which ended on 2024-08-01 (docs.anyscale.com/endpoints); only services of one's own are left. */
const RETIRED_HOST = 'api.endpoints.anyscale.com';

/** What is doubtful of an address that can be read, going on from "… base_url "; undefined for what is as it should be. */
export function doubtOfBaseUrl(value: string): string | undefined {
  const path = new URL(value).pathname.replace(/\/+$/, '');
  // Without a path there is only one place to look; DeepInfra's ends in `/v1/openai`, Google's in `/v1beta/openai`.
  if (path === '' || /\/v\d+\w*(\/openai)?$/.test(path)) return undefined;
  return 'does not end in a version, as the address of an OpenAI-compatible server does ("https://host/v1"); GET /v1/health?probe=1 tells whether it is right';
}

/**
 * A service's base URL, accepted with or without `/v1` and a slash at its end; a route prefix before it is kept.
 * `mistake` continues a sentence that begins with where the URL stands.
 */
export function readBaseUrl(value: unknown): { readonly url: string } | { readonly mistake: string } {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    return { mistake: 'must be the http or https address of the service, like "https://host/v1"' };
  }
  if (url.username || url.password || url.search || url.hash) {
    return { mistake: 'must have no credentials, query or fragment; a credential belongs into token' };
  }
  if (url.hostname === RETIRED_HOST) {
    return {
      mistake:
        "must be an Anyscale service of your own: the shared API at api.endpoints.anyscale.com ended on 2024-08-01, and the service page's Query button shows yours",
    };
  }
  const path = url.pathname.replace(/\/+$/, '');
  if (/\/(chat\/completions|completions|models)$/.test(path)) {
    return { mistake: 'must end before the route, like "https://host/v1"' };
  }
  // A version that stands further in front belongs to the service's own address: https://api.deepinfra.com/v1/openai
  return { url: `${url.origin}${/\/v\d+\w*(\/|$)/.test(path) ? path : `${path}/v1`}` };
}
