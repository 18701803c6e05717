import { readFile } from 'node:fs/promises';
import { type Options, UsageError } from './options.ts';
import type { Offer } from './wire.ts';

/** A request body of either completion route. */
export type Body = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function fromFile(name: string): Promise<Body> {
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
    // Said below, with every other file that holds no request.
  }
  throw new UsageError(`--file: ${name} is not a JSON object, as a request body is.`);
}

function said({ prompt, system, completion }: Options): Body {
  if (prompt === undefined) return {};
  if (completion) return { prompt };
  const first = system === undefined ? [] : [{ role: 'system', content: system }];
  return { messages: [...first, { role: 'user', content: prompt }] };
}

/** The request that the options describe: what is in the file, with whatever else was typed put in its place. */
export function bodyOf(options: Options, file: Body): Body {
  const { models, maxTokens } = options;
  const [model] = models;
  const { model: _model, models: _models, messages: _messages, prompt: _prompt, ...rest } = file;
  return {
    ...(options.prompt === undefined ? file : { ...rest, ...kept(file) }),
    ...(model === undefined ? {} : { model, models: models.length > 1 ? models : undefined }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens, max_completion_tokens: undefined }),
    ...said(options),
  };
}

/** A file's models, which stay when its prompt is replaced. */
const kept = ({ model, models }: Body): Body => ({ model, models });

export const readBody = async (options: Options): Promise<Body> =>
  bodyOf(options, options.file === undefined ? {} : await fromFile(options.file));

const namesIn = ({ model, models }: Body): unknown[] => [
  ...(model == null ? [] : [model]),
  ...(Array.isArray(models) ? models : []),
];

/**
 * The same request, to be sent so that this offer is asked first. It stays the request for all its offers, so that the
 * answer tells what it would have come to at the others, and one of them serves if this one fails.
 */
export function callAt(body: Body, offer: Offer, offers: readonly Offer[]): Body {
  const { stream: _stream, stream_options: _options, provider, ...rest } = body;
  const leads = offers.find(({ rank }) => rank === 1)?.model === offer.model;
  return {
    ...rest,
    ...(leads ? {} : { model: offer.model, models: namesIn(body) }),
    provider: { ...(isObject(provider) ? provider : {}), order: [offer.provider] },
  };
}
