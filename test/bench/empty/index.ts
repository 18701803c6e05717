/** What a start costs that loads nothing. */
export default { fetch: (): Response => new Response('ok') };
