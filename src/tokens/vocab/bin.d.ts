/** Vocabularies are shipped as data modules: the runtime hands over their bytes, nothing is parsed. */
declare module '*.bin' {
  const bytes: ArrayBuffer;
  export default bytes;
}
