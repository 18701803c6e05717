import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/index.ts';
import { responsesDialect } from '../../src/dialects/responses/index.ts';
import { assertResponse } from '../support/responses.ts';
import { change, changed, context } from './support.ts';

const envelope = { id: 'gen-1', created: 1, model: 'llama', provider: 'bedrock', fingerprint: null };
const text = (type: string, said: string) => [{ type, text: said }];

/** As Codex 0.171 sends it in the second turn of a loop, shortened. */
const CODEX = {
  model: 'm',
  stream: true,
  input: [
    { type: 'message', id: 'msg_1', role: 'developer', content: text('input_text', 'You are an agent.') },
    { type: 'message', id: 'msg_2', role: 'user', content: text('input_text', 'Fix it.') },
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'chasqui1_AAAA' },
    { type: 'function_call', id: 'fc_1', name: 'exec_command', arguments: '{"cmd":"ls"}', call_id: 'call_1' },
    {
      type: 'custom_tool_call',
      id: 'ctc_1',
      status: 'completed',
      call_id: 'call_2',
      name: 'apply_patch',
      input: '*** Begin',
    },
    { type: 'function_call_output', call_id: 'call_1', output: 'a.txt' },
    { type: 'custom_tool_call_output', call_id: 'call_2', output: text('input_text', 'Done') },
  ],
  tools: [
    { type: 'function', name: 'exec_command', description: 'Runs', strict: false, parameters: { type: 'object' } },
    {
      type: 'custom',
      name: 'apply_patch',
      description: 'Edits',
      format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
    },
    {
      type: 'namespace',
      name: 'multi_agent_v1',
      description: 'Agents',
      tools: [{ type: 'function', name: 'spawn_agent' }],
    },
    { type: 'web_search', external_web_access: false },
  ],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  reasoning: { summary: 'auto' },
  store: false,
  include: ['reasoning.encrypted_content'],
  prompt_cache_key: 'thread',
  client_metadata: { thread_id: 't' },
};

/** Everything else that OpenAI's types have. */
const REST = {
  model: 'm',
  instructions: 'Be brief.',
  input: [
    {
      role: 'user',
      content: [...text('input_text', 'Look'), { type: 'input_image', image_url: 'https://x/y.png', detail: 'auto' }],
    },
    { role: 'user', content: [{ type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,SGk=' }] },
    {
      type: 'message',
      role: 'assistant',
      content: [...text('output_text', 'Seen'), { type: 'refusal', refusal: 'No' }],
      phase: null,
    },
    { type: 'agent_message', author: 'a', recipient: 'b', content: text('input_text', 'Hello') },
    {
      type: 'additional_tools',
      role: 'developer',
      tools: [{ type: 'function', name: 'more', parameters: null, strict: true }],
    },
    { type: 'mcp_call', id: 'mcp_1', name: 'x', arguments: '{}', server_label: 's' },
    { type: 'local_shell_call', id: 'ls_1', call_id: 'c', action: { type: 'exec' }, status: 'completed' },
  ],
  text: { format: { type: 'json_schema', name: 'a', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
  tools: [{ type: 'mcp', server_label: 's' }],
  tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'more' }] },
  reasoning: { effort: 'xhigh', summary: 'detailed' },
  metadata: { a: 'b' },
  top_logprobs: 2,
  max_output_tokens: 10,
  temperature: 0.5,
  top_p: 0.5,
  truncation: 'disabled',
  service_tier: 'auto',
  provider: { order: ['bedrock'] },
};

describe.each([
  ['Codex’s', CODEX],
  ['a full', REST],
])('%s body', (_whose, body) => {
  it('is served as it is', () => {
    expect(responsesDialect.parse(body, context).call.messages.length).toBeGreaterThan(3);
  });

  it('is served or refused by a 4xx that names a field, whatever is changed in it', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        try {
          const request = responsesDialect.parse(changed(body, changes), context);
          // Whatever was accepted can be answered, and its fields be named.
          assertResponse(JSON.parse(JSON.stringify(responsesDialect.answer(request, envelope, []))));
          expect(
            request.callersNames?.('messages[0].content, messages[99].reasoning, tools[7].function.name'),
          ).not.toBe('');
        } catch (thrown) {
          if (!(thrown instanceof GatewayError)) throw thrown;
          expect(thrown.status).toBeGreaterThanOrEqual(400);
          expect(thrown.status).toBeLessThan(500);
          expect(thrown.details.param ?? thrown.message).not.toBe('');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
