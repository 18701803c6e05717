/**
 * workerd's configuration for Workers that wrangler built, as text. Its schema:
 * https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
 */
import { extname, join } from 'node:path';
import type { Bundle } from './bundle.ts';

/** A Worker as workerd is to run it. */
export interface Service {
  readonly name: string;
  readonly bundle: Bundle;
  /** Added to the configuration's own vars, and wins over them. */
  readonly bindings?: Readonly<Record<string, unknown>>;
  /** Binding name → name of another Worker of the same process, beside those of the configuration. */
  readonly services?: Readonly<Record<string, string>>;
  /** `host:port`; port 0 is any free one. Without it only the other Workers reach this one. */
  readonly address?: string;
}

export interface ConfigOptions {
  /** Folder of the Durable Objects' data. Each Worker that has some gets a folder in it. */
  readonly state: string;
  /** Writes a text into a file that only this user can read, and returns its path. */
  readonly file: (name: string, text: string) => string;
  /** Path of a socket for `hold` in drain.ts. */
  readonly holdSocket?: string;
}

export interface Configuration {
  readonly text: string;
  /** What workerd needs in its environment: texts of bindings, which may be secrets, are not in its configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders that must exist. */
  readonly folders: readonly string[];
}

/** Linux takes at most 128 KiB for one variable with its name (MAX_ARG_STRLEN). */
const MOST_BYTES = 100_000;

const MODULE_KINDS: Readonly<Record<string, string>> = {
  '.js': 'esModule',
  '.mjs': 'esModule',
  '.wasm': 'wasm',
  '.txt': 'text',
  '.html': 'text',
  '.json': 'json',
  '.bin': 'data',
};

const quote = (text: string): string => JSON.stringify(text);
const list = (items: readonly string[]): string => `[${items.join(',\n      ')}]`;
const folderOf = ({ name }: Service, state: string): string => join(state, name);

/** Reaching local servers is the point here; workerd allows public addresses alone unless told. */
const INTERNET =
  '(name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true)))';

/** A Worker whose answer goes on until its caller leaves. */
const HOLD = `export default {
  fetch: () => new Response(new ReadableStream({
    async pull(to) { await scheduler.wait(500); to.enqueue(new Uint8Array(1)); },
  })),
};`;

export function configurationFor(
  services: readonly Service[],
  { state, file, holdSocket }: ConfigOptions,
): Configuration {
  const environment: Record<string, string> = {};

  function binding(owner: string, name: string, value: unknown): string {
    if (typeof value !== 'string') return `(name = ${quote(name)}, json = ${quote(JSON.stringify(value))})`;
    const variable = `${owner}.${name}`;
    if (Buffer.byteLength(value) > MOST_BYTES) {
      return `(name = ${quote(name)}, text = embed ${quote(file(variable, value))})`;
    }
    environment[variable] = value;
    return `(name = ${quote(name)}, fromEnvironment = ${quote(variable)})`;
  }

  function worker({ name, bundle, bindings = {}, services: more = {} }: Service): string {
    const modules = bundle.modules.map(
      (module) => `(name = ${quote(module.name)}, ${MODULE_KINDS[extname(module.name)]} = embed ${quote(module.path)})`,
    );
    const others = {
      ...Object.fromEntries(bundle.services.map((one) => [one.binding, one.service])),
      ...more,
    };
    const bound = [
      ...Object.entries({ ...bundle.vars, ...bindings }).map(([key, value]) => binding(name, key, value)),
      ...Object.entries(others).map(([key, to]) => `(name = ${quote(key)}, service = ${quote(to)})`),
      ...(bundle.assets ? [`(name = ${quote(bundle.assets.binding)}, service = ${quote(`${name}-assets`)})`] : []),
      ...bundle.durableObjects
        .filter((one) => bindings[one.binding] === undefined)
        .map((one) => `(name = ${quote(one.binding)}, durableObjectNamespace = ${quote(one.className)})`),
    ];
    const objects = bundle.durableObjects.map(
      ({ className }) =>
        `(className = ${quote(className)}, uniqueKey = ${quote(`${name}-${className}`)}, enableSql = true)`,
    );
    return `(
    modules = ${list(modules)},
    compatibilityDate = ${quote(bundle.compatibilityDate)},
    compatibilityFlags = ${list(bundle.compatibilityFlags.map(quote))},
    bindings = ${list(bound)},
    durableObjectNamespaces = ${list(objects)},
    ${objects.length > 0 ? `durableObjectStorage = (localDisk = ${quote(`${name}-disk`)}),` : ''}
  )`;
  }

  const withObjects = services.filter(({ bundle }) => bundle.durableObjects.length > 0);
  const all = [
    ...services.map((service) => `(name = ${quote(service.name)}, worker = ${worker(service)})`),
    ...withObjects.map(
      (service) =>
        `(name = ${quote(`${service.name}-disk`)}, disk = (path = ${quote(folderOf(service, state))}, writable = true))`,
    ),
    // Answers GET with the file.
    ...services.flatMap(({ name, bundle: { assets } }) =>
      assets ? [`(name = ${quote(`${name}-assets`)}, disk = (path = ${quote(assets.directory)}))`] : [],
    ),
    INTERNET,
  ];
  const date = services[0]?.bundle.compatibilityDate ?? '';
  if (holdSocket !== undefined) {
    const module = `(name = "hold.js", esModule = ${quote(HOLD)})`;
    all.push(`(name = "hold", worker = (modules = [${module}], compatibilityDate = ${quote(date)}))`);
  }
  const sockets = services.flatMap(({ name, address }) =>
    address === undefined
      ? []
      : [`(name = ${quote(name)}, address = ${quote(address)}, http = (), service = ${quote(name)})`],
  );
  if (holdSocket !== undefined) {
    sockets.push(`(name = "hold", address = ${quote(`unix:${holdSocket}`)}, http = (), service = "hold")`);
  }
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = ${list(all)},
  sockets = ${list(sockets)}
);
`;
  return { text, environment, folders: withObjects.map((service) => folderOf(service, state)) };
}
