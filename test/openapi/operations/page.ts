/** The page's own routes. */
import { text } from '../json.ts';
import { inPath, type Operation } from '../operation.ts';

const file = { tag: 'Page', answers: [], errors: [404] } as const;

const session = { tag: 'Page', answers: ['Session'], errors: [403] } as const;

export const PAGE: Readonly<Record<string, Operation>> = {
  'GET /': {
    ...file,
    id: 'getPage',
    summary: 'The page',
    about: 'What calls cost, and why they went where they went, for people.',
    answer: 'A page.',
    alsoAs: { 'text/html': 'HTML.' },
  },
  'GET /ui/:id': {
    ...file,
    id: 'getPageFile',
    summary: 'A file of the page',
    about: 'Scripts, styles and pictures.',
    parameters: [inPath('The file’s path below `/ui`.', 'styles.css', text)],
    answer: 'The file.',
    alsoAs: {
      'text/css': 'A style sheet.',
      'text/html': 'A page.',
      'text/javascript': 'A script.',
      'image/svg+xml': 'A picture.',
      'text/plain': 'A licence.',
      'application/json': 'This description.',
    },
  },
  'GET /docs': {
    ...file,
    id: 'getReference',
    summary: 'This reference',
    about: 'This description for people.',
    answer: 'A page.',
    alsoAs: { 'text/html': 'HTML.' },
  },
  'GET /openapi.json': {
    ...file,
    id: 'getDescription',
    summary: 'This description',
    about: 'OpenAPI 3.1.',
    answer: 'The description of the API.',
    alsoAs: { 'application/json': 'OpenAPI 3.1.' },
  },
  'GET /session': {
    ...session,
    id: 'getSession',
    summary: 'Who is signed in',
    about: 'Who is signed in to the page, and whether anybody has to.',
    answer: 'The session.',
    errors: [401],
  },
  'POST /session': {
    ...session,
    id: 'signIn',
    summary: 'Sign in',
    about:
      'Exchanges a key for a cookie. For the page of this gateway alone; programs send their key with each request.',
    body: ['SignIn'],
    answer: 'The session.',
    errors: [401, 403, 429, 503],
  },
  'DELETE /session': {
    ...session,
    id: 'signOut',
    summary: 'Sign out',
    about: 'Takes the cookie back.',
    answer: 'The session.',
  },
};
