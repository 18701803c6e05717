/** Forwards to TARGET, and gives up after `x-give-up-ms`, which a service binding tells the other side at once. */
export default {
  async fetch(request: Request, env: { readonly TARGET: Fetcher; readonly GREETING?: string }): Promise<Response> {
    const patience = request.headers.get('x-give-up-ms');
    const { pathname } = new URL(request.url);
    if (pathname === '/greeting') return new Response(env.GREETING);
    const { method, headers } = request;
    const body = method === 'GET' ? null : await request.text();
    const url = `http://sandbox.invalid${pathname}`;
    if (patience === null) return env.TARGET.fetch(url, { method, headers, body });
    const signal = AbortSignal.timeout(Number(patience));
    try {
      const answer = await env.TARGET.fetch(url, { method, headers, body, signal });
      return new Response(await answer.text());
    } catch (error) {
      return new Response(error instanceof Error ? error.name : 'unknown', { status: 599 });
    }
  },
};
