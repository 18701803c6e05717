import type { Event, Usage } from '../core/index.ts';
import type { Plan, TextCounter } from '../offers/index.ts';

/** Notes what was said, for an answer whose provider does not count (or was stopped before it could). */
export interface Tally {
  note(batch: readonly Event[]): void;
  /**
   * A batch that has been noted, in whose usage stands what the provider left out: our count of the prompt, where it counted its
   * answer alone; and where it gives no figure beside a thought, of its own figure as many tokens as we count in that. The
   * very batch where nothing is to be done.
   */
  completed(batch: Event[]): Event[];
  /** The provider's own count, once it has come. */
  told(): Usage | undefined;
  /**
   * Our count, with the model's own tokenizer where that is shipped.
   *
   * @param repeats times that a prompt was sent beyond the plan
   */
  count(repeats?: number): Usage;
}

interface Said {
  text: string;
  reasoning: string;
  tools: string;
  /** The model ended it, with a token that nobody sees. */
  ended: boolean;
}

type Part = 'text' | 'reasoning' | 'tools';

/**
 * What the model wrote. An answer that begins with a space has in it the space that SentencePiece puts before texts:
 * recorded at Together, 512 tokens for one cut at 512.
 */
const countOf = (text: string, counter: TextCounter): number =>
  text === '' ? 0 : counter.count(text, { continued: text.startsWith(' ') });

/**
 * Counts as providers bill: the text of every choice, and one token more for each that the model ended by itself. Recorded
 * at Bedrock (30 for 29, 35 for 34) and Together (349 for 348, 35 for 34, 53 for 52); what a limit cut costs its text.
 */
export function tally({ promptTokens, promptExactness, counter, jobs, choicesPerJob }: Plan): Tally {
  let told: Usage | undefined;
  const choices: Said[] = [];
  const saidBy = (choice: number): Said => {
    const said = choices[choice] ?? { text: '', reasoning: '', tools: '', ended: false };
    choices[choice] = said;
    return said;
  };
  /** A server that echoes says the prompt first, which the model did not write. */
  const written = (said: Said, part: Part, choice: number): string => {
    const job = part === 'text' ? jobs[Math.floor(choice / choicesPerJob)] : undefined;
    const echoed = job?.kind === 'prompt' && job.echo ? job.prompt : '';
    return said[part].startsWith(echoed) ? said[part].slice(echoed.length) : said[part];
  };
  const sum = (part: Part): number =>
    choices.reduce((tokens, said, choice) => tokens + (said ? countOf(written(said, part, choice), counter) : 0), 0);
  // A provider does not say how much of a stop string was written before it took that away.
  const stopsUnseen = (): boolean => jobs.some(({ stop }) => stop.length > 0) && choices.some((said) => said?.ended);
  return {
    note(batch) {
      for (const event of batch) {
        if (event.type === 'text') saidBy(event.choice).text += event.text;
        else if (event.type === 'reasoning') saidBy(event.choice).reasoning += event.text;
        else if (event.type === 'tool') saidBy(event.choice).tools += (event.name ?? '') + event.arguments;
        else if (event.type === 'usage') told = event.usage;
        else saidBy(event.choice).ended = event.reason === 'stop' && !event.cut;
      }
    },
    completed(batch) {
      const at = batch.findIndex(({ type }) => type === 'usage');
      if (!told || at < 0) return batch;
      const before = told;
      if (told.promptUnknown) {
        const { promptUnknown: _, ...answer } = told;
        told = { ...answer, input: promptTokens, source: promptExactness === 'exact' ? 'counted' : 'estimated' };
      }
      if (told.reasoning === 0 && choices.some((said) => said?.reasoning)) {
        const reasoning = Math.min(told.output, sum('reasoning'));
        told = { ...told, output: told.output - reasoning, reasoning };
      }
      return told === before ? batch : batch.with(at, { type: 'usage', usage: told });
    },
    told: () => told,
    count(repeats = 0) {
      const tools = sum('tools');
      const reasoning = sum('reasoning');
      // What a template puts around a tool's call or a thought is not counted, so that is no exact count.
      const plain = tools === 0 && reasoning === 0 && !stopsUnseen();
      const exact = promptExactness === 'exact' && counter.exactness === 'exact' && plain;
      return {
        // Prompts of one call differ: what one comes to is their mean.
        input: promptTokens + Math.ceil((repeats * promptTokens) / jobs.length),
        cacheRead: 0,
        cacheWrite: 0,
        output: sum('text') + tools + choices.filter((said) => said?.ended).length,
        reasoning,
        source: exact ? 'counted' : 'estimated',
      };
    },
  };
}
