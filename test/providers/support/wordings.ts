import type { ErrorCode } from '../../../src/core/index.ts';

/** An error as a server sends it, and what it means. */
export interface Wording {
  readonly who: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly body: unknown;
}

/** Who says it, under which status, what it means, and the body. As servers' code, their users' issues and their clients' tests quote them. */
const LINES = String.raw`
OpenAI | 400 | context_length_exceeded | {"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 130518 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}
OpenAI, without a code | 400 | context_length_exceeded | {"error":{"message":"This model's maximum context length is 8192 tokens, however you requested 9000 tokens (8000 in your prompt; 1000 for the completion). Please reduce your prompt; or completion length.","code":null}}
OpenAI Responses | 400 | context_length_exceeded | {"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again."}}
Azure | 400 | context_length_exceeded | {"error":{"message":"Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 301213 tokens."}}
vLLM 0.4 | 400 | context_length_exceeded | {"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion).","type":"BadRequestError","param":null,"code":400}
vLLM, max_tokens | 400 | context_length_exceeded | {"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 4000 input tokens (5000 > 4096 - 4000).","type":"BadRequestError","code":400}
vLLM, below 1 | 400 | context_length_exceeded | {"object":"error","message":"max_tokens must be at least 1, got -186.","type":"BadRequestError","param":null,"code":400}
vLLM, the engine | 400 | context_length_exceeded | {"error":{"message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that \u0060max_model_len\u0060 is no smaller than the number of text tokens.","type":"BadRequestError","code":400}}
vLLM 0.32 | 400 | context_length_exceeded | {"error":{"message":"You passed 31745 input tokens and requested 1024 output tokens. However, the model's context length is only 32768 tokens, resulting in a maximum input length of 31744 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=31745)","type":"BadRequestError","param":"input_tokens","code":400}}
vLLM 0.32, characters | 400 | context_length_exceeded | {"error":{"message":"You passed 900000 input characters. However, the model's context length is only 8192 tokens (at most 122880 characters). Please reduce the length of the input prompt.","type":"BadRequestError","param":{"input_text":900000},"code":400}}
Ray Serve | 400 | context_length_exceeded | {"error":{"message":"Message: This model's maximum context length is 4096 tokens. However, you requested 5000 tokens. (Request ID: abc), Internal exception: ValueError, original exception: 400","type":"OpenAIHTTPException","param":{},"code":400}}
Ray Serve, a bare detail | 400 | context_length_exceeded | {"detail":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."}
a gateway that wraps the error as text | 400 | context_length_exceeded | {"detail":"{\"error\":{\"code\":400,\"message\":\"request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it\",\"type\":\"exceed_context_size_error\"}}"}
a gateway that wraps the error as it is | 400 | context_length_exceeded | {"detail":{"error":{"message":"prompt too long; exceeded max context length by 4 tokens"}}}
RayLLM | 400 | context_length_exceeded | {"error":{"message":"Input too long. Received 5000 tokens, but the maximum input length is 4096","type":"InputTooLong","code":400}}
SGLang | 400 | context_length_exceeded | {"object":"error","message":"The input (9000 tokens) is longer than the model's context length (8192 tokens).","type":"BadRequestError","code":400}
SGLang, both | 400 | context_length_exceeded | {"object":"error","message":"Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 9000 tokens: 8000 tokens from the input messages and 1000 tokens for the completion.","code":400}
SGLang, the engine | 400 | context_length_exceeded | {"message":"Input length (265330) exceeds model's maximum context length (262144).","type":"BadRequestError"}
TGI | 422 | context_length_exceeded | {"error":"Input validation error: \u0060inputs\u0060 tokens + \u0060max_new_tokens\u0060 must be <= 4096. Given: 4000 \u0060inputs\u0060 tokens and 200 \u0060max_new_tokens\u0060","error_type":"validation"}
TGI, inputs alone | 422 | context_length_exceeded | {"error":"Input validation error: \u0060inputs\u0060 must have less than 1024 tokens. Given: 3003","error_type":"validation"}
llama.cpp | 400 | context_length_exceeded | {"error":{"code":400,"message":"request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9412,"n_ctx":8192}}
llama.cpp, older | 400 | context_length_exceeded | {"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"invalid_request_error"}}
llama.cpp, as its own failure | 500 | context_length_exceeded | {"error":{"code":500,"message":"the request exceeds the available context size, try increasing it","type":"server_error"}}
Ollama | 400 | context_length_exceeded | {"error":{"message":"prompt too long; exceeded max context length by 1234 tokens","type":"invalid_request_error","param":null,"code":null}}
Ollama, of its runner | 500 | context_length_exceeded | {"error":"{\"error\":{\"code\":400,\"message\":\"request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it\",\"type\":\"exceed_context_size_error\"}}"}
LM Studio | 400 | context_length_exceeded | {"error":"Trying to keep the first 4000 tokens when context overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."}
LM Studio, newer | 400 | context_length_exceeded | {"error":{"message":"The number of tokens to keep from the initial prompt is greater than the context length."}}
Mistral | 400 | context_length_exceeded | {"object":"error","message":"Prompt contains 140000 tokens and 0 draft tokens, too large for model with 128000 maximum context length","type":"invalid_request_prompt","code":"3051"}
Together | 400 | context_length_exceeded | {"error":{"message":"The input (5000 tokens) is longer than the model's context length (4096 tokens)."}}
Together, 403 | 403 | context_length_exceeded | {"error":{"message":"Input token count + max_tokens must be less than the context length"}}
Groq | 400 | context_length_exceeded | {"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}
Fireworks | 400 | context_length_exceeded | {"error":{"object":"error","type":"invalid_request_error","message":"The prompt is too long: 221782, model maximum context length: 202752"}}
Cerebras | 400 | context_length_exceeded | {"message":"Please reduce the length of the messages or completion. Current length is 9412 while limit is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}
DeepInfra | 400 | context_length_exceeded | {"error":{"message":"This model's maximum context length is 131072 tokens. However, you requested 140000 tokens."}}
Cloudflare Workers AI | 400 | context_length_exceeded | {"success":false,"result":null,"errors":[{"code":5021,"message":"AiError: The estimated number of input and maximum output tokens (8500) exceeded this model context window limit (7968)."}]}
OpenRouter | 400 | context_length_exceeded | {"error":{"message":"This endpoint's maximum context length is 131072 tokens. However, you requested about 148000 tokens.","code":400}}
OpenRouter, of its provider | 400 | context_length_exceeded | {"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"Input is too long for requested model\"}}","provider_name":"Amazon Bedrock"}}}
Perplexity | 400 | context_length_exceeded | {"error":{"message":"The total length of all messages is too long.","type":"too_many_prompt_tokens","code":400}}
Moonshot | 400 | context_length_exceeded | {"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":"invalid_request_error"}}
MiniMax | 400 | context_length_exceeded | {"error":{"message":"invalid params, context window exceeds limit (2013)"}}
DashScope | 400 | context_length_exceeded | {"error":{"message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]"}}
Gemini, in a list | 400 | context_length_exceeded | [{"error":{"code":400,"message":"The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]
Bedrock’s OpenAI endpoint | 400 | context_length_exceeded | {"error":{"message":"Input is too long for requested model.","type":"invalid_request_error","code":"validation_error"}}
OpenAI | 404 | model_not_found | {"error":{"message":"The model \u0060x\u0060 does not exist or you do not have access to it.","code":"model_not_found"}}
vLLM | 404 | model_not_found | {"object":"error","message":"The model \u0060x\u0060 does not exist.","type":"NotFoundError","param":null,"code":404}
Ray Serve | 404 | model_not_found | {"error":{"message":"Could not find model with id \"x\". (Request ID: 1)","type":"HTTPException","param":{},"code":404}}
Ray Serve, under a 400 | 400 | model_not_found | {"error":{"message":"Unable to find x. Please ensure that the model exists and you have permission.","code":400}}
Ollama | 404 | model_not_found | {"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error","param":null,"code":null}}
LM Studio | 400 | model_not_found | {"error":{"message":"No models loaded. Please load a model in the developer page or use the \u0060lms load\u0060 command."}}
Mistral | 400 | model_not_found | {"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}
Perplexity | 400 | model_not_found | {"error":{"message":"Invalid model 'x'.","type":"invalid_model","code":400}}
Together | 400 | model_not_found | {"error":{"message":"Unable to access non-serverless model x/y. Please visit https://api.together.ai to start an endpoint.","code":"model_not_available"}}
Groq, retired | 400 | model_not_found | {"error":{"message":"The model \u0060x\u0060 has been decommissioned and is no longer supported.","code":"model_decommissioned"}}
Fireworks | 404 | model_not_found | {"error":{"message":"Model not found, inaccessible, and/or not deployed","param":"model","code":"NOT_FOUND"}}
Hugging Face | 400 | model_not_found | {"error":{"message":"The requested model 'x/y' is not supported by any provider you have enabled.","code":"model_not_supported"}}
OpenRouter | 400 | model_not_found | {"error":{"message":"x/y is not a valid model ID","code":400}}
Cloudflare Workers AI | 400 | model_not_found | {"success":false,"errors":[{"code":5007,"message":"No such model @cf/x or task"}]}
DeepInfra | 404 | model_not_found | {"detail":{"error":"Model is not available"}}
an output limit | 400 | invalid_request | {"error":{"message":"max_tokens is too large: 64000. This model supports at most 16384 completion tokens."}}
one field that is too long | 400 | invalid_request | {"error":{"message":"Invalid 'user': string too long. Expected a string with maximum length 64.","code":"string_above_max_length"}}
a rate of tokens | 429 | provider_rate_limited | {"error":{"message":"Rate limit reached on tokens per minute (TPM): Limit 30000, Requested 40000. Reduce the length of your messages.","code":"rate_limit_exceeded"}}
Groq’s rate of tokens, under 413 | 413 | provider_rate_limited | {"error":{"message":"Request too large for model \u0060x\u0060 on tokens per minute (TPM): Limit 6000, Requested 7000","type":"tokens","code":"rate_limit_exceeded"}}
an image to llama.cpp | 500 | unsupported_parameter | {"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}
an image to vLLM | 400 | unsupported_parameter | {"object":"error","message":"x is not a multimodal model","type":"BadRequestError","code":400}
a crash | 500 | provider_error | {"error":{"message":"maximum context length of None"}}
Mistral’s list of details | 422 | invalid_request | {"object":"error","message":{"detail":[{"loc":["body","temperature"],"msg":"Input should be less than or equal to 1.5","type":"less_than_equal"}]},"type":"invalid_request_error"}
`;

export const WORDINGS: readonly Wording[] = LINES.trim()
  .split('\n')
  .map((line) => {
    const [who = '', status = '', code = '', ...body] = line.split(' | ');
    return { who, status: Number(status), code: code as ErrorCode, body: JSON.parse(body.join(' | ')) };
  });

export const wordingsOf = (...codes: readonly ErrorCode[]): (readonly [string, Wording])[] =>
  WORDINGS.filter(({ code }) => codes.includes(code)).map((wording) => [wording.who, wording]);
