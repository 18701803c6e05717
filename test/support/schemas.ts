import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const file = JSON.parse(readFileSync(new URL('../captures/openai-schemas.json', import.meta.url).pathname, 'utf8')) as {
  schemas: Record<string, object>;
};

/**
 * The published schema lets `system_fingerprint` be left out and not be null. OpenAI's own answers in one piece give null
 * where there is none, and so do we; chunks leave it out.
 */
for (const [name, schema] of Object.entries(file.schemas)) {
  if (name.includes('Stream')) continue;
  const { properties } = schema as { properties?: Record<string, { type?: unknown }> };
  if (properties?.system_fingerprint) properties.system_fingerprint.type = ['string', 'null'];
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);

/** Asserts that a value is what OpenAI's published schema of that name asks for. */
export function assertOpenAi(name: string, value: unknown): void {
  const schema = file.schemas[name];
  if (!schema) throw new Error(`no schema ${name}`);
  const validate = ajv.compile(schema);
  if (!validate(value)) throw new Error(`not a ${name}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
}
