import { templateFamilies, templateOf } from './templates/index.ts';

const KIMI = ['<|im_', '<|tool_call', '<|media_', '[BOS]', '[EOS]', '[EOT]'];
const GLM = [
  ...['<|system|>', '<|user|>', '<|assistant|>', '<|observation|>', '<|endoftext|>', '<|begin_of_', '<|end_of_'],
  ...['[gMASK]', '[sMASK]', '<sop>', '<eop>'],
];
const DEEPSEEK = ['<｜', '<|EOT|>'];

/**
 * What would change who speaks in families that have no template here: their providers render them all the same. Names of
 * special tokens, or how several begin.
 */
const OTHERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['deepseek-v3.2', DEEPSEEK],
  ['deepseek-v4', DEEPSEEK],
  ['kimi-k2', KIMI],
  ['kimi-k3', KIMI],
  ['glm-4.5', GLM],
  ['glm-4.6', GLM],
  ['glm-4.7', GLM],
  ['glm-5', GLM],
  ['llama-guard', ['llama-3', 'llama-4'].flatMap((family) => templateOf(family)?.markers ?? [])],
]);

let anybodys: readonly string[] | undefined;

/** Where nobody knows whose model it is: every special token that we know of, but not what is HTML or a word in brackets. */
function ofAnybody(): readonly string[] {
  anybodys ??= [
    ...new Set(
      [
        ...templateFamilies().flatMap((family) => templateOf(family)?.markers ?? []),
        ...[...OTHERS.values()].flat(),
      ].filter((marker) => /^<[|｜]/.test(marker)),
    ),
  ];
  return anybodys;
}

export const otherMarkers = (family: string): readonly string[] => OTHERS.get(family) ?? ofAnybody();
