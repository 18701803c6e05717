/** Chats and the prompts that the makers' own templates or reference code give for them. The scripts here wrote them. */
import chatml from './chatml.json' with { type: 'json' };
import codeLlama from './code-llama.json' with { type: 'json' };
import codeLlama70b from './code-llama-70b.json' with { type: 'json' };
import conversations from './conversations.json' with { type: 'json' };
import deepseekR1 from './deepseek-r1.json' with { type: 'json' };
import deepseekV31 from './deepseek-v3.1.json' with { type: 'json' };
import deepseekV31Thinking from './deepseek-v3.1-thinking.json' with { type: 'json' };
import deepseekV3 from './deepseek-v3.json' with { type: 'json' };
import gptOss from './gpt-oss.json' with { type: 'json' };
import guideBuffer from './guide-buffer.json' with { type: 'json' };
import llama2 from './llama-2.json' with { type: 'json' };
import llama31 from './llama-3.1.json' with { type: 'json' };
import llama33Hf from './llama-3.3-hf.json' with { type: 'json' };
import llama3 from './llama-3.json' with { type: 'json' };
import llama4 from './llama-4.json' with { type: 'json' };
import mistral from './mistral.json' with { type: 'json' };
import mistral3 from './mistral-3.json' with { type: 'json' };
import mistralNemo from './mistral-nemo.json' with { type: 'json' };
import mixtral8x22b from './mixtral-8x22b.json' with { type: 'json' };
import plain from './plain.json' with { type: 'json' };
import qwen25 from './qwen2.5.json' with { type: 'json' };
import qwen3 from './qwen3.json' with { type: 'json' };
import qwen3NoThink from './qwen3-no-think.json' with { type: 'json' };

/** Messages and tools are written as OpenAI's API writes them. */
export interface Golden {
  readonly family: string;
  readonly options: {
    readonly variant?: string;
    readonly date?: string;
    readonly thinking?: boolean;
    readonly reasoningEffort?: string;
  };
  readonly source: string;
  readonly cases: readonly GoldenCase[];
}

export interface GoldenCase {
  readonly name: string;
  readonly messages: readonly GoldenMessage[];
  readonly tools?: readonly GoldenTool[];
  readonly expected: string;
}

export interface GoldenMessage {
  readonly role: string;
  readonly content: string;
  readonly tool_call_id?: string;
  readonly reasoning?: string;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: object };
  }[];
}

export interface GoldenTool {
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters: object;
    readonly strict?: boolean;
  };
}

export const GOLDEN: readonly Golden[] = [
  chatml,
  codeLlama,
  codeLlama70b,
  deepseekR1,
  deepseekV3,
  deepseekV31,
  deepseekV31Thinking,
  gptOss,
  guideBuffer,
  llama2,
  llama3,
  llama31,
  llama33Hf,
  llama4,
  mistral,
  mistral3,
  mistralNemo,
  mixtral8x22b,
  plain,
  qwen25,
  qwen3,
  qwen3NoThink,
];

interface Conversations {
  readonly chats: readonly { readonly messages: readonly GoldenMessage[]; readonly tools: readonly GoldenTool[] }[];
  readonly goldens: readonly (Omit<Golden, 'cases'> & { readonly expected: readonly (string | null)[] })[];
}

/** Random conversations with tools, of which `conversations.py` wrote what each family makes of them. */
const { chats, goldens }: Conversations = conversations;

/** The same, without those that a family's template has no place for. */
export const CONVERSATIONS: readonly Golden[] = goldens.map(({ expected, ...golden }) => ({
  ...golden,
  cases: chats.flatMap((chat, at) => {
    const prompt = expected[at];
    return typeof prompt === 'string' ? [{ name: `conversation ${at}`, ...chat, expected: prompt }] : [];
  }),
}));
