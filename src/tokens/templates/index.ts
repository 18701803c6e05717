/** The prompt templates by model family, and who adds begin-of-sequence to them. */
import type { ServerBos } from '../../core/index.ts';
import { deepseekV4 } from './deepseek-v4.ts';
import { harmony } from './harmony.ts';
import { codeLlama, codeLlama70b, llama2, llama3, llama4, llama31 } from './llama.ts';
import { mistral3, mistralTekken, mistralV1, mistralV1Hf, mistralV3 } from './mistral.ts';
import { chatml, deepseekR1, deepseekV3, deepseekV31, qwen3, qwen25 } from './qwen-deepseek.ts';
import { rulesOf, type Template, type TemplateOptions } from './template.ts';

export { CUT, type Part, type Template, type TemplateOptions, type Turn, type Wrap } from './template.ts';

/**
 * The transcript in Meta's guide to prompting Llama 2: LangChain's `get_buffer_string` with the prefixes `USER` and
 * `ASSISTANT`, one line break between messages, no `ASSISTANT:` at the end. It has no system message; here system text
 * opens the transcript.
 */
const buffer: Template = {
  begin: '',
  system: { before: '', after: '\n' },
  user: { before: 'USER: ', after: '\n' },
  assistant: { before: 'ASSISTANT: ', after: '\n' },
  ...rulesOf('buffer'),
  answer: '',
  trimEnd: '\n',
  stop: ['\nUSER:'],
  specials: [],
  markers: ['\nUSER: ', '\nASSISTANT: '],
};

/** The texts alone, separated by blank lines. For base models that are given messages. */
const plain: Template = {
  ...buffer,
  ...rulesOf('plain'),
  system: { before: '', after: '\n\n' },
  user: { before: '', after: '\n\n' },
  assistant: { before: '', after: '\n\n' },
  trimEnd: '\n\n',
  stop: [],
  markers: [],
};

interface TemplateFacts {
  readonly variant: string;
  readonly tools: boolean;
  readonly date: Date;
  readonly effort: string | undefined;
}

interface Family {
  /** Names of the template's variants. Raw prompts are rendered in the first. */
  readonly variants: readonly string[];
  /** The variant for all chats with tools. Absent: they have no other than the rest. */
  readonly toolVariant?: string;
  /** Servers choose between the variant `thinking` and the other one, as the caller asks. */
  readonly switches?: true;
  readonly of: (facts: TemplateFacts) => Template;
}

const one = (template: Template): Family => ({ variants: ['default'], of: () => template });

/** Makes a template at its first use, so that none of these costs time when a Worker starts. */
function lazily(make: () => Template): () => Template {
  let made: Template | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const THINKING = 'thinking';

/** A family with a template for thinking and one without. The first variant is the default. */
function thinkingOrNot(names: readonly [string, string], of: (thinking: boolean) => Template): Family {
  const thinking = lazily(() => of(true));
  const plain = lazily(() => of(false));
  return { variants: names, of: ({ variant }) => (variant === THINKING ? thinking() : plain()) };
}

/** A family whose servers take a switch for it, too. */
const switched = (names: readonly [string, string], of: (thinking: boolean) => Template): Family => ({
  ...thinkingOrNot(names, of),
  switches: true,
});

/** The templates of DeepSeek V4 by effort. Those without thoughts state none. */
const byEffort = new Map<string | undefined, Template>();

const deepseekV4Family: Family = {
  variants: [THINKING, 'no-think'],
  switches: true,
  of({ variant, effort }) {
    const thinking = variant === THINKING;
    const key = thinking ? (effort === 'high' || effort === 'max' ? effort : 'low') : 'none';
    const template = byEffort.get(key) ?? deepseekV4(thinking, effort);
    byEffort.set(key, template);
    return template;
  },
};

/**
 * Llama 3.1 to 3.3 have two variants. `meta` is ChatFormat, the makers' own. Raw prompts use it, because `hf` adds
 * two dates: 20 to 25 tokens that the caller did not ask for and that change from day to day. `hf` is what chat
 * servers render and bill, so it is used to count for them. Chats with tools always use it, because ChatFormat has no
 * place for tools.
 */
const llama3x: Family = {
  variants: ['meta', 'hf'],
  toolVariant: 'hf',
  of: ({ variant, date, tools }) => (variant === 'hf' ? llama31(date, tools) : llama3),
};

/** Raw prompts follow the makers' library (`reference`). Chat servers render and bill `hf`. */
const mistral7b: Family = {
  variants: ['reference', 'hf'],
  of: ({ variant }) => (variant === 'hf' ? mistralV1Hf : mistralV1),
};

const llama4Plain = lazily(() => llama4(false));
const llama4WithTools = lazily(() => llama4(true));

/** By the catalogue's family names. */
const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['llama-2', one(llama2)],
  ['code-llama', one(codeLlama)],
  ['code-llama-70b', one(codeLlama70b)],
  ['llama-3', one(llama3)],
  ['llama-3.1', llama3x],
  ['llama-3.2', llama3x],
  ['llama-3.3', llama3x],
  ['llama-4', { variants: ['default'], of: ({ tools }) => (tools ? llama4WithTools() : llama4Plain()) }],
  ['mistral', mistral7b],
  ['mixtral', mistral7b],
  ['mixtral-8x22b', one(mistralV3)],
  ['mistral-nemo', one(mistralTekken)],
  ['mistral-3', one(mistral3)],
  ['chatml', one(chatml)],
  ['qwen2.5', one(qwen25)],
  ['qwen3', switched([THINKING, 'no-think'], qwen3)],
  ['qwen3-coder', one(chatml)],
  ['deepseek-v3', one(deepseekV3)],
  ['deepseek-r1', thinkingOrNot(['default', THINKING], deepseekR1)],
  ['deepseek-v3.1', switched(['no-think', THINKING], deepseekV31)],
  ['deepseek-v4', deepseekV4Family],
  ['gpt-oss', { variants: ['default'], of: ({ date, effort, tools }) => harmony(date, effort, tools) }],
  ['guide-buffer', one(buffer)],
  ['plain', one(plain)],
]);

export const templateFamilies = (): readonly string[] => [...FAMILIES.keys()];

/** The values that `variant` can have for a family. None for a family without a template. */
export const variantsOf = (family: string): readonly string[] => FAMILIES.get(family)?.variants ?? [];

/** The template of a family for one chat. An unknown variant means the first. */
export function templateOf(family: string, options: TemplateOptions = {}, withTools = false): Template | undefined {
  const found = FAMILIES.get(family);
  if (!found) return undefined;
  const given = found.variants.find((name) =>
    found.switches && options.thinking !== undefined
      ? (name === THINKING) === options.thinking
      : name === options.variant,
  );
  const variant = (withTools ? found.toolVariant : undefined) ?? given ?? found.variants[0] ?? '';
  return found.of({
    variant,
    tools: (options.tools?.length ?? 0) > 0,
    date: options.date ?? new Date(),
    effort: options.reasoningEffort,
  });
}

/**
 * Who adds the first begin-of-sequence. `text`: it is written into the prompt. `server`: the server adds it, and a
 * second one would be billed and read by the model.
 */
export type Bos = 'text' | 'server';

/** Whether models of a family read a begin-of-sequence at all. */
export const readsBos = (family: string): boolean => (templateOf(family)?.begin ?? '') !== '';

/**
 * Who adds begin-of-sequence to a raw prompt. If the server may or may not add it, we write it: a missing one does the
 * most harm.
 *
 * @param adds what the provider's API does by itself; undefined if that is not known
 */
export function bosOn(adds: ServerBos | undefined, family: string): Bos {
  return adds === 'all' || (Array.isArray(adds) && adds.includes(family)) ? 'server' : 'text';
}

/** A family's begin-of-sequence token. Empty if it has none, or is unknown. */
export const beginOf = (family: string): string => templateOf(family)?.begin ?? '';

/** How many begin-of-sequence tokens a server adds before this prompt. */
export function bosAdded(adds: ServerBos | undefined, family: string, prompt: string): 0 | 1 {
  const begin = beginOf(family);
  if (begin === '' || adds === undefined) return 0;
  if (adds === 'unless-there') return prompt.startsWith(begin) ? 0 : 1;
  return bosOn(adds, family) === 'server' ? 1 : 0;
}
