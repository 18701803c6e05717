/** A proxy that does nothing but pass on: the floor that the gateway is compared with. */
export default {
  fetch: (request: Request, env: { readonly UPSTREAM: string }): Promise<Response> =>
    fetch(env.UPSTREAM + new URL(request.url).pathname, request),
};
