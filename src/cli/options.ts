/** The options of the command, and the request body that they describe. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Offer } from './report.ts';

/** A mistake in the options. The message names the option. Exit code 2. */
export class UsageError extends Error {}
/** Why the command failed, in one sentence. Exit code 1. */
export class Failure extends Error {}

export interface Options {
  readonly models: readonly string[];
  readonly prompt: string | undefined;
  readonly system: string | undefined;
  readonly maxTokens: number | undefined;
  /** Samples of a vote. */
  readonly vote: number | undefined;
  /** Send the prompt as a raw completion, not as a chat. */
  readonly completion: boolean;
  /** Make an embedding of the prompt. */
  readonly embed: boolean;
  /** A request body to start from. */
  readonly file: string | undefined;
  /** Where the gateway is. Undefined: the local one, which is started if nothing listens. */
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly json: boolean;
  readonly call: boolean;
  readonly help: boolean;
}

export const LOCAL_URL = 'http://127.0.0.1:8787';

export const HELP = `npm run compare -- --model NAME [options] "prompt"

What a prompt would cost at every provider, cheapest first. Nobody is asked until you say --call.

  --model NAME       a model or a route; several times, or with commas between them
  --max-tokens N     most tokens of output
  --vote N           a vote of so many samples
  --system TEXT      a system message before the prompt
  --completion       the prompt goes as it is, with no chat around it
  --embed            make an embedding of the prompt
  --file BODY.json   a request body to start from: a chat, a completion, embeddings or a rerank
  --call             make the call as well, at the first offer
  --json             what the gateway answers, as JSON
  --url URL          where the gateway is (CHASQUI_URL). Otherwise the one on ${LOCAL_URL},
                     or, if nothing listens there, one that is started for this
  --key KEY          the key it asks for (CHASQUI_ADMIN_KEY)
  --help             this`;

function typed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        model: { type: 'string', multiple: true, default: [] },
        'max-tokens': { type: 'string' },
        vote: { type: 'string' },
        system: { type: 'string' },
        completion: { type: 'boolean', default: false },
        embed: { type: 'boolean', default: false },
        file: { type: 'string' },
        url: { type: 'string' },
        key: { type: 'string' },
        json: { type: 'boolean', default: false },
        call: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    // Node names the option, and then explains at length how to begin a prompt with a hyphen.
    const said = thrown instanceof Error ? (thrown.message.split(/\.\s/)[0] ?? '') : '';
    throw new UsageError(`${said}. --help lists what there is.`);
  }
}

/** The address of a gateway without a slash at its end. */
function address(text: string, name: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new UsageError(`${name} must be an address like ${LOCAL_URL}.`);
  }
  return text.replace(/\/+$/, '').replace(/\/v1$/, '');
}

export type Env = Readonly<Record<string, string | undefined>>;

export function addressOf(url: string | undefined, env: Env): string | undefined {
  if (url !== undefined) return address(url, '--url');
  return env.CHASQUI_URL ? address(env.CHASQUI_URL, 'CHASQUI_URL') : undefined;
}

/** Reads the options. Throws a `UsageError` if they make no sense. */
export function readOptions(argv: readonly string[], env: Env): Options {
  const { values, positionals } = typed(argv);
  const models = values.model.flatMap((names) => names.split(',')).filter((name) => name !== '');
  const prompt = positionals.length > 0 ? positionals.join(' ') : undefined;
  const tokens = values['max-tokens'];
  const options: Options = {
    models,
    prompt,
    system: values.system,
    maxTokens: tokens === undefined ? undefined : Number(tokens),
    vote: values.vote === undefined ? undefined : Number(values.vote),
    completion: values.completion,
    embed: values.embed,
    file: values.file,
    url: addressOf(values.url, env),
    key: values.key ?? (env.CHASQUI_ADMIN_KEY || undefined),
    json: values.json,
    call: values.call,
    help: values.help,
  };
  if (options.help) return options;
  if (tokens !== undefined && !/^[1-9]\d*$/.test(tokens))
    throw new UsageError('--max-tokens must be a whole number above 0.');
  if (values.vote !== undefined && !/^[1-9]\d*$/.test(values.vote))
    throw new UsageError('--vote must be a whole number above 1.');
  if (options.system !== undefined && options.completion)
    throw new UsageError('--system has no place in a raw prompt: leave it out, or --completion.');
  if (options.embed && (options.system !== undefined || options.completion || models.length > 1))
    throw new UsageError('--embed takes one model and a prompt: leave --system and --completion out.');
  if (prompt !== undefined || options.file !== undefined) {
    if (models.length === 0 && options.file === undefined)
      throw new UsageError('--model is missing: name the model to compare offers of.');
    if (prompt === undefined && (options.system !== undefined || options.completion))
      throw new UsageError(`--${options.completion ? 'completion' : 'system'} needs a prompt beside --file.`);
    return options;
  }
  throw new UsageError('A prompt is missing: write it at the end, in quotes, or name a request body with --file.');
}

/** A request body of any route that asks a model. */
export type RequestBody = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function fromFile(name: string): Promise<RequestBody> {
  let text: string;
  try {
    text = await readFile(name, 'utf8');
  } catch {
    throw new UsageError(`--file: ${name} cannot be read.`);
  }
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body)) return body;
  } catch {
    // Reported below, like every other file that is not a request.
  }
  throw new UsageError(`--file: ${name} is not a JSON object, as a request body is.`);
}

function said({ prompt, system, completion, embed }: Options): RequestBody {
  if (prompt === undefined) return {};
  if (embed) return { input: prompt };
  if (completion) return { prompt };
  const first = system === undefined ? [] : [{ role: 'system', content: system }];
  return { messages: [...first, { role: 'user', content: prompt }] };
}

/** The request that the options describe: the body from the file, with the other options applied to it. */
export function bodyOf(options: Options, file: RequestBody): RequestBody {
  const { models, maxTokens, vote } = options;
  const [model] = models;
  const { model: _model, models: _models, messages: _messages, prompt: _prompt, input: _input, ...rest } = file;
  return {
    ...(options.prompt === undefined ? file : { ...rest, ...kept(file) }),
    ...(model === undefined ? {} : { model, models: models.length > 1 ? models : undefined }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens, max_completion_tokens: undefined }),
    ...(vote === undefined ? {} : { vote: { samples: vote } }),
    ...said(options),
  };
}

/** The models of a file. They stay when its prompt is replaced. */
const kept = ({ model, models }: RequestBody): RequestBody => ({ model, models });

export const readBody = async (options: Options): Promise<RequestBody> =>
  bodyOf(options, options.file === undefined ? {} : await fromFile(options.file));

const namesIn = ({ model, models }: RequestBody): unknown[] => [
  ...(model == null ? [] : [model]),
  ...(Array.isArray(models) ? models : []),
];

/**
 * The same request, changed so that this offer is tried first. The other offers stay in it, so that the answer says
 * what they would have cost, and one of them serves the call if this one fails.
 */
export function callAt(body: RequestBody, offer: Offer, offers: readonly Offer[]): RequestBody {
  const { stream: _stream, stream_options: _options, provider, ...rest } = body;
  const leads = offers.find(({ rank }) => rank === 1)?.model === offer.model;
  return {
    ...rest,
    ...(leads ? {} : { model: offer.model, models: namesIn(body) }),
    provider: { ...(isObject(provider) ? provider : {}), order: [offer.provider] },
  };
}
