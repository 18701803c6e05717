/**
 * The floors of the house (docs/house.md): imports point downwards only, no circles, `core` imports nothing,
 * a provider imports `core` alone, and a room is entered through its index.ts.
 */
const rooms = {
  index: '^src/index\\.ts$',
  app: '^src/app\\.ts$',
  config: '^src/(config|environment|variables)\\.ts$',
  routes: '^src/routes/',
  dialects: '^src/dialects/',
  relay: '^src/relay/',
  page: '^src/page/',
  offers: '^src/offers/',
  accounts: '^src/accounts/',
  providers: '^providers/',
  catalog: '^src/catalog/',
  tokens: '^src/tokens/',
  traces: '^src/traces/',
  core: '^src/core/',
  cli: '^src/cli/',
};
/** Top to bottom; rooms on one floor do not import one another. */
const floors = [
  ['index'],
  ['app'],
  ['routes'],
  ['config'],
  ['dialects', 'relay', 'page'],
  ['offers', 'accounts', 'providers'],
  ['catalog', 'tokens', 'traces'],
  ['core'],
];
const either = (names) => names.map((name) => rooms[name]).join('|');

const upwards = floors.slice(1).flatMap((floor, above) =>
  floor.map((room) => ({
    name: `no-upward-arrow-from-${room}`,
    severity: 'error',
    comment: 'Imports point to lower floors only, never up and never sideways.',
    from: { path: rooms[room] },
    to: {
      path: either([...floors.slice(0, above + 1).flat(), ...floor.filter((other) => other !== room)]),
    },
  })),
);

module.exports = {
  forbidden: [
    ...upwards,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'core-imports-nothing', severity: 'error', from: { path: rooms.core }, to: { pathNot: rooms.core } },
    {
      name: 'a-provider-imports-core-alone',
      severity: 'error',
      from: { path: rooms.providers },
      to: { path: '^(src|test)/', pathNot: rooms.core },
    },
    {
      name: 'a-provider-does-not-know-another',
      severity: 'error',
      comment: 'openai is the API that Together and Anyscale share, http what all of them read bodies with.',
      from: { path: '^providers/([^/]+)/' },
      to: { path: '^providers/([^/]+)/', pathNot: '^providers/($1|openai|http)/' },
    },
    {
      name: 'enter-a-room-through-its-index',
      severity: 'error',
      from: { path: '^(src|providers)/([^/]+)/' },
      to: { path: '^(src|providers)/([^/]+)/.+', pathNot: ['^$1/$2/', '/index\\.ts$', '^src/core/'] },
    },
    {
      name: 'the-product-does-not-import-its-tests',
      severity: 'error',
      from: { path: '^(src|providers)/' },
      to: { path: '^test/' },
    },
    {
      name: 'the-command-line-knows-only-the-http-api',
      severity: 'error',
      comment: 'A command of its own, beside the Worker: neither is to be found in the other.',
      from: { path: rooms.cli },
      to: { path: '^(src|providers)/', pathNot: rooms.cli },
    },
    {
      name: 'the-worker-does-not-know-the-command-line',
      severity: 'error',
      from: { path: '^(src|providers)/', pathNot: rooms.cli },
      to: { path: rooms.cli },
    },
    {
      name: 'the-sandbox-knows-only-the-wires',
      severity: 'error',
      // start.mjs is no part of the emulator: it starts the gateway, too.
      comment: 'The emulator must not share code with what it checks. Vocabularies are data of the makers.',
      from: { path: '^test/sandbox/', pathNot: '^test/sandbox/start\\.mjs$' },
      to: { path: '^(src|providers)/', pathNot: '\\.bin$' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(src|providers)/', pathNot: ['\\.d\\.m?ts$', '^src/assets/ui/'] },
      to: {},
    },
    {
      name: 'the-page-stands-alone',
      severity: 'error',
      comment: 'Browsers load these modules as they are, and the Worker serves them as files.',
      from: { path: '^src/assets/ui/' },
      to: { pathNot: '^src/assets/ui/' },
    },
    {
      name: 'nobody-imports-the-page',
      severity: 'error',
      from: { path: '^(src|providers)/', pathNot: '^src/assets/' },
      to: { path: '^src/assets/' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Its TypeScript parser does not know TypeScript 7 yet; swc's sees type imports too.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['workerd', 'import', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
    exclude: { path: '^cloudflare:' },
  },
};
