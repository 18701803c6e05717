import { registry } from '../../../providers/index.ts';
import { bundledBook } from '../../../src/catalog/index.ts';
import type { ChatCall, Provider } from '../../../src/core/index.ts';
import { parseChat } from '../../../src/dialects/openai/index.ts';
import { layOut, resolve, UNSEEN, type World } from '../../../src/offers/index.ts';
import { readyTokenizers, vocabularies } from '../../../src/tokens/index.ts';

const idle = (id: string): Provider => ({
  id,
  about: registry.of(id),
  generate: () => Promise.reject(new Error('nobody is asked')),
});

const world: World = {
  registry,
  providers: new Map(['bedrock', 'replicate', 'together'].map((id) => [id, idle(id)])),
  services: [],
  region: 'us-east-1',
  routes: new Map(),
  prices: bundledBook(),
  health: UNSEEN,
};

/** The call with another last message, so that no sheet is one seen before. */
const varied = (call: ChatCall, time: number): ChatCall => ({
  ...call,
  messages: [
    ...call.messages.slice(0, -1),
    { role: 'user', content: `Question ${time}, which nobody has asked before.` },
  ],
});

/** Lays out the sheet of the body's call `times` over. The clock stands still meanwhile, so the caller takes the time. */
export default {
  async fetch(request: Request, env: { readonly ASSETS: Fetcher }): Promise<Response> {
    const times = Number(new URL(request.url).searchParams.get('times'));
    const { call } = parseChat(await request.json(), { id: '', strict: false });
    const now = Date.now();
    const today = new Date(now).toISOString().slice(0, 10);
    const { families } = resolve(call, world, today);
    const tokenizers = await readyTokenizers(families, vocabularies(env.ASSETS));
    let offers = 0;
    for (let time = 0; time < times; time++) {
      const one = varied(call, time);
      const { eligible, excluded } = layOut(one, resolve(one, world, today), world, { now, today, tokenizers });
      offers = eligible.length + excluded.length;
    }
    return new Response(String(offers));
  },
};
