/**
 * A call as code that runs: for a shell with curl, and for OpenAI's packages. Each streams, and prints the text.
 *
 * @example
 * snippets({ origin: location.origin, path: '/v1/completions', body: { model, prompt }, open: false }).python
 */

/** Marks that would show code in another order than it has, and line ends that not every language takes. */
const HIDDEN = /[\u200e\u200f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;
const escaped = (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON whose texts look as they are, and are well-formed. */
const json = (value, space) =>
  JSON.stringify(value, (_, one) => (typeof one === 'string' ? one.toWellFormed() : one), space).replace(
    HIDDEN,
    escaped,
  );

const inShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function python(value) {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, one]) => `${json(key)}: ${python(one)}`)
      .join(', ')}}`;
  }
  return json(value);
}

/** `provider` is the gateway's own: OpenAI's package takes such fields apart. */
function pythonArguments({ provider, ...body }) {
  const all = provider ? { ...body, extra_body: { provider } } : body;
  return Object.entries(all)
    .map(([name, value]) => `    ${name}=${python(value)},`)
    .join('\n');
}

const KEY = 'CHASQUI_KEY';

/** @param open no key is needed */
export function snippets({ origin, path, body, open }) {
  const chat = path === '/v1/chat/completions';
  const create = chat ? 'chat.completions.create' : 'completions.create';
  const whole = { ...body, stream: true, stream_options: { include_usage: true } };
  const key = open ? '' : ` \\\n  -H "Authorization: Bearer $${KEY}"`;
  return {
    curl: `curl -N ${origin}${path} \\
  -H 'content-type: application/json'${key} \\
  -d ${inShell(json(whole, 2))}
`,
    python: `# pip install openai
${open ? '' : 'import os\n\n'}from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=${open ? '"none"' : `os.environ["${KEY}"]`})
stream = client.${create}(
${pythonArguments(whole)}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].${chat ? 'delta.content' : 'text'} or "", end="", flush=True)
    if chunk.usage:
        print(f"\\n\${chunk.usage.cost_exact}")
`,
    javascript: `// npm install openai
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: ${open ? "'none'" : `process.env.${KEY}`} });
const stream = await client.${create}(${json(whole, 2)});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.${chat ? 'delta.content' : 'text'} ?? '');
  if (chunk.usage) console.log(\`\\n$\${chunk.usage.cost_exact}\`);
}
`,
  };
}
