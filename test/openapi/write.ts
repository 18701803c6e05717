/**
 * `npm run openapi`: writes the description of the API, which the Worker serves as `/openapi.json`. With `--print` it
 * only prints it.
 */
import { writeFileSync } from 'node:fs';
import './runtime.ts';

/** After the line above, because it makes the Worker's modules readable. */
const { openApiDocument } = await import('./document.ts');

const FILE = new URL('../../src/assets/ui/openapi.json', import.meta.url).pathname;
const WIDTH = 110;

/** JSON with short values on one line, so that a change of one field is a change of few lines. */
function written(value: unknown, indent = ''): string {
  const line = JSON.stringify(value);
  if (line.length + indent.length <= WIDTH || typeof value !== 'object' || value === null) return line;
  const inner = `${indent} `;
  const members = Array.isArray(value)
    ? value.map((member) => inner + written(member, inner))
    : Object.entries(value).map(([name, member]) => `${inner}${JSON.stringify(name)}:${written(member, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${members.join(',\n')}\n${indent}${close}`;
}

const json = `${written(openApiDocument())}\n`;
if (process.argv.includes('--print')) process.stdout.write(json);
else writeFileSync(FILE, json);
