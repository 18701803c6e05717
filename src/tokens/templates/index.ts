import { buffer, plain } from './buffer.ts';
import { chatml, qwen3, qwen25 } from './chatml.ts';
import { deepseekR1, deepseekV3, deepseekV31 } from './deepseek.ts';
import { harmony } from './harmony.ts';
import { codeLlama, codeLlama70b, llama2 } from './llama-2.ts';
import { llama3, llama4, llama31 } from './llama-3.ts';
import { mistral3, mistralTekken, mistralV1, mistralV1Hf, mistralV3 } from './mistral.ts';
import type { Template, TemplateOptions } from './template.ts';

export { CUT, type Part, type Template, type TemplateOptions, type Wrap } from './template.ts';

interface Facts {
  readonly variant: string;
  readonly tools: boolean;
  readonly date: Date;
  readonly effort: string;
}

interface Family {
  /** What a wire may ask for by name. The first is what raw prompts are rendered as. */
  readonly variants: readonly string[];
  /** What a chat with tools is rendered as, where that is another. */
  readonly toolVariant?: string;
  readonly of: (facts: Facts) => Template;
}

const one = (template: Template): Family => ({ variants: ['default'], of: () => template });

/**
 * Llama 3.1 to 3.3 have two forms. `meta` is ChatFormat, the makers' own: raw prompts take it, because the dates that
 * `hf` adds are 20 to 25 tokens that nobody asked for and that change from day to day. `hf` is what servers of chats
 * render and bill, so counts for those wires ask for it; and a chat with tools takes it everywhere, because ChatFormat
 * has no place for their definitions.
 */
const llama3x: Family = {
  variants: ['meta', 'hf'],
  toolVariant: 'hf',
  of: ({ variant, date, tools }) => (variant === 'hf' ? llama31(date, tools) : llama3),
};

/** Mistral's two: raw prompts are as the makers' own library has them, chats as servers render and bill them. */
const mistral7b: Family = {
  variants: ['reference', 'hf'],
  of: ({ variant }) => (variant === 'hf' ? mistralV1Hf : mistralV1),
};

/** By family, as the catalogue names them. */
const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['llama-2', one(llama2)],
  ['code-llama', one(codeLlama)],
  ['code-llama-70b', one(codeLlama70b)],
  ['llama-3', one(llama3)],
  ['llama-3.1', llama3x],
  ['llama-3.2', llama3x],
  ['llama-3.3', llama3x],
  ['llama-4', { variants: ['default'], of: ({ tools }) => llama4(tools) }],
  ['mistral', mistral7b],
  ['mixtral', mistral7b],
  ['mixtral-8x22b', one(mistralV3)],
  ['mistral-nemo', one(mistralTekken)],
  ['mistral-3', one(mistral3)],
  ['chatml', one(chatml)],
  ['qwen2.5', one(qwen25)],
  ['qwen3', { variants: ['thinking', 'no-think'], of: ({ variant }) => qwen3(variant === 'thinking') }],
  ['qwen3-coder', one(chatml)],
  ['deepseek-v3', one(deepseekV3)],
  ['deepseek-r1', { variants: ['default', 'thinking'], of: ({ variant }) => deepseekR1(variant === 'thinking') }],
  ['deepseek-v3.1', { variants: ['no-think', 'thinking'], of: ({ variant }) => deepseekV31(variant === 'thinking') }],
  ['gpt-oss', { variants: ['default'], of: ({ date, effort, tools }) => harmony(date, effort, tools) }],
  ['guide-buffer', one(buffer)],
  ['plain', one(plain)],
]);

export const templateFamilies = (): readonly string[] => [...FAMILIES.keys()];

/** The names a family's `variant` may have; none for a family without a template. */
export const variantsOf = (family: string): readonly string[] => FAMILIES.get(family)?.variants ?? [];

/** A caller's word for it becomes the template's own text, so only these three may. */
const EFFORTS: readonly string[] = ['low', 'medium', 'high'];

/** The template of a family for one chat. A variant that the family has not is its first. */
export function templateOf(family: string, options: TemplateOptions = {}, withTools = false): Template | undefined {
  const found = FAMILIES.get(family);
  if (!found) return undefined;
  const given = found.variants.find((name) => name === options.variant);
  const variant = (withTools ? found.toolVariant : undefined) ?? given ?? found.variants[0] ?? '';
  return found.of({
    variant,
    tools: (options.tools?.length ?? 0) > 0,
    date: options.date ?? new Date(),
    effort: EFFORTS.find((known) => known === options.reasoningEffort) ?? 'medium',
  });
}
