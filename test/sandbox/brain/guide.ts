import { feeling, percentages } from './sentiment.ts';
import type { Turn } from './types.ts';

/** What a lesson sees: the question, the turns before it, and everything said so far. */
export interface Lesson {
  readonly question: string;
  readonly before: readonly Turn[];
}

type Said = string | readonly string[] | undefined;

interface Known {
  readonly when: RegExp;
  /** One answer, or several of which successive samples give one after another; nothing if it is no answer after all. */
  readonly say: string | readonly string[] | ((match: RegExpExecArray, lesson: Lesson) => Said);
}

/** Of any five samples in a row three are right, one is wrong and one forgets the form. */
const voted = (right: number, wrong: number): string[] => [
  `Adding the same number to each one raises the mean by it.\n\n\`\`\`${right}\`\`\``,
  `Let me work it out.\n\nThe answer is \`\`\`${right}\`\`\`.`,
  `The total changes, so the answer is \`\`\`${wrong}\`\`\`.`,
  `Step by step, I get:\n\n\`\`\`${right}\`\`\``,
  'I am not certain, but the mean goes up.',
];

const python = (source: string): string => {
  const expression = source.trim().replaceAll('^', '**');
  const factors = /^\(\((.*)\) \* \((.*)\)\)$/.exec(expression);
  return factors
    ? `num1 = (${factors[1]})\nnum2 = (${factors[2]})\nanswer = num1 * num2\nprint(answer)\n`
    : `answer = ${expression}\nprint(answer)\n`;
};

const retrieved = (information: string): string => {
  const place = /temperature in ([\w ]+?) was/i.exec(information)?.[1] ?? 'that place';
  const day = /on (\d{4}-\d\d-\d\d)/.exec(information)?.[1] ?? 'that day';
  if (/unknown/i.test(information)) {
    return `I'm not able to provide the temperature in ${place} on ${day}, as the information provided states that it was unknown.`;
  }
  const degrees = /was ([\d.]+ degrees \w+)/i.exec(information)?.[1];
  return degrees
    ? `Sure! The temperature in ${place} on ${day} was ${degrees}.`
    : `The information says: ${information}`;
};

const GENERAL =
  'Pros: PyTorch has good documentation, a large and friendly community, and it is easy to experiment with.\n' +
  'Cons: it has a steep learning curve for beginners, and deploying a model takes extra tools.';
const EXPERT =
  'Advantages: the dynamic autograd graph lets layers change shape per batch, and custom CUDA kernels, DataLoader workers ' +
  'and FSDP sharding scale to complicated datasets.\n' +
  'Drawbacks: eager mode costs throughput until torch.compile traces the layers, and memory fragmentation has to be tuned.';

/**
 * The examples of Meta's guide "Prompt Engineering with Llama 2" (github.com/meta-llama/llama-cookbook), answered as the
 * guide says that the models answer them: also where it says that they are wrong.
 */
const LESSONS: readonly Known[] = [
  { when: /typical colou?r of the sky is/i, say: 'blue. On a clear day the air scatters blue light the most.' },
  {
    when: /which model version are you/i,
    say: "I'm Llama, a large language model trained by Meta AI. I don't know my exact version.",
  },
  {
    when: /what is my favou?rite (\w+)/i,
    say: ([, thing], { before }) => {
      const told = new RegExp(`my favou?rite ${thing} is (\\w+)`, 'i');
      const found = before.map((turn) => told.exec(turn.text)?.[1]).find((one) => one !== undefined);
      return found && `Sure, I can help you with that! Your favorite ${thing} is ${found}.`;
    },
  },
  {
    when: /write a haiku about (\w+)/i,
    say: ([, subject = 'things']) => [
      `Soft-eyed ${subject} graze,\nMountain wind combs through their wool,\nQuiet feet, old paths.`,
      `Morning mist lifts slow,\n${subject} hum along the ridge,\nThe valley listens.`,
      `High above the clouds,\n${subject} carry yesterday,\nStars step in behind.`,
    ],
  },
  {
    when: /describe quantum physics in one short sentence/i,
    say: 'Particles exist in many states simultaneously until someone measures them.',
  },
  {
    when: /latest advances in large language models([\s\S]*older than 2020)?/i,
    say: ([, recent]) =>
      recent
        ? 'Models now follow instructions from human feedback (Ouyang et al., 2022) and reason step by step (Wei et al., 2022); open weights caught up with Llama 2 (Touvron et al., 2023).'
        : 'The transformer (Vaswani et al., 2017) started it all; pre-training at scale and instruction tuning followed.',
  },
  {
    when: /Text: ([\s\S]*?)\s*The sentiment of the text is/i,
    say: ([, words = '']) => `${feeling(words)}.`,
  },
  {
    when: /machine learning expert[\s\S]*pros and cons of using PyTorch/i,
    say: EXPERT,
  },
  { when: /pros and cons of using PyTorch/i, say: GENERAL },
  {
    when: /who lived longer,? Elvis Presley or Mozart\?([\s\S]*step by step)?/i,
    say: ([, carefully]) =>
      carefully
        ? 'Elvis Presley was born in 1935 and died in 1977, so he lived 42 years. Mozart was born in 1756 and died in 1791, so he lived 35 years. So Elvis lived longer.'
        : 'Mozart lived longer.',
  },
  {
    when: /average of (\d+) numbers is (\d+)[\s\S]*?If (\d+) is added to each/i,
    say: ([, count, mean, added]) =>
      voted(Number(mean) + Number(added), Number(count) * (Number(mean) + Number(added))),
  },
  {
    // The example of Wei et al. (2022) and Wang et al. (2022), which the guide's techniques come from.
    when: /has (\d+) tennis balls[\s\S]*?buys (\d+) more cans[\s\S]*?each can has (\d+)/i,
    say: ([, has, cans, each]) =>
      voted(Number(has) + Number(cans) * Number(each), (Number(has) + Number(cans)) * Number(each)),
  },
  { when: /tennis balls[\s\S]*cans/i, say: () => voted(11, 21) },
  { when: /capital of (the )?(state of )?California/i, say: 'The capital of California is Sacramento.' },
  {
    when: /Given the following information: ([\s\S]*?), respond to:/i,
    say: ([, information = '']) => retrieved(information),
  },
  {
    when: /what was the temperature in|temperature in Menlo Park/i,
    say: "I'm just an AI, I don't have access to real-time weather data or historical weather records.",
  },
  {
    when: /my dinner reservation/i,
    say: "I'm not able to access your personal information, but I can provide some general guidance on what to wear.",
  },
  {
    when: /Python code to calculate: *(.+)/i,
    say: ([, expression = '']) => python(expression),
  },
  { when: /calculate the answer to the following math problem/i, say: 'The answer is 92448.' },
  { when: /robot that only outputs JSON[\s\S]*zip code of Menlo Park/i, say: "{'zip_code': 94025}" },
  { when: /zip code (for|of) Menlo Park/i, say: '{"zip_code": 94025}' },
];

const FEW_SHOT = /\d+% positive/;

/** Answers that are known by heart, if the question is one of them. */
export function lesson(asked: Lesson): readonly string[] | undefined {
  // The examples before it decide what is asked for, whatever the words of the question are.
  if (asked.before.some((turn) => turn.role === 'assistant' && FEW_SHOT.test(turn.text))) {
    return [percentages(asked.question)];
  }
  for (const { when, say } of LESSONS) {
    const match = when.exec(asked.question);
    if (!match) continue;
    const said = typeof say === 'function' ? say(match, asked) : say;
    if (said !== undefined) return typeof said === 'string' ? [said] : said;
  }
  return undefined;
}
