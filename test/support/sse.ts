/** One server-sent event's data, or a comment. */
export interface SseLine {
  readonly data?: string;
  readonly comment?: string;
}

/** A whole event stream, read plainly: it comes from us, in our one form. */
export function parseSse(text: string): SseLine[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) =>
      block.startsWith(':') ? { comment: block.slice(1).trim() } : { data: block.replace(/^data: /, '') },
    );
}

export interface Chunk {
  readonly id: string;
  readonly object: string;
  readonly model: string;
  readonly system_fingerprint?: string;
  readonly choices: readonly {
    index: number;
    text?: string;
    delta?: {
      role?: string;
      content?: string;
      reasoning?: string;
      tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[];
    };
    finish_reason: string | null;
  }[];
  readonly usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    total_tokens: number;
    prompt_tokens_details?: { cached_tokens?: number };
  } | null;
  readonly error?: { code: string; message: string; metadata: Record<string, unknown> };
}

/** What a stream came to. */
export interface Streamed {
  readonly chunks: readonly Chunk[];
  readonly done: boolean;
  readonly text: readonly string[];
  readonly finish: readonly (string | undefined)[];
  readonly tools: readonly { id: string; name: string; arguments: string }[];
  readonly usage: Chunk['usage'];
  readonly error: Chunk['error'];
}

export function readStream(body: string): Streamed {
  const lines = parseSse(body).filter((line) => line.data !== undefined);
  const done = lines.at(-1)?.data === '[DONE]';
  const chunks = lines.filter((line) => line.data !== '[DONE]').map((line): Chunk => JSON.parse(line.data ?? ''));
  const text: string[] = [];
  const finish: (string | undefined)[] = [];
  const tools: { id: string; name: string; arguments: string }[] = [];
  for (const chunk of chunks) {
    for (const choice of chunk.choices) {
      text[choice.index] = (text[choice.index] ?? '') + (choice.delta?.content ?? choice.text ?? '');
      if (choice.finish_reason !== null) finish[choice.index] = choice.finish_reason;
      for (const call of choice.delta?.tool_calls ?? []) {
        const tool = tools[call.index] ?? { id: '', name: '', arguments: '' };
        tools[call.index] = tool;
        tool.id += call.id ?? '';
        tool.name += call.function.name ?? '';
        tool.arguments += call.function.arguments;
      }
    }
  }
  return {
    chunks,
    done,
    text,
    finish,
    tools,
    usage: chunks.findLast((chunk) => chunk.usage)?.usage ?? null,
    error: chunks.find((chunk) => chunk.error)?.error,
  };
}
