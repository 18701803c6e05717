/** Text modules: wrangler bundles them as strings. */
declare module '*.txt' {
  const text: string;
  export default text;
}
