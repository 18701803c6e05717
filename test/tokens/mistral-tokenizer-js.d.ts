declare module 'mistral-tokenizer-js' {
  const tokenizer: {
    readonly vocabById: readonly string[];
    encode(text: string, addBos?: boolean, addSpace?: boolean): number[];
  };
  export default tokenizer;
}
