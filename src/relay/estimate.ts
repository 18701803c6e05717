import { type Event, type Job, textOf, type Usage } from '../core/index.ts';

/** Characters of one token of English, roughly; exact tokenizers replace this. */
const CHARACTERS_PER_TOKEN = 4;

const tokens = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);

function promptCharacters(job: Job): number {
  if (job.kind === 'prompt') return job.prompt.length;
  return job.messages.reduce((sum, message) => sum + textOf(message.content).length, 0);
}

/** Notes how much was said, for an answer whose provider does not count (or was stopped before it could). */
export interface Tally {
  note(batch: readonly Event[]): void;
  /** The provider's own count has come. */
  counted(): boolean;
  /** A guess, labelled as such by its source. */
  estimate(): Usage;
}

export function tally(jobs: readonly Job[]): Tally {
  let counted = false;
  let output = 0;
  let reasoning = 0;
  return {
    note(batch) {
      for (const event of batch) {
        if (event.type === 'text') output += event.text.length;
        else if (event.type === 'reasoning') reasoning += event.text.length;
        else if (event.type === 'tool') output += event.arguments.length + (event.name?.length ?? 0);
        else if (event.type === 'usage') counted = true;
      }
    },
    counted: () => counted,
    estimate: () => ({
      input: jobs.reduce((sum, job) => sum + tokens(promptCharacters(job)), 0),
      cacheRead: 0,
      cacheWrite: 0,
      output: tokens(output),
      reasoning: tokens(reasoning),
      source: 'counted',
    }),
  };
}
