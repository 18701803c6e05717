/** What the commands for people share: their width, reading an answer, and how they fail. */
import * as v from 'valibot';
import { Failure, UsageError } from './options.ts';

/** Columns of the terminal, as far as a table can use them. */
export const WIDTH = Math.min(120, Math.max(100, process.stdout.columns ?? 120));

/** Goes to stderr, so that the output of `--json` can be piped. */
const note = (text: string): void => console.error(text);

/** An answer of the gateway as a schema has it. Throws a `Failure` if it has another form. */
export function understood<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const read = v.safeParse(schema, value);
  if (read.success) return read.output;
  throw new Failure('The gateway answers in a form that this command does not know: is it another version?');
}

/** Runs a command. A mistake in its options ends it with 2, another failure with 1, each with one sentence. */
export async function command(run: (note: (text: string) => void) => Promise<void>): Promise<void> {
  try {
    await run(note);
  } catch (thrown) {
    if (!(thrown instanceof Failure || thrown instanceof UsageError)) throw thrown;
    note(thrown.message);
    process.exitCode = thrown instanceof UsageError ? 2 : 1;
  }
}
