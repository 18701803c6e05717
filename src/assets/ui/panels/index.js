/**
 * The panels, in the order of the navigation. Each is a module whose default export is a component; it is loaded when
 * it is first shown and gets `{session}`.
 *
 * - `name`: its `?panel=` in the address; `title`: its link and its heading
 * - `range`: it shows the page's time range (lib/range.js)
 * - `admin`: it is for the admin alone
 */
export const PANELS = [
  { name: 'try', title: 'Try', load: () => import('./try.js') },
  { name: 'race', title: 'Race', load: () => import('./race.js') },
  { name: 'live', title: 'Live', range: true, load: () => import('./live.js') },
  { name: 'spend', title: 'Spend', range: true, load: () => import('./spend.js') },
  { name: 'whatif', title: 'What if', range: true, load: () => import('./whatif.js') },
  { name: 'models', title: 'Models and prices', load: () => import('./models.js') },
  { name: 'keys', title: 'Keys', admin: true, load: () => import('./keys.js') },
  { name: 'health', title: 'Health', load: () => import('./health.js') },
  { name: 'account', title: 'Your key', load: () => import('./account.js') },
];
