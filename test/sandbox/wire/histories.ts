import { isJson, type Json, list, object, text } from '../json.ts';

/**
 * What models refuse in the history of a chat, whoever serves them: their chat templates raise it, or their makers' servers
 * do. Each is in the words of the source.
 */

const MISTRAL = /mistral|mixtral|devstral|magistral/i;
/** Thinks unless told not to, and must be given its reasoning back once it has called tools. */
const DEEPSEEK_V4 = /deepseek-?v4/i;
const KIMI = /kimi-k(?:2-thinking|2\.[5-9]|[3-9])/i;

const hasCalls = (message: Json): boolean => list(message.tool_calls).length > 0;

const thought = ({ reasoning_content: content, reasoning }: Json): boolean =>
  typeof content === 'string' || typeof reasoning === 'string';

/** Why the model refuses these messages, if it does. */
export function historyTrouble(body: Json): string | undefined {
  const model = text(body.model);
  const messages = list(body.messages).filter(isJson);
  if (MISTRAL.test(model)) {
    const ids = messages.flatMap((message) => [
      ...list(message.tool_calls).map((call) => text(object(call).id)),
      ...(message.role === 'tool' ? [text(message.tool_call_id)] : []),
    ]);
    // mistralai/Mistral-7B-Instruct-v0.3, tokenizer_config.json.
    if (ids.some((id) => id.length !== 9)) return 'Tool call IDs should be alphanumeric strings with length 9!';
  }
  if (object(body.reasoning).enabled === false || object(body.chat_template_kwargs).thinking === false)
    return undefined;
  const answers = messages.filter(({ role }) => role === 'assistant');
  // api-docs.deepseek.com/guides/thinking_mode; an empty text passes (sluisr/deepseek-cli 1.1.1).
  if (DEEPSEEK_V4.test(model) && answers.some(hasCalls) && !answers.every(thought)) {
    return 'The `reasoning_content` in the thinking mode must be passed back to the API.';
  }
  // router-for-me/CLIProxyAPI#3601.
  const lost = messages.findIndex((message) => hasCalls(message) && !thought(message));
  if (KIMI.test(model) && lost >= 0) {
    return `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${lost}`;
  }
  return undefined;
}
