/**
 * What every answer passes through, batch by batch: the stream integrity check, stop strings where the wire has none,
 * and the tally of what was said, for answers whose provider does not count.
 */
import { type Event, type FinishReason, GatewayError, handedOutId, shownId, type Usage } from '../core/index.ts';
import type { Plan, TextCounter } from '../offers/index.ts';

/** An event that a reader would notice: text that is not empty, a tool call, a finish. */
export const hasContent = (event: Event): boolean =>
  event.type !== 'usage' &&
  !(event.type === 'text' && event.text === '') &&
  !(event.type === 'reasoning' && event.text === '');

/**
 * Checks what must be true of every answer of every provider: one finish for each choice, nothing of a choice after
 * its finish, no choice missing at the end, and no call of a tool that the caller ruled out.
 */
export interface StreamIntegrity {
  /**
   * The batch without events that do not belong, and with ids of calls that may be handed out; the same array where
   * nothing has to change.
   * @throws GatewayError for a call of a tool that is not allowed
   */
  filter(batch: Event[]): Event[];
  /** Every choice has sent content, so that the answer can be committed to. */
  begun(): boolean;
  /** Throws `stream_interrupted` if a choice has not finished. */
  assertComplete(): void;
}

/** @param blameless called when the model, and not its server, is at fault */
export function streamIntegrity(
  provider: string,
  { choices, allowedTools }: Pick<Plan, 'choices' | 'allowedTools'>,
  blameless: () => void,
): StreamIntegrity {
  const begun = new Set<number>();
  const finished = new Set<number>();
  /** The beginning of a tool call, with an id that every client and server takes. */
  const checkedCall = (event: Extract<Event, { type: 'tool' }>): Event => {
    const { name, id } = event;
    if (allowedTools && name !== undefined && !allowedTools.includes(name)) {
      const what = `${provider} called ${shownId(name) ?? 'a tool'}, which is none of the tools that the request allows.`;
      blameless();
      throw new GatewayError('provider_error', what, { provider });
    }
    const handed = id === undefined ? id : handedOutId(id);
    return handed === undefined || handed === id ? event : { ...event, id: handed };
  };
  /** Checks one event. Undefined: it does not belong to the answer and is left out. */
  const checked = (event: Event): Event | undefined => {
    if (event.type === 'usage') return event;
    if (event.choice >= choices || finished.has(event.choice)) return undefined;
    if (begun.size < choices && hasContent(event)) begun.add(event.choice);
    if (event.type === 'finish') finished.add(event.choice);
    return event.type === 'tool' ? checkedCall(event) : event;
  };
  return {
    filter(batch) {
      let kept: Event[] | undefined;
      let at = 0;
      for (const event of batch) {
        const passed = checked(event);
        if (passed !== event) kept ??= batch.slice(0, at);
        if (passed && kept) kept.push(passed);
        at++;
      }
      return kept ?? batch;
    },
    begun: () => begun.size === choices,
    assertComplete() {
      if (finished.size === choices) return;
      throw new GatewayError('stream_interrupted', `${provider} ended its answer without finishing it.`, { provider });
    },
  };
}

/** How much of the end of `text` could be the beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (stop.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}

export interface StopCutter {
  /** Text that may be shown, and the stop string that has ended it, if one has. */
  push(text: string): { readonly text: string; readonly stop?: string };
  /** What was held back, at the end of the output. */
  flush(): string;
}

/**
 * Cuts one choice's text at the first stop string, however the text is split. Holds back at most the length of the
 * longest stop string less one. The earliest occurrence wins, whichever string it is.
 */
export function stopCutter(stops: readonly string[]): StopCutter {
  let held = '';
  return {
    push(piece) {
      const text = held + piece;
      let cut = -1;
      let matched = '';
      for (const stop of stops) {
        const at = text.indexOf(stop);
        if (at < 0 || (cut >= 0 && at >= cut)) continue;
        cut = at;
        matched = stop;
      }
      if (cut >= 0) {
        held = '';
        return { text: text.slice(0, cut), stop: matched };
      }
      let keep = 0;
      for (const stop of stops) keep = Math.max(keep, overlap(text, stop));
      held = text.slice(text.length - keep);
      return { text: text.slice(0, text.length - keep) };
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/**
 * Applies stop strings where the wire has none of its own. Ends the stream once every choice has ended, which the
 * caller turns into an abort of the upstream, so that nothing more is generated and billed.
 */
export async function* applyStop(
  events: AsyncIterable<Event[]>,
  stops: readonly string[],
  choices: number,
): AsyncGenerator<Event[], void, undefined> {
  const cutters = new Map<number, StopCutter>();
  const ended = new Set<number>();
  /** The text that is still held back at the end, as a batch if there is any. */
  const heldBack = (): Event[][] => {
    const rest = [...cutters].flatMap(([choice, cutter]): Event[] => {
      const text = ended.has(choice) ? '' : cutter.flush();
      return text ? [{ type: 'text', choice, text }] : [];
    });
    return rest.length > 0 ? [rest] : [];
  };
  try {
    for await (const batch of events) {
      const out: Event[] = [];
      for (const event of batch) {
        if (event.type === 'usage') {
          out.push(event);
          continue;
        }
        if (ended.has(event.choice)) continue;
        let cutter = cutters.get(event.choice);
        if (!cutter) {
          cutter = stopCutter(stops);
          cutters.set(event.choice, cutter);
        }
        if (event.type === 'text') {
          const { text, stop } = cutter.push(event.text);
          if (text) out.push({ ...event, text });
          if (stop !== undefined) {
            ended.add(event.choice);
            out.push({ type: 'finish', choice: event.choice, reason: 'stop', cut: true, stopString: stop });
          }
        } else {
          if (event.type === 'finish') {
            const rest = cutter.flush();
            if (rest) out.push({ type: 'text', choice: event.choice, text: rest });
            ended.add(event.choice);
          }
          out.push(event);
        }
      }
      yield out;
      // A usage that came with the last finish has been passed on. Waiting for a later one would cost tokens.
      if (ended.size === choices && batch.every((event) => event.type !== 'finish')) return;
    }
  } catch (error) {
    // The held text arrived before the stream broke, and no stop string can end in it any more.
    yield* heldBack();
    throw error;
  }
  yield* heldBack();
}

/** Records what was said, to count it where the provider does not (or was stopped before it could). */
export interface Tally {
  note(batch: readonly Event[]): void;
  /**
   * Completes the usage in a batch that was noted: our count of the prompt, where the provider counted its answer
   * alone; our count of the reasoning, where it gives one figure for both. The same array where nothing is missing.
   */
  completed(batch: Event[]): Event[];
  /**
   * Loads the tokenizer, if it is not loaded and must count: for `completed` with this batch, or without a batch for
   * `count`. Undefined where nothing has to be waited for.
   */
  loading(batch?: readonly Event[]): Promise<void> | undefined;
  /** The provider's own count, once it has come. */
  told(): Usage | undefined;
  /** Why the first choice ended, once it has. */
  finish(): FinishReason | undefined;
  /**
   * Our count, with the model's own tokenizer where that is shipped.
   *
   * @param repeats times that a prompt was sent beyond the plan
   */
  count(repeats?: number): Usage;
  /** Tokens of the answer under another tokenizer, if they are not too many to be counted on the side. */
  countBy(counter: TextCounter): number | undefined;
}

/** Characters of an answer that are counted a second time. */
const MOST_COUNTED = 100_000;

interface Said {
  text: string;
  reasoning: string;
  tools: string;
  /** The model ended it itself, with an end token that is not shown. */
  ended: boolean;
}

type Part = 'text' | 'reasoning' | 'tools';

/**
 * Tokens that the model wrote. SentencePiece puts a space before a text, and an answer that begins with a space has it
 * already: recorded at Together, 512 tokens for an answer cut at 512.
 */
const countOf = (text: string, counter: TextCounter): number =>
  text === '' ? 0 : counter.count(text, { continued: text.startsWith(' ') });

/**
 * Counts as providers bill: the text of every choice, and one token more for each that the model ended by itself.
 * Recorded at Bedrock (30 for 29, 35 for 34) and Together (349 for 348, 35 for 34, 53 for 52). An answer cut by a
 * limit has no such token.
 */
export function tally(plan: Plan): Tally {
  // The prompt's tokens are not read before they are needed: they may be counted then.
  const { jobs, choicesPerJob } = plan;
  let told: Usage | undefined;
  let finish: FinishReason | undefined;
  /** The batch that was noted last has a usage. */
  let justTold = false;
  const choices: Said[] = [];
  const saidBy = (choice: number): Said => {
    const said = choices[choice] ?? { text: '', reasoning: '', tools: '', ended: false };
    choices[choice] = said;
    return said;
  };
  /** Without the prompt that a server echoes first, which the model did not write. */
  const written = (said: Said, part: Part, choice: number): string => {
    const job = part === 'text' ? jobs[Math.floor(choice / choicesPerJob)] : undefined;
    const echoed = job?.kind === 'prompt' && job.echo ? job.prompt : '';
    return said[part].startsWith(echoed) ? said[part].slice(echoed.length) : said[part];
  };
  const sum = (part: Part, counter = plan.counter): number =>
    choices.reduce((tokens, said, choice) => tokens + (said ? countOf(written(said, part, choice), counter) : 0), 0);
  // A provider does not say how much of a stop string was written before it was cut off.
  const stopsUnseen = (): boolean => jobs.some(({ stop }) => stop.length > 0) && choices.some((said) => said?.ended);
  /** The provider counted its answer alone. */
  const lacksPrompt = ({ promptUnknown }: Usage): boolean => promptUnknown === true;
  /** The provider gave one figure for the answer and its reasoning. */
  const lacksReasoning = ({ reasoning }: Usage): boolean => reasoning === 0 && choices.some((said) => said?.reasoning);
  return {
    note(batch) {
      justTold = false;
      for (const event of batch) {
        if (event.type === 'text') saidBy(event.choice).text += event.text;
        else if (event.type === 'reasoning') saidBy(event.choice).reasoning += event.text;
        else if (event.type === 'tool') saidBy(event.choice).tools += (event.name ?? '') + event.arguments;
        else if (event.type === 'usage') {
          told = event.usage;
          justTold = true;
        } else {
          saidBy(event.choice).ended = event.reason === 'stop' && !event.cut;
          finish ??= event.reason;
        }
      }
    },
    loading(batch) {
      const { load } = plan.counter;
      if (!load) return undefined;
      const ended = batch ? batch.some(({ type }) => type === 'usage') : !told;
      return ended && (!told || lacksPrompt(told) || lacksReasoning(told)) ? load() : undefined;
    },
    completed(batch) {
      if (!told || !justTold) return batch;
      const before = told;
      if (lacksPrompt(told)) {
        const { promptUnknown: _, ...answer } = told;
        told = {
          ...answer,
          input: plan.promptTokens(),
          source: plan.promptExactness === 'exact' ? 'counted' : 'estimated',
        };
      }
      if (lacksReasoning(told)) {
        const reasoning = Math.min(told.output, sum('reasoning'));
        told = { ...told, output: told.output - reasoning, reasoning };
      }
      if (told === before) return batch;
      const at = batch.findIndex(({ type }) => type === 'usage');
      return batch.with(at, { type: 'usage', usage: told });
    },
    countBy(counter) {
      const characters = choices.reduce(
        (length, said) => length + (said ? said.text.length + said.reasoning.length + said.tools.length : 0),
        0,
      );
      if (characters > MOST_COUNTED) return undefined;
      const ends = choices.filter((said) => said?.ended).length;
      return sum('text', counter) + sum('tools', counter) + sum('reasoning', counter) + ends;
    },
    told: () => told,
    finish: () => finish,
    count(repeats = 0) {
      const tools = sum('tools');
      const reasoning = sum('reasoning');
      // The tokens that a template puts around a tool call or reasoning are not counted, so this is no exact count.
      const plain = tools === 0 && reasoning === 0 && !stopsUnseen();
      const { promptExactness, counter } = plan;
      const promptTokens = plan.promptTokens();
      const exact = promptExactness === 'exact' && counter.exactness === 'exact' && plain;
      return {
        // Prompts of one call differ: their mean stands for one that was sent again.
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
