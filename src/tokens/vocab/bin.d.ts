/** Vocabularies are data modules: importing one gives its bytes. */
declare module '*.bin' {
  const bytes: ArrayBuffer;
  export default bytes;
}
