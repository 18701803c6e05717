import type { Chat, Message } from '../count/index.ts';
import { isJson, type Json, list, object, parse, text } from '../json.ts';

/** vLLM joins the text parts of a message with one line break. */
const contentOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((part) => text(object(part).text))
        .filter((part) => part !== '')
        .join('\n');

/** Templates take a call's arguments as an object, which the wire has as JSON text. */
const callOf = (call: unknown) => {
  const { id, function: called } = object(call);
  const { name, arguments: given } = object(called);
  const written = text(given);
  return { id: text(id), function: { name: text(name), arguments: object(parse(written)) }, written };
};

function messageOf(message: Json): Message {
  const { role, content, tool_call_id: id } = message;
  const called = list(message.tool_calls).map(callOf);
  const thought = message.reasoning_content ?? message.reasoning;
  return {
    role: text(role),
    content: contentOf(content),
    ...(typeof thought === 'string' ? { reasoning_content: thought } : {}),
    ...(called.length > 0 ? { tool_calls: called } : {}),
    ...(typeof id === 'string' ? { tool_call_id: id } : {}),
  };
}

/** Together's switch, and vLLM's. Models that only answer at once have none. */
function thinkingIn(body: Json): boolean | undefined {
  const { thinking, enable_thinking: enabled } = object(body.chat_template_kwargs);
  const asked = object(body.reasoning).enabled ?? thinking ?? enabled;
  return typeof asked === 'boolean' && !/instruct/i.test(text(body.model)) ? asked : undefined;
}

/** A chat request as its server gives it to the template: a last message of the assistant's is closed like any other. */
export function chatOf(body: Json): Chat {
  const thinking = thinkingIn(body);
  return {
    messages: list(body.messages).filter(isJson).map(messageOf),
    tools: list(body.tools).filter(isJson),
    begun: false,
    ...(thinking === undefined ? {} : { thinking }),
    ...(typeof body.reasoning_effort === 'string' ? { effort: body.reasoning_effort } : {}),
  };
}
