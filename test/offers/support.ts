import { registry } from '../../providers/index.ts';
import { bundledBook, models } from '../../src/catalog/index.ts';
import {
  type Call,
  type ChatCall,
  type CompletionCall,
  GatewayError,
  type Message,
  type Provider,
  type ProviderDescriptor,
  type ServiceOffer,
} from '../../src/core/index.ts';
import {
  type Candidate,
  layOut,
  type Moment,
  type OfferSheet,
  offerSheet,
  resolve,
  UNSEEN,
  type World,
} from '../../src/offers/index.ts';
import { readyTokenizers, type Tokenizers, templateFamilies } from '../../src/tokens/index.ts';
import { shipped } from '../tokens/shipped.ts';

export const TODAY = '2026-11-24';

/** @param more what is true of it, unlike the real one */
export const provider = (id: string, more: Partial<ProviderDescriptor> = {}): Provider => ({
  id,
  about: { ...registry.of(id), requestsPerJob: 1, ...more },
  generate: () => Promise.reject(new Error('nobody asks in these tests')),
});

/** A model on a service of the user's own. */
export const service = (more: Partial<ServiceOffer> = {}): ServiceOffer => ({
  provider: 'anyscale',
  service: 'mine',
  model: 'llama-3-8b-instruct',
  upstream: 'my-llama',
  price: { known: false },
  ...more,
});

export const world = (more: Partial<World> = {}): World => ({
  registry,
  providers: new Map(['bedrock', 'replicate', 'together', 'anyscale'].map((id) => [id, provider(id)])),
  services: [service()],
  region: 'us-east-1',
  prices: bundledBook(),
  health: UNSEEN,
  routes: new Map(),
  ...more,
});

const base = {
  id: 'gen-1',
  models: ['llama-3-8b-instruct'],
  sampling: {},
  n: 1,
  stop: [],
  stream: false,
  routing: {},
  templating: {},
  unknownParameters: [],
};

export const user = (content: string): Message => ({ role: 'user', content });
export const assistant = (content: string): Message => ({ role: 'assistant', content });

export const chat = (more: Partial<ChatCall> = {}): ChatCall => ({
  ...base,
  kind: 'chat',
  messages: [user('Hi')],
  tools: [],
  ...more,
});

export const completion = (more: Partial<CompletionCall> = {}): CompletionCall => ({
  ...base,
  kind: 'completion',
  prompts: ['Once'],
  echo: false,
  ...more,
});

/** Every tokenizer, loaded: for `beforeAll`. */
export async function loadTokenizers(): Promise<void> {
  tokenizers = await readyTokenizers(
    [...templateFamilies(), ...models().map(({ family }) => family), 'unknown'],
    shipped,
  );
}
let tokenizers: Tokenizers;

/** Noon of a day. */
export const momentOn = (day: string): Moment => ({ now: Date.parse(`${day}T12:00:00Z`), today: day, tokenizers });

export const sheetOn = (call: Call, in_: World, day: string): OfferSheet =>
  offerSheet(call, resolve(call, in_, day), in_, momentOn(day));
/** What `POST /v1/offers` shows. */
export const laidOut = (call: Call, in_: World = world(), moment: Moment = momentOn(TODAY)): OfferSheet =>
  layOut(call, resolve(call, in_, moment.today), in_, moment, true);
export const sheet = (call: Call, in_: World = world()): OfferSheet => sheetOn(call, in_, TODAY);
export const order = (call: Call, in_?: World): string[] => sheet(call, in_).eligible.map((offer) => offer.provider);
export const exclusion = (call: Call, id: string, in_?: World) =>
  sheet(call, in_).excluded.find((one) => one.provider === id);
export const reason = (call: Call, id: string, in_?: World) => exclusion(call, id, in_)?.code;

/** The offer of a provider, which must be eligible. */
export function offerOf(call: Call, id: string, in_?: World): Candidate {
  const { eligible, excluded } = sheet(call, in_);
  const found = eligible.find((one) => one.provider === id);
  if (!found) throw new Error(`no offer of ${id}: ${JSON.stringify(excluded)}`);
  return found;
}

export function errorOf(run: () => unknown): GatewayError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
  }
  throw new Error('no GatewayError');
}
