import type { ToolChoice, ToolConfiguration, Tool as WireTool } from '@aws-sdk/client-bedrock-runtime';
import { type ChatParts, isObject, type Tool } from '../../../src/core/index.ts';
import { isLlama } from '../family.ts';
import { isBlank } from './pieces.ts';
import { fitSchema } from './schema.ts';
import type { ToolNames } from './tool-names.ts';

export interface Tooling {
  readonly config?: ToolConfiguration;
  /** Tools are declared only because the conversation shows some: the model must call none. */
  readonly forbidden: boolean;
  readonly instruction?: string;
}

const FORBIDDEN = 'Do not call any tool. Answer in text.';

type Schema = NonNullable<NonNullable<NonNullable<WireTool['toolSpec']>['inputSchema']>['json']>;

/** Bedrock wants an object's schema, always. It came in as JSON, so it is a document. */
const inputSchema = (parameters: Tool['parameters']): Schema =>
  parameters?.type === undefined
    ? { type: 'object', properties: {}, ...(parameters as { [key: string]: Schema } | undefined) }
    : (parameters as { [key: string]: Schema });

/** `strict` holds arguments to the schema as `outputConfig` does answers: of the same models, and of a schema made fit. */
function toolSpec(tool: Tool, names: ToolNames, structured: boolean): WireTool {
  const schema = inputSchema(tool.parameters);
  const fit = structured && tool.strict === true && isObject(schema) ? fitSchema(schema) : undefined;
  return {
    toolSpec: {
      name: names.toWire(tool.name),
      ...(tool.description === undefined || isBlank(tool.description) ? {} : { description: tool.description }),
      inputSchema: { json: fit ? (fit.schema as { [key: string]: Schema }) : schema },
      ...(fit ? { strict: true } : {}),
    },
  };
}

/** `none` is not among Converse's choices. Llama takes none but `auto`, which is what it does unasked. */
function toolChoice({ toolChoice: choice, family }: ChatParts, names: ToolNames): ToolChoice | undefined {
  if (choice === undefined || choice === 'none' || isLlama(family)) return undefined;
  if (choice === 'auto') return { auto: {} };
  if (choice === 'required') return { any: {} };
  return { tool: { name: names.toWire(choice.name) } };
}

/**
 * The tools of a request. A conversation that shows calls needs them declared even where none may be called ("The
 * toolConfig field must be defined when using toolUse and toolResult content blocks.").
 *
 * @param called names of the tools that the conversation shows in use
 */
export function tooling(chat: ChatParts, called: ReadonlySet<string>, names: ToolNames): Tooling {
  const may = chat.toolChoice !== 'none' && chat.tools.length > 0;
  if (!may && called.size === 0) return { forbidden: false };
  const tools = chat.tools.length > 0 ? chat.tools : [...called].map((name) => ({ name }));
  const choice = may ? toolChoice(chat, names) : undefined;
  return {
    config: {
      tools: tools.map((tool) => toolSpec(tool, names, chat.structured === true)),
      ...(choice ? { toolChoice: choice } : {}),
    },
    forbidden: !may,
    ...(may ? {} : { instruction: FORBIDDEN }),
  };
}
