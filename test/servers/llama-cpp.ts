import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const SCRIPT = new URL('llama_cpp.py', import.meta.url).pathname;

/** The name under which the server offers its model. */
export const ALIAS = 'smollm2-135m';

/**
 * ChatML that tells the model its tools, as Hermes and Qwen 2.5 do: SmolLM2's own template has no place for any, and the
 * server then leaves them out without a word.
 */
export const TOOL_TEMPLATE = `{%- if tools %}<|im_start|>system
Tools:{% for tool in tools %}
{{ tool | tojson }}{% endfor %}<|im_end|>
{% endif %}{% for message in messages %}{% if message.role == 'tool' %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content or '' }}{% for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;

export interface LlamaServer {
  /** Without a slash at the end. */
  readonly url: string;
  post(path: string, body: unknown): Promise<Response>;
  /** How many of its slots are at work. */
  busy(): Promise<number>;
  /** Ends it at once, whatever it is doing, as a crash does. */
  kill(): Promise<void>;
}

const LISTENING = /^listening (http:\S+)$/;

/**
 * Starts llama.cpp's server, on a free port unless one is given. Resolves when its model is loaded.
 *
 * @param python the one that has the packages of test/python/wheels.txt
 */
export async function startLlamaCpp(
  python: string,
  {
    context = 512,
    slots = 1,
    port = 0,
    template,
    embedding = false,
  }: { context?: number; slots?: number; port?: number; template?: string; embedding?: boolean } = {},
): Promise<LlamaServer> {
  const options = { alias: ALIAS, context, slots, port, embedding, chat_template: template ?? null };
  const child = spawn(python, [SCRIPT, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let log = '';
  child.stderr.on('data', (text) => {
    log = (log + text).slice(-20_000);
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const address = LISTENING.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`llama.cpp's server ended with ${code} before it served.\n${log}`)));
  });
  return {
    url,
    post: (path, body) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async busy() {
      const slots: { is_processing: boolean }[] = await (await fetch(`${url}/slots`)).json();
      return slots.filter(({ is_processing }) => is_processing).length;
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
