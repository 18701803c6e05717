/** One deployment: where it is and how to get in. */
export interface Service {
  readonly id: string;
  /** Without a slash at its end; usually ends in `/v1`. */
  readonly baseUrl: string;
  readonly token?: string;
}
