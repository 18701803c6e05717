/** A request as code: with curl, with Python's requests, and with fetch in JavaScript. */

const KEY = 'CHASQUI_KEY';
const inShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const indented = (text, by) => text.replaceAll('\n', `\n${by}`);

/** A value as Python writes it. */
function python(value, by = '    ') {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = `${by}    `;
  const members = Array.isArray(value)
    ? value.map((one) => python(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const line = `${open}${members.join(', ')}${close}`;
  if (line.length < 80 && !line.includes('\n')) return line;
  return `${open}\n${members.map((one) => `${inner}${one},\n`).join('')}${by}${close}`;
}

/**
 * @param request `{method, url, body}`
 * @param keyed the route asks for a key
 * @returns the code, by language
 */
export function snippets({ method, url, body }, keyed) {
  const has = body !== undefined;
  const lines = [
    `curl${method === 'GET' || (method === 'POST' && has) ? '' : ` -X ${method}`} ${inShell(url)}`,
    ...(keyed ? [`  -H "Authorization: Bearer $${KEY}"`] : []),
    ...(has ? ["  -H 'content-type: application/json'", `  -d ${inShell(JSON.stringify(body, null, 2))}`] : []),
  ];
  const arguments_ = [
    `    ${JSON.stringify(url)},`,
    ...(keyed ? [`    headers={"Authorization": "Bearer " + os.environ["${KEY}"]},`] : []),
    ...(has ? [`    json=${python(body)},`] : []),
  ];
  const headers = [
    ...(keyed ? [`authorization: \`Bearer \${process.env.${KEY}}\``] : []),
    ...(has ? ["'content-type': 'application/json'"] : []),
  ];
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length > 0 ? [`  headers: { ${headers.join(', ')} },`] : []),
    ...(has ? [`  body: JSON.stringify(${indented(JSON.stringify(body, null, 2), '  ')}),`] : []),
  ];
  return {
    curl: `${lines.join(' \\\n')}\n`,
    python: `# pip install requests
${keyed ? 'import os\n' : ''}import requests

answer = requests.${method.toLowerCase()}(
${arguments_.join('\n')}
)
print(answer.status_code, answer.text)
`,
    javascript: `const answer = await fetch(${JSON.stringify(url)}${options.length > 0 ? `, {\n${options.join('\n')}\n}` : ''});
console.log(answer.status, await answer.text());
`,
  };
}
