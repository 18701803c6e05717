/** A small fault, and the tests that must notice it. */
export interface Mutant {
  /** `area/what-is-lost` */
  readonly id: string;
  /** What a user would meet. */
  readonly what: string;
  readonly file: string;
  /** Text that stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
}
