/**
 * What OpenAI-compatible servers were seen to answer, each in as few words as show it. The facts are from the places named
 * in `source`; the texts are ours.
 */
export interface ServerAnswer {
  readonly server: string;
  /** Where the shape is told of. */
  readonly source: string;
  readonly status?: number;
  /** Its `content-type`, where it is not that of a stream (or of JSON) as it should be. */
  readonly type?: string;
  /** Objects of a stream, a text that is sent as it is, or the JSON of a whole answer. */
  readonly body: { readonly events: readonly unknown[] } | { readonly raw: string } | { readonly json: unknown };
  readonly want: Meant | Failure;
}

export interface Meant {
  readonly text?: string;
  readonly reasoning?: string;
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  readonly tools?: readonly (readonly [name: string, args: unknown])[];
  /** Prompt, completion, cached; absent where the server told nothing that can be believed. */
  readonly usage?: readonly [prompt: number | 'unknown', completion: number, cached?: number];
}

export interface Failure {
  readonly code: string;
  /** What the caller reads of the server's own words. */
  readonly says?: string;
  readonly upstreamCode?: string;
  /** What was said before. */
  readonly text?: string;
}

type Fields = Record<string, unknown>;

const piece = (delta: Fields, more: Fields = {}, choice: Fields = {}): Fields => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
  ...more,
});
const says = (content: unknown): Fields => piece({ content });
const ends = (finish_reason: unknown, more: Fields = {}, delta: Fields = {}): Fields =>
  piece(delta, more, { finish_reason });
const calls = (...tool_calls: unknown[]): Fields => piece({ tool_calls });
const bill = (prompt: number, completion: number, more: Fields = {}): Fields => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  ...more,
});
const billed = (usage: unknown): Fields => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [], usage });
const whole = (message: Fields, finish_reason: unknown, more: Fields = {}): Fields => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
  ...more,
});
const text = 'Hola, ñandú 🦙!';
const spoken = [says('Hola, '), says('ñandú 🦙!')];
const city = { city: 'Lima' };

const STREAMS: readonly ServerAnswer[] = [
  {
    server: 'vLLM 0.6, usage in every chunk',
    source: 'docs.vllm.ai (continuous_usage_stats)',
    body: {
      events: [
        piece({ role: 'assistant', content: '' }, { usage: bill(9, 0) }),
        piece({ content: text }, { usage: bill(9, 6) }, { logprobs: null, stop_reason: null }),
        ends('stop', { usage: bill(9, 7) }),
        billed(bill(9, 7)),
      ],
    },
    want: { text, finish: 'stop', usage: [9, 7] },
  },
  {
    server: 'vLLM 0.15, the last text with its finish',
    source: 'github.com/vllm-project/vllm/issues/35705',
    body: { events: [says('Hola, '), ends('length', { usage: null }, { content: 'ñandú 🦙!' }), billed(bill(9, 10))] },
    want: { text, finish: 'length', usage: [9, 10] },
  },
  {
    server: "vLLM, a call's rest with its id and name again",
    source: 'github.com/vllm-project/vllm/issues/44098',
    body: {
      events: [
        calls({
          index: 0,
          id: 'chatcmpl-tool-1',
          type: 'function',
          function: { name: 'weather', arguments: '{"city":' },
        }),
        ends(
          'tool_calls',
          {},
          {
            tool_calls: [
              {
                index: 0,
                id: 'chatcmpl-tool-1',
                type: 'function',
                function: { name: 'weather', arguments: '"Lima"}' },
              },
            ],
          },
        ),
      ],
    },
    want: { finish: 'tool_calls', tools: [['weather', city]] },
  },
  {
    server: 'vLLM, a repetition it cut',
    source: 'github.com/vllm-project/vllm (v1/engine FinishReason)',
    body: { events: [...spoken, ends('repetition')] },
    want: { text, finish: 'length' },
  },
  {
    server: 'vLLM before 0.10, an error in mid-stream',
    source: 'github.com/vllm-project/vllm (serving_chat.create_streaming_error_response)',
    body: {
      events: [
        says('Hola'),
        { object: 'error', message: 'CUDA error: out of memory', type: 'InternalServerError', param: null, code: 500 },
      ],
    },
    want: { code: 'provider_error', says: 'CUDA error: out of memory', text: 'Hola' },
  },
  {
    server: 'SGLang, roles that are null and empty lists of calls',
    source: 'github.com/sgl-project/sglang (openai_api/adapter.py)',
    body: {
      events: [
        piece({ role: 'assistant', content: '', reasoning_content: null, tool_calls: null }),
        piece({ role: null, content: text, reasoning_content: null, tool_calls: [] }, {}, { matched_stop: null }),
        piece({ role: null, content: null }, {}, { finish_reason: 'stop', matched_stop: 128009 }),
        billed(bill(5, 8, { prompt_tokens_details: null })),
      ],
    },
    want: { text, finish: 'stop', usage: [5, 8] },
  },
  {
    server: 'SGLang, why it ends as an object',
    source: 'github.com/sgl-project/sglang (meta_info.finish_reason)',
    body: { events: [...spoken, ends({ type: 'length', length: 8 })] },
    want: { text, finish: 'length' },
  },
  {
    server: 'Text Generation Inference, overloaded in mid-stream',
    source: 'github.com/huggingface/text-generation-inference (router/src/lib.rs ErrorResponse)',
    body: { events: [says('Hola'), { error: 'Model is overloaded', error_type: 'overloaded' }] },
    want: { code: 'provider_overloaded', says: 'Model is overloaded', text: 'Hola' },
  },
  {
    server: 'Text Generation Inference, arguments as an object',
    source: 'huggingface.co/docs/text-generation-inference/basic_tutorials/using_guidance',
    body: {
      events: [
        calls({ index: 0, id: '', type: 'function', function: { name: 'weather', arguments: city } }),
        ends('eos_token'),
      ],
    },
    want: { finish: 'tool_calls', tools: [['weather', city]] },
  },
  {
    server: 'llama.cpp, timings, and the bill with its finish',
    source: 'github.com/ggml-org/llama.cpp (tools/server)',
    body: {
      events: [
        piece({ role: 'assistant', content: null }),
        piece({ reasoning_content: 'Hm.' }),
        ...spoken,
        ends('stop', { usage: bill(11, 4), timings: { prompt_n: 11, predicted_ms: 9.5 } }),
      ],
    },
    want: { text, reasoning: 'Hm.', finish: 'stop', usage: [11, 4] },
  },
  {
    server: 'Ollama, every call under index 0',
    source: 'github.com/vercel/ai/issues/14277',
    body: {
      events: [
        calls({
          index: 0,
          id: 'call_a',
          type: 'function',
          function: { name: 'weather', arguments: '{"city":"Lima"}' },
        }),
        calls({
          index: 0,
          id: 'call_b',
          type: 'function',
          function: { name: 'weather', arguments: '{"city":"Cusco"}' },
        }),
        ends('tool_calls'),
      ],
    },
    want: {
      finish: 'tool_calls',
      tools: [
        ['weather', city],
        ['weather', { city: 'Cusco' }],
      ],
    },
  },
  {
    server: 'Ollama, no token of a prompt that is cached',
    source: 'github.com/ollama/ollama/issues/5370',
    body: { events: [...spoken, ends('stop'), billed(bill(0, 8))] },
    want: { text, finish: 'stop', usage: ['unknown', 8] },
  },
  {
    server: 'LocalAI, the pieces of a call counted up',
    source: 'github.com/mudler/LocalAI/issues/9722',
    body: {
      events: [
        calls({ index: 0, id: 'Lipw', type: 'function', function: { name: 'weather', arguments: '' } }),
        calls({ index: 1, id: 'Lipw', type: 'function', function: { arguments: '{"city":"Lima"}' } }),
        ends('tool_calls'),
      ],
    },
    want: { finish: 'tool_calls', tools: [['weather', city]] },
  },
  {
    server: 'calls without an index, interleaved and told apart by id',
    source: 'github.com/oracle/langchain-oracle/pull/108',
    body: {
      events: [
        calls({ id: 'a', function: { name: 'weather', arguments: '{"city"' } }),
        calls({ id: 'b', function: { name: 'time', arguments: '{"zone"' } }),
        calls({ id: 'a', function: { arguments: ':"Lima"}' } }),
        calls({ id: 'b', function: { arguments: ':"PET"}' } }),
        ends('tool_calls'),
      ],
    },
    want: {
      finish: 'tool_calls',
      tools: [
        ['weather', city],
        ['time', { zone: 'PET' }],
      ],
    },
  },
  {
    server: 'calls of one index, interleaved and told apart by id',
    source: 'github.com/apache/maka/issues/1976',
    body: {
      events: [
        calls({ index: 0, id: 'a', function: { name: 'weather', arguments: '{"city"' } }),
        calls({ index: 0, id: 'b', function: { name: 'time', arguments: '{"zone"' } }),
        calls({ index: 0, id: 'a', function: { arguments: ':"Lima"}' } }),
        calls({ index: 0, id: 'b', function: { arguments: ':"PET"}' } }),
        ends('tool_calls'),
      ],
    },
    want: {
      finish: 'tool_calls',
      tools: [
        ['weather', city],
        ['time', { zone: 'PET' }],
      ],
    },
  },
  {
    server: 'Fireworks, id, type and name in every piece',
    source: 'github.com/SillyTavern/SillyTavern/pull/5948',
    body: {
      events: ['{"city":', '"Lima"', '}']
        .map((part) =>
          calls({
            index: 0,
            id: 'chatcmpl-tool-a',
            type: 'function',
            name: null,
            function: { name: 'weather', arguments: part },
          }),
        )
        .concat(ends('tool_calls', { usage: bill(30, 9) })),
    },
    want: { finish: 'tool_calls', tools: [['weather', city]], usage: [30, 9] },
  },
  {
    server: 'Mistral, the window full',
    source: 'docs.mistral.ai/api (finish_reason model_length)',
    body: { events: [...spoken, ends('model_length', { usage: bill(3, 9) })] },
    want: { text, finish: 'length', usage: [3, 9] },
  },
  {
    server: 'Mistral, content in parts',
    source: 'docs.mistral.ai/capabilities/reasoning',
    body: {
      events: [
        says([{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }]),
        says([{ type: 'text', text: 'Hola, ' }]),
        says('ñandú 🦙!'),
        ends('stop'),
      ],
    },
    want: { text, reasoning: 'Hm.', finish: 'stop' },
  },
  {
    server: 'Databricks, thoughts as a part of the content',
    source: 'docs.databricks.com/machine-learning/model-serving/query-reason-models',
    body: {
      events: [
        says([{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] }]),
        says([{ type: 'text', text }]),
        ends('stop'),
      ],
    },
    want: { text, reasoning: 'Hm.', finish: 'stop' },
  },
  {
    server: 'DeepSeek, comments, cache hits beside the bill',
    source: 'api-docs.deepseek.com (prompt_cache_hit_tokens)',
    body: {
      events: [
        piece({ role: 'assistant', content: null, reasoning_content: 'Hm.' }),
        ...spoken,
        ends('stop', { usage: bill(20, 7, { prompt_cache_hit_tokens: 16, prompt_cache_miss_tokens: 4 }) }),
      ],
    },
    want: { text, reasoning: 'Hm.', finish: 'stop', usage: [20, 7, 16] },
  },
  {
    server: 'DeepSeek, out of resources in mid-answer',
    source: 'api-docs.deepseek.com (finish_reason insufficient_system_resource)',
    body: { events: [...spoken, ends('insufficient_system_resource', { usage: bill(20, 7) })] },
    want: { code: 'provider_error', upstreamCode: 'insufficient_system_resource', text },
  },
  {
    server: 'Moonshot, the bill in the choice',
    source: 'github.com/earendil-works/pi/issues/2017',
    body: { events: [...spoken, piece({}, {}, { finish_reason: 'stop', usage: bill(19, 13, { cached_tokens: 8 }) })] },
    want: { text, finish: 'stop', usage: [19, 13, 8] },
  },
  {
    server: 'Z.ai, broken off inside',
    source: 'github.com/earendil-works/pi/pull/1509',
    body: { events: [...spoken, ends('network_error', {}, { role: 'assistant', content: '' })] },
    want: { code: 'provider_error', upstreamCode: 'network_error', text },
  },
  {
    server: 'Z.ai, filtered, and its window full',
    source: 'docs.z.ai (finish_reason sensitive)',
    body: { events: [...spoken, ends('sensitive')] },
    want: { text, finish: 'content_filter' },
  },
  {
    server: 'Z.ai, its window full',
    source: 'docs.z.ai (finish_reason model_context_window_exceeded)',
    body: { events: [...spoken, ends('model_context_window_exceeded')] },
    want: { text, finish: 'length' },
  },
  {
    server: 'MiniMax, zeros until the whole message comes once more',
    source: 'github.com/GCWing/OpenBitFun/pull/792, github.com/ENTERPILOT/GoModel/pull/1068',
    body: {
      events: [
        piece(
          { role: '', reasoning_content: 'Hm.' },
          { usage: { total_tokens: 0, total_characters: 0 }, input_sensitive: false },
        ),
        ...spoken,
        ends('stop', { usage: bill(0, 0) }),
        {
          ...whole({ content: text, reasoning_content: 'Hm.' }, 'stop'),
          usage: bill(40, 12),
          base_resp: { status_code: 0, status_msg: '' },
        },
      ],
    },
    want: { text, reasoning: 'Hm.', finish: 'stop', usage: [40, 12] },
  },
  {
    server: 'a stream of one whole message',
    source: 'github.com/abundantbeing/hermes-browser-extension/issues/11',
    body: { events: [whole({ content: text }, 'stop', { usage: bill(4, 5) })] },
    want: { text, finish: 'stop', usage: [4, 5] },
  },
  {
    server: 'a server that bills zeros',
    source: 'github.com/mozilla-ai/any-llm/issues/1185',
    body: { events: [...spoken, ends('stop'), billed(bill(0, 0))] },
    want: { text, finish: 'stop' },
  },
  {
    server: 'a server that bills its first chunk alone',
    source: 'docs.vllm.ai (continuous_usage_stats)',
    body: { events: [piece({ role: 'assistant', content: '' }, { usage: bill(9, 0) }), ...spoken, ends('stop')] },
    want: { text, finish: 'stop' },
  },
  {
    server: 'OpenRouter, an error in the choice',
    source: 'openrouter.ai/docs/api-reference/errors',
    body: {
      events: [
        says('Hola'),
        piece(
          { content: '' },
          { provider: 'X' },
          { finish_reason: 'error', error: { code: 502, message: 'Upstream melted' } },
        ),
      ],
    },
    want: { code: 'provider_unavailable', says: 'Upstream melted', text: 'Hola' },
  },
  {
    server: 'OpenRouter, an error in a choice that says stop',
    source: 'openrouter.ai/docs/api-reference/errors (native_finish_reason error)',
    body: {
      events: [
        piece(
          { content: ' ' },
          {},
          { finish_reason: 'stop', native_finish_reason: 'error', error: { code: 429, message: 'Slow down' } },
        ),
        billed(bill(10, 1)),
      ],
    },
    want: { code: 'provider_rate_limited', says: 'Slow down' },
  },
  {
    server: 'OpenRouter, an error beside the choices',
    source: 'openrouter.ai/docs/api-reference/streaming',
    body: {
      events: [
        says('Hola'),
        {
          ...ends('error'),
          error: {
            code: 502,
            message: 'Provider returned error',
            metadata: { raw: 'upstream connect error', provider_name: 'X' },
          },
        },
      ],
    },
    want: { code: 'provider_unavailable', says: 'upstream connect error', text: 'Hola' },
  },
  {
    server: 'OpenRouter, thoughts in details of which one is sealed',
    source: 'openrouter.ai/docs/use-cases/reasoning-tokens',
    body: {
      events: [
        piece({ content: '', reasoning: null, reasoning_details: [{ type: 'reasoning.encrypted', data: 'c2VhbGVk' }] }),
        piece({ content: '', reasoning_details: [{ type: 'reasoning.summary', summary: 'Hm.' }] }),
        ...spoken,
        ends('stop', { provider: 'X' }),
        billed(bill(6, 4, { cost: 0.000012, cost_details: { upstream_inference_cost: null } })),
      ],
    },
    want: { text, reasoning: 'Hm.', finish: 'stop', usage: [6, 4] },
  },
  {
    server: 'Groq, the bill in x_groq alone',
    source: 'console.groq.com/docs/api-reference (x_groq)',
    body: {
      events: [
        piece({ role: 'assistant', content: '' }, { x_groq: { id: 'req_1' } }),
        ...spoken,
        ends('stop', { x_groq: { id: 'req_1', usage: bill(18, 6, { queue_time: 0.01 }) } }),
      ],
    },
    want: { text, finish: 'stop', usage: [18, 6] },
  },
  {
    server: 'Groq, why a stream ends early',
    source: 'github.com/groq/groq-typescript (ChatCompletionChunk.XGroq.error)',
    body: { events: [says('Hola'), { ...piece({}), x_groq: { id: 'req_1', error: 'over capacity' } }] },
    want: { code: 'provider_error', says: 'over capacity', text: 'Hola' },
  },
  {
    server: 'Groq, a call that cannot be parsed',
    source: 'console.groq.com/docs/tool-use (tool_use_failed)',
    body: {
      raw: `data: ${JSON.stringify(says('Hola'))}\n\nevent: error\ndata: {"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<function","status_code":400}}\n\n`,
    },
    want: { code: 'provider_error', says: 'Failed to call a function.', upstreamCode: 'tool_use_failed', text: 'Hola' },
  },
  {
    server: 'Cloudflare Workers AI, calls without a function',
    source: 'developers.cloudflare.com/workers-ai/features/function-calling',
    body: { events: [calls({ name: 'weather', arguments: city }), ends('stop'), billed(bill(8, 4))] },
    want: { finish: 'tool_calls', tools: [['weather', city]], usage: [8, 4] },
  },
  {
    server: 'Azure, a filter before the first word',
    source: 'learn.microsoft.com/azure/ai-services/openai (content streaming)',
    body: {
      events: [
        { id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
        piece({ role: 'assistant', content: '', refusal: null }),
        ...spoken,
        ends('content_filter'),
      ],
    },
    want: { text, finish: 'content_filter' },
  },
  {
    server: 'a refusal in place of a content',
    source: 'platform.openai.com/docs/guides/structured-outputs (refusals)',
    body: {
      events: [piece({ role: 'assistant', content: null, refusal: '' }), piece({ refusal: text }), ends('stop')],
    },
    want: { text, finish: 'stop' },
  },
  {
    server: "Google's words through a proxy",
    source: 'ai.google.dev/api/generate-content (FinishReason)',
    body: { events: [...spoken, ends('MAX_TOKENS', { usage: { input_tokens: 4, output_tokens: 8 } })] },
    want: { text, finish: 'length', usage: [4, 8] },
  },
  {
    server: 'Google, its own name of the end',
    source: 'github.com/jakobdylanc/llmcord/issues/84',
    body: { events: [...spoken, piece({}, {}, { finishReason: 'stop' })] },
    want: { text, finish: 'stop' },
  },
  {
    server: 'vLLM-MLX, no end but a bill',
    source: 'github.com/waybarrios/vllm-mlx/issues/628',
    body: { events: [...spoken, piece({}), billed(bill(3, 5))] },
    want: { text, finish: 'stop', usage: [3, 5] },
  },
  {
    server: 'ROCm ATOM, a bill without choices',
    source: 'github.com/ROCm/ATOM/pull/1711',
    body: { events: [...spoken, ends('stop'), { id: 'chatcmpl-1', usage: bill(3, 5) }] },
    want: { text, finish: 'stop', usage: [3, 5] },
  },
  {
    server: 'Cohere behind a gateway, its bill in every chunk and no end of them',
    source: 'github.com/Portkey-AI/gateway/pull/548',
    body: {
      events: [
        piece({ role: 'assistant', content: 'Hola, ' }, { model: '', usage: bill(17, 20) }),
        piece(
          { role: 'assistant', content: 'ñandú 🦙!' },
          { model: '', usage: bill(17, 20) },
          { finish_reason: 'COMPLETE' },
        ),
      ],
    },
    want: { text, finish: 'stop', usage: [17, 20] },
  },
  {
    server: 'Copilot, thoughts under the name of reasoning_text',
    source: 'github.com/anomalyco/opencode (copilot chat)',
    body: { events: [piece({ reasoning_text: 'Hm.' }), ...spoken, ends('stop')] },
    want: { text, reasoning: 'Hm.', finish: 'stop' },
  },
  {
    server: 'thoughts under the name of thinking',
    source: 'github.com/ollama/ollama (api.Message.Thinking)',
    body: { events: [piece({ thinking: 'Hm.' }), ...spoken, ends('end_turn')] },
    want: { text, reasoning: 'Hm.', finish: 'stop' },
  },
  {
    server: 'an end that is written unlike others',
    source: 'no server known by name',
    body: {
      raw: `data:  ${JSON.stringify(says(text))}\n\ndata: ${JSON.stringify(ends('stop'))}\n\ndata:  [DONE] \n\n`,
    },
    want: { text, finish: 'stop' },
  },
  {
    server: 'something that is no JSON after everything has been said',
    source: 'github.com/anomalyco/opencode/issues/8431',
    body: {
      raw: `${[...spoken, ends('stop')].map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')}data: [END]\n\n`,
    },
    want: { text, finish: 'stop' },
  },
  {
    server: 'an event of Z.ai inside another',
    source: 'github.com/anomalyco/opencode/issues/8431',
    body: { raw: `data: ${JSON.stringify(says('Hola'))}\n\ndata: {"id":data: ${JSON.stringify(ends('stop'))}\n\n` },
    want: { code: 'stream_interrupted', text: 'Hola' },
  },
  {
    server: 'an error in plain JSON that calls itself a stream',
    source: 'github.com/smg-project/smg/issues/2403',
    body: {
      raw: '{\n  "error": {"message": "repetition_penalty must be above 0", "type": "BadRequest", "code": 400}\n}\n',
    },
    want: { code: 'invalid_request', says: 'repetition_penalty must be above 0' },
  },
  {
    server: 'a whole answer that calls itself a stream',
    source: 'github.com/florimondmanca/httpx-sse/issues/11',
    body: { raw: JSON.stringify(whole({ content: text }, 'stop', { usage: bill(4, 5) })) },
    want: { text, finish: 'stop', usage: [4, 5] },
  },
  {
    server: 'half an answer that calls itself a stream',
    source: 'github.com/florimondmanca/httpx-sse/issues/11',
    body: { raw: JSON.stringify(whole({ content: text }, 'stop')).slice(0, -20) },
    want: { code: 'stream_interrupted' },
  },
  {
    server: 'a stream that calls itself JSON',
    source: 'github.com/xiaoliu10/claude-code-router-next/pull/45',
    type: 'application/json',
    body: { events: [...spoken, ends('stop', { usage: bill(4, 5) })] },
    want: { text, finish: 'stop', usage: [4, 5] },
  },
  {
    server: 'a stream that calls itself JSON, and breaks off',
    source: 'github.com/xiaoliu10/claude-code-router-next/pull/45',
    type: 'application/json',
    body: { raw: `data: ${JSON.stringify(says('Hola'))}\n\n` },
    want: { code: 'stream_interrupted', text: 'Hola' },
  },
  {
    server: 'a stream of nothing',
    source: 'github.com/earendil-works/pi/issues/5793',
    body: { raw: '' },
    want: { code: 'stream_interrupted' },
  },
  {
    server: 'logprobs that are no numbers of JSON',
    source: 'docs.python.org/3/library/json.html (allow_nan)',
    body: {
      raw: `data: {"choices":[{"index":0,"delta":{"content":"NaN -Infinity"},"logprobs":{"content":[{"token":"NaN","logprob":-Infinity,"top_logprobs":[{"token":"x","logprob":NaN}]}]},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
    },
    want: { text: 'NaN -Infinity', finish: 'stop' },
  },
];

const ANSWERS: readonly ServerAnswer[] = [
  {
    server: 'an answer beside an error of nothing',
    source: 'no server known by name',
    body: {
      json: { ...whole({ content: text }, 'stop', { usage: bill(4, 5) }), error: { code: 0, message: '', type: null } },
    },
    want: { text, finish: 'stop', usage: [4, 5] },
  },
  {
    server: 'Cline, an answer in an envelope',
    source: 'github.com/NousResearch/hermes-agent/issues/66750',
    body: { json: { success: true, data: whole({ content: text }, 'stop', { usage: bill(4, 5) }) } },
    want: { text, finish: 'stop', usage: [4, 5] },
  },
  {
    server: 'Cloudflare Workers AI, a JSON answer that is parsed already',
    source: 'developers.cloudflare.com/workers-ai/features/json-mode',
    body: { json: whole({ content: { name: 'Ana', age: 7 } }, 'stop') },
    want: { text: '{"name":"Ana","age":7}', finish: 'stop' },
  },
  {
    server: 'content as a list of texts',
    source: 'no server known by name',
    body: {
      json: whole({ content: ['Hola, ', { type: 'text', text: 'ñandú 🦙!' }, { type: 'image', url: 'x' }] }, null),
    },
    want: { text, finish: 'stop' },
  },
  {
    server: 'Mistral of 2024, every call named null',
    source: 'github.com/mistralai/client-python (ToolCall.id: str = "null")',
    body: {
      json: whole(
        {
          content: '',
          tool_calls: [
            { id: 'null', function: { name: 'weather', arguments: '{"city":"Lima"}' } },
            { id: 'null', function: { name: 'time', arguments: '{"zone":"PET"}' } },
            { id: 'null', function: { name: 'time', arguments: '{"zone":"UTC"}' } },
          ],
        },
        'tool_calls',
        { usage: bill(50, 20) },
      ),
    },
    want: {
      finish: 'tool_calls',
      tools: [
        ['weather', city],
        ['time', { zone: 'PET' }],
        ['time', { zone: 'UTC' }],
      ],
      usage: [50, 20],
    },
  },
  {
    server: 'calls without ids, all under index 0',
    source: 'github.com/vercel/ai/issues/14277',
    body: {
      json: whole(
        {
          content: null,
          tool_calls: [
            { index: 0, function: { name: 'time', arguments: '{}' } },
            { index: 0, function: { name: 'time', arguments: '{"zone":"UTC"}' } },
          ],
        },
        'stop',
      ),
    },
    want: {
      finish: 'tool_calls',
      tools: [
        ['time', {}],
        ['time', { zone: 'UTC' }],
      ],
    },
  },
  {
    server: 'content beside calls that are none',
    source: 'github.com/vllm-project/vllm (tool_calls: [])',
    body: {
      json: whole({ content: text, tool_calls: [], function_call: null, refusal: null, audio: null }, 'stop', {
        usage: bill(2, 3),
      }),
    },
    want: { text, finish: 'stop', usage: [2, 3] },
  },
  {
    server: 'MiniMax, refused under 200',
    source: 'platform.minimax.io/docs/api-reference/errorcode',
    body: { json: { choices: null, base_resp: { status_code: 1004, status_msg: 'login fail: check your key' } } },
    want: { code: 'provider_auth', says: 'login fail: check your key', upstreamCode: '1004' },
  },
  {
    server: 'MiniMax, too many tokens a minute under 200',
    source: 'platform.minimax.io/docs/api-reference/errorcode',
    body: { json: { base_resp: { status_code: 1039, status_msg: 'token limit' } } },
    want: { code: 'provider_rate_limited', says: 'token limit' },
  },
  {
    server: 'SiliconFlow, busy under 200',
    source: 'docs.siliconflow.com (errors)',
    body: { json: { code: 50508, message: 'System is too busy now. Please try again later.', data: null } },
    want: { code: 'provider_error', says: 'System is too busy now. Please try again later.' },
  },
  {
    server: 'one-api and its like',
    source: 'github.com/songquanpeng/one-api (success: false)',
    body: { json: { success: false, message: 'No channel for this model' } },
    want: { code: 'provider_error', says: 'No channel for this model' },
  },
  {
    server: 'a page under 200',
    source: 'captive portals and proxies',
    type: 'text/html',
    body: { raw: '<html><head><title>Sign in</title></head><body><p>Sign in to go on</p></body></html>' },
    want: { code: 'provider_error', says: 'Sign in Sign in to go on' },
  },
  {
    server: 'nothing under 200',
    source: 'proxies',
    type: 'application/json',
    body: { raw: '' },
    want: { code: 'provider_error' },
  },
  {
    server: 'an answer with something after it',
    source: 'proxies',
    type: 'application/json',
    body: { raw: `${JSON.stringify(whole({ content: text }, 'stop'))}\n{"x":` },
    want: { code: 'provider_error' },
  },
  {
    server: 'an answer behind blank lines, as DeepSeek keeps a connection alive',
    source: 'api-docs.deepseek.com/quick_start/rate_limit',
    type: 'application/json',
    body: { raw: `\n\n  \n${JSON.stringify(whole({ content: text }, 'stop'))}\n` },
    want: { text, finish: 'stop' },
  },
];

const failed = (server: string, source: string, status: number, json: unknown, want: Failure): ServerAnswer => ({
  server,
  source,
  status,
  body: { json },
  want,
});

const ERRORS: readonly ServerAnswer[] = [
  failed(
    'DeepInfra',
    'github.com/UKGovernmentBEIS/inspect_ai/pull/2762',
    500,
    { detail: { error: 'internal error' } },
    { code: 'provider_error', says: 'internal error' },
  ),
  failed(
    'Text Generation Inference',
    'github.com/huggingface/text-generation-inference',
    422,
    {
      error:
        'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 20 `max_new_tokens`',
      error_type: 'validation',
    },
    { code: 'context_length_exceeded', upstreamCode: 'validation' },
  ),
  failed(
    'Text Generation Inference',
    'github.com/huggingface/text-generation-inference',
    429,
    { error: 'Model is overloaded', error_type: 'overloaded' },
    { code: 'provider_rate_limited', says: 'Model is overloaded' },
  ),
  failed(
    'Hugging Face',
    'huggingface.co/docs/inference-providers',
    400,
    { error: ['Error in `parameters`: unknown field'] },
    { code: 'invalid_request', says: 'Error in `parameters`: unknown field' },
  ),
  failed(
    'Cloudflare Workers AI',
    'developers.cloudflare.com/workers-ai',
    400,
    { success: false, errors: [{ code: 5007, message: 'No such model @cf/x or task' }], result: {}, messages: [] },
    { code: 'model_not_found', says: 'No such model @cf/x or task' },
  ),
  failed(
    'errors as texts',
    'no server known by name',
    400,
    { errors: ['temperature is too high'] },
    { code: 'invalid_request', says: 'temperature is too high' },
  ),
  failed(
    'ASP.NET',
    'learn.microsoft.com/aspnet/core/web-api/handle-errors',
    400,
    { title: 'One or more validation errors occurred.', status: 400, errors: { messages: ['The field is required.'] } },
    { code: 'invalid_request', says: 'The field is required.' },
  ),
  failed(
    'Azure API Management',
    'learn.microsoft.com/azure/api-management',
    401,
    { statusCode: 401, message: 'Access denied due to missing subscription key.' },
    { code: 'provider_auth', says: 'Access denied due to missing subscription key.' },
  ),
  failed(
    'AWS API Gateway',
    'docs.aws.amazon.com/apigateway',
    403,
    { Message: 'User is not authorized to access this resource' },
    { code: 'provider_auth', says: 'User is not authorized to access this resource' },
  ),
  failed(
    'Baidu',
    'cloud.baidu.com/doc/WENXINWORKSHOP',
    400,
    { error_code: 336003, error_msg: 'the messages are illegal' },
    { code: 'invalid_request', says: 'the messages are illegal' },
  ),
  failed(
    'Moonshot, out of credit',
    'platform.moonshot.ai/docs/api/errors',
    429,
    { error: { type: 'exceeded_current_quota_error', message: 'Your account is suspended' } },
    { code: 'provider_auth', says: 'Your account is suspended' },
  ),
  failed(
    'DashScope, out of credit',
    'alibabacloud.com/help/en/model-studio/error-code',
    400,
    {
      error: {
        code: 'Arrearage',
        message: 'Access denied, please make sure your account is in good standing.',
        type: 'Arrearage',
        param: null,
      },
    },
    { code: 'provider_auth', upstreamCode: 'Arrearage' },
  ),
  failed(
    'Groq, a call that cannot be parsed',
    'console.groq.com/docs/tool-use',
    400,
    {
      error: {
        message: 'Failed to call a function.',
        type: 'invalid_request_error',
        code: 'tool_use_failed',
        failed_generation: '<function',
      },
    },
    { code: 'provider_error', upstreamCode: 'tool_use_failed' },
  ),
  failed(
    'Groq, JSON that is none',
    'console.groq.com/docs/structured-outputs',
    400,
    {
      error: {
        message: 'Failed to validate JSON.',
        type: 'invalid_request_error',
        code: 'json_validate_failed',
        failed_generation: '',
      },
    },
    { code: 'provider_error', upstreamCode: 'json_validate_failed' },
  ),
  failed(
    'an error inside an error',
    'github.com/openbkn-ai/bkn-foundry/issues/620',
    500,
    { error: '{"error":{"message":"out of memory","type":"server_error"}}' },
    { code: 'provider_error', says: 'out of memory' },
  ),
  {
    server: 'DashScope, an error as an event',
    source: 'alibabacloud.com/help/en/model-studio (streaming)',
    status: 400,
    body: {
      raw: 'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"InvalidParameter","message":"temperature is out of range","request_id":"r1"}\n\n',
    },
    want: { code: 'invalid_request', says: 'temperature is out of range', upstreamCode: 'InvalidParameter' },
  },
  {
    server: 'a page',
    source: 'nginx',
    status: 502,
    type: 'text/html',
    body: { raw: '<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>' },
    want: { code: 'provider_unavailable', says: '502 Bad Gateway nginx' },
  },
  { server: 'nothing', source: 'proxies', status: 500, body: { raw: '' }, want: { code: 'provider_error' } },
];

export const SERVER_ANSWERS: readonly ServerAnswer[] = [...STREAMS, ...ANSWERS, ...ERRORS];

export const isStream = ({ body, status }: ServerAnswer): boolean => status === undefined && !('json' in body);

/** The body as the server writes it. */
export function textOf({ body }: ServerAnswer): string {
  if ('raw' in body) return body.raw;
  if ('json' in body) return JSON.stringify(body.json);
  return `${body.events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')}data: [DONE]\n\n`;
}

export const typeOf = (answer: ServerAnswer): string => {
  if (answer.type !== undefined) return answer.type;
  return 'json' in answer.body ? 'application/json' : 'text/event-stream; charset=utf-8';
};
