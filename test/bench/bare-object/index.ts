/**
 * The bare Worker, with an object that is asked before and told after each request and does nothing: what covering a
 * call by an account costs at least, whatever the account does.
 */
import { DurableObject } from 'cloudflare:workers';

export class Empty extends DurableObject {
  /** The plainest of requests and replies. */
  reserve(call: string): string {
    return call;
  }

  settle(call: string): string {
    return call;
  }
}

interface Env {
  readonly UPSTREAM: string;
  readonly EMPTY: { getByName(name: string): Pick<Empty, 'reserve' | 'settle'> };
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    await env.EMPTY.getByName('one').reserve('call');
    const answer = await fetch(env.UPSTREAM + new URL(request.url).pathname, request);
    context.waitUntil(Promise.resolve(env.EMPTY.getByName('one').settle('call')));
    return answer;
  },
};
