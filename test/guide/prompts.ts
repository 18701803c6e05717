/**
 * What Meta's guide "Prompt Engineering with Llama 2" sends, and the models that answer it at each provider. The guide's
 * own names run on Replicate, where they come from, and on one's own Anyscale service; Bedrock and Together have retired
 * Llama 2, so there the model that replaced it answers.
 */
export const LLAMA2_70B_CHAT = 'meta/llama-2-70b-chat:2d19859030ff705a87c746f7e96eea03aefb71f166725aee39692f1476566d48';
export const LLAMA2_13B_CHAT = 'meta/llama-2-13b-chat:f4e2de70d66816a838a89eeeb621910adffb0dd0baba3976c96980970978018d';
export const CODELLAMA_34B = 'meta/codellama-34b:67942fd0f55b66da802218a19a8f0e1d73095473674061a6ea19f2dc8c053152';

export const GUIDE_MODELS = [
  { provider: 'replicate', large: LLAMA2_70B_CHAT, small: LLAMA2_13B_CHAT, code: CODELLAMA_34B },
  { provider: 'anyscale', large: 'llama-2-70b-chat', small: 'llama-2-13b-chat', code: 'codellama-34b' },
  { provider: 'bedrock', large: 'llama-3-70b-instruct', small: 'llama-3-8b-instruct', code: 'llama-3-70b-instruct' },
  {
    provider: 'together',
    large: 'llama-3.3-70b-instruct',
    small: 'llama-3.3-70b-instruct',
    code: 'llama-3.3-70b-instruct',
  },
] as const;

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: string;
}
export const user = (content: string): Turn => ({ role: 'user', content });
export const assistant = (content: string): Turn => ({ role: 'assistant', content });
export const system = (content: string): Turn => ({ role: 'system', content });

const TEMPERATURES: Readonly<Record<string, string>> = {
  '2023-12-11': '52 degrees Fahrenheit',
  '2023-12-12': '51 degrees Fahrenheit',
};

/** The guide's retrieval: what is known of a day, and the question about it. */
export const temperatureOn = (day: string): string =>
  `Given the following information: 'The temperature in Menlo Park was ${TEMPERATURES[day] ?? 'unknown temperature'} on ${day}', respond to: 'What is the temperature in Menlo Park on ${day}?'`;

const ADVANCES = 'Explain the latest advances in large language models to me.';
const PYTORCH = 'Explain the pros and cons of using PyTorch.';

/** Its `completion`s. */
export const PROMPTS = {
  sky: 'The typical color of the sky is: ',
  version: 'which model version are you?',
  haiku: 'Write a haiku about llamas',
  quantum: 'Describe quantum physics in one short sentence of no more than 12 words',
  advances: ADVANCES,
  advancesCited: `${ADVANCES} Always cite your sources. Never cite sources older than 2020.`,
  bestMovie: "Text: This was the best movie I've ever seen! \n The sentiment of the text is: ",
  director: 'Text: The director was trying too hard. \n The sentiment of the text is: ',
  pytorch: PYTORCH,
  pytorchExpert: `Your role is a machine learning expert who gives highly technical advice to senior engineers who work with complicated datasets. ${PYTORCH}`,
  mozart: "Who lived longer Elvis Presley or Mozart? Let's think through this carefully, step by step.",
  knownDay: temperatureOn('2023-12-12'),
  unknownDay: temperatureOn('2023-07-18'),
  code: '# Python code to calculate: ((-5 + 93 * 4 - 0) * (4**4 + -7 + 0 * 5))',
  zipCode:
    "You are a robot that only outputs JSON. You reply in JSON format with the field 'zip_code'. Example question: What is the zip code of the Empire State Building? Example answer: {'zip_code': 10118} Now here is my question: What is the zip code of Menlo Park?",
} as const;

/** The few-shot classifier, which begins with two messages of the user in a row, as in the guide. */
const sentiment = (text: string): readonly Turn[] => [
  user('You are a sentiment classifier. For each message, give the percentage of positive/netural/negative.'),
  user('I liked it'),
  assistant('70% positive 30% neutral 0% negative'),
  user('It could be better'),
  assistant('0% positive 50% neutral 50% negative'),
  user("It's fine"),
  assistant('25% positive 50% neutral 25% negative'),
  user(text),
];

/** Its `chat_completion`s. */
export const CHATS = {
  favouriteColor: [
    user('My favorite color is blue.'),
    assistant("That's great to hear!"),
    user('What is my favorite color?'),
  ],
  okay: sentiment('I thought it was okay'),
  loved: sentiment('I loved it!'),
  terrible: sentiment('Terrible service 0/10'),
  average: [
    user(
      'John found that the average of 15 numbers is 40. If 10 is added to each number then the mean of the numbers is? Report the answer surrounded by three backticks, for example: ```123```',
    ),
  ],
} as const satisfies Readonly<Record<string, readonly Turn[]>>;
