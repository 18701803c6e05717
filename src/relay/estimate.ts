import type { Event, Usage } from '../core/index.ts';
import type { Plan } from '../offers/index.ts';

/** Notes what was said, for an answer whose provider does not count (or was stopped before it could). */
export interface Tally {
  note(batch: readonly Event[]): void;
  /** The provider's own count, once it has come. */
  told(): Usage | undefined;
  /** Our count, with the model's own tokenizer where that is shipped. */
  count(): Usage;
}

interface Said {
  text: string;
  reasoning: string;
  tools: string;
}

export function tally({ promptTokens, promptExactness, counter }: Plan): Tally {
  let told: Usage | undefined;
  const choices: Said[] = [];
  const saidBy = (choice: number): Said => {
    const said = choices[choice] ?? { text: '', reasoning: '', tools: '' };
    choices[choice] = said;
    return said;
  };
  const sum = (part: keyof Said): number =>
    choices.reduce((tokens, said) => (said && said[part] !== '' ? tokens + counter.count(said[part]) : tokens), 0);
  return {
    note(batch) {
      for (const event of batch) {
        if (event.type === 'text') saidBy(event.choice).text += event.text;
        else if (event.type === 'reasoning') saidBy(event.choice).reasoning += event.text;
        else if (event.type === 'tool') saidBy(event.choice).tools += (event.name ?? '') + event.arguments;
        else if (event.type === 'usage') told = event.usage;
      }
    },
    told: () => told,
    count() {
      // What a template puts around a call of a tool is not counted, so that is no exact count.
      const tools = sum('tools');
      const exact = promptExactness === 'exact' && counter.exactness === 'exact' && tools === 0;
      return {
        input: promptTokens,
        cacheRead: 0,
        cacheWrite: 0,
        output: sum('text') + tools,
        reasoning: sum('reasoning'),
        source: exact ? 'counted' : 'estimated',
      };
    },
  };
}
