import type { Fetch, ServiceOffer } from '../../src/core/index.ts';

/** One deployment: where it is and how to get in. */
export interface Service {
  readonly id: string;
  /** Without a slash at its end; usually ends in `/v1`. */
  readonly baseUrl: string;
  readonly token?: string;
  /** Sent with every request, as an access proxy in front of the server may ask for. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How it is reached where that is not by the network at large: through a binding of the Worker. */
  readonly fetch?: Fetch;
}

/** What a configuration says of a model whatever its name. */
export type ModelSettings = Omit<ServiceOffer, 'provider' | 'service' | 'model' | 'upstream'>;

/** A service as configured; `offers` lack the provider, which is not the entry's to say. */
export interface Entry extends Service {
  readonly offers: readonly Omit<ServiceOffer, 'provider'>[];
  /** What holds for the models that its server lists and the configuration does not; absent: the server is not asked. */
  readonly listed?: ModelSettings;
  /** What is doubtful of it, where it stands: a whole sentence. */
  readonly doubt?: string;
}
