/** How to connect a provider, to the letter, and a check that it works. */
import { api, ErrorText } from '../lib/api.js';
import { Code } from '../lib/copy.js';
import { Field } from '../lib/form.js';
import { html, useState } from '../lib/html.js';

/** The variables of each provider, with what to write there. */
const PROVIDERS = {
  bedrock: {
    name: 'AWS Bedrock',
    variables: { AWS_REGION: 'us-east-1', AWS_BEARER_TOKEN_BEDROCK: 'YOUR-BEDROCK-API-KEY' },
    note: 'A Bedrock API key, made in the AWS console. A key pair works as well: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  },
  replicate: { name: 'Replicate', variables: { REPLICATE_API_TOKEN: 'r8_YOUR-TOKEN' } },
  together: { name: 'Together', variables: { TOGETHER_API_KEY: 'YOUR-KEY' } },
  anyscale: {
    name: 'Anyscale',
    variables: {
      ANYSCALE_SERVICES:
        '[{"id":"mine","base_url":"https://YOUR-SERVICE/v1","token":"TOKEN","models":{"llama-3.3-70b-instruct":{"upstream":"NAME-THERE"}}}]',
    },
  },
  own: {
    name: 'A server of your own',
    variables: {
      OPENAI_COMPATIBLE_SERVICES:
        '[{"id":"mine","base_url":"http://127.0.0.1:8080/v1","models":{"my-model":{"upstream":"NAME-THERE"}}}]',
    },
    note: 'vLLM, SGLang, llama.cpp, Ollama: any server with OpenAI’s API.',
  },
};

const ADMIN_KEY = 'CHASQUI_ADMIN_KEY';

const localLines = (variables) =>
  [...Object.entries(variables), [ADMIN_KEY, 'A-KEY-OF-YOUR-CHOICE']]
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

const deployedLines = (variables) =>
  [...Object.keys(variables), ADMIN_KEY].map((name) => `npx wrangler secret put ${name} --env=""`).join('\n');

const Probe = ({ probe: { ok, message, asked } }) =>
  html`<li><span class=${ok ? 'good-text' : 'bad-text'}>${ok ? '✓ works' : '✗ fails'}</span>: ${message} <span class="quiet">${asked}</span></li>`;

/** Asks every provider whether its configuration works. It costs nothing. */
function Check() {
  const [state, set] = useState({});
  const check = async () => {
    set({ busy: true });
    try {
      set({ health: await api('/v1/health?probe=1') });
    } catch (error) {
      set({ error });
    }
  };
  const { busy, health, error } = state;
  return html`<p><button type="button" onClick=${check} disabled=${busy}>Check the providers</button>
      ${' '}<span class="quiet">A free request to each.</span></p>
    <${ErrorText} error=${error} />
    <div role="status">
      ${health?.sandbox && html`<p>The sandbox still answers: no provider has credentials yet.</p>`}
      ${health?.status === 'no_providers' && 'No provider has credentials yet.'}
      ${health?.providers.map(
        ({ id, probe }) => html`<p key=${id}><strong>${id}</strong></p>
          ${probe.length > 0 ? html`<ul class="tight">${probe.map((one, at) => html`<${Probe} key=${at} probe=${one} />`)}</ul>` : html`<p class="quiet">It has credentials. There is no free request that tells more.</p>`}`,
      )}
    </div>`;
}

/** @param admin may ask the providers */
export function FirstProvider({ admin }) {
  const [chosen, choose] = useState('bedrock');
  const { variables, note } = PROVIDERS[chosen];
  return html`<h2>Add your first provider</h2>
    <${Field} as="select" name="provider" label="Provider" value=${chosen} onInput=${choose}>
      ${Object.entries(PROVIDERS).map(([id, { name }]) => html`<option key=${id} value=${id} selected=${id === chosen}>${name}</option>`)}
    <//>
    ${note && html`<p class="quiet">${note}</p>`}
    <p>On this machine: put these lines into <code>.dev.vars</code>, and start the gateway again.</p>
    <${Code} label="Lines for .dev.vars" text=${localLines(variables)} />
    <p>On Cloudflare: each of these asks for its value, which takes effect at once.</p>
    <${Code} label="Commands for Cloudflare" text=${deployedLines(variables)} />
    ${admin ? html`<${Check} />` : html`<p class="quiet">The admin can then check the providers here.</p>`}`;
}
