// Meta's guide "Prompt Engineering with Llama 2", with the openai package.
//
//   npm install openai
//   node examples/guide-openai.mjs
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.CHASQUI_URL ?? 'http://127.0.0.1:8787/v1',
  apiKey: process.env.CHASQUI_KEY ?? 'any',
});

const LLAMA2_70B_CHAT = 'llama-2-70b-chat';
const LLAMA2_13B_CHAT = 'llama-2-13b-chat';
const CODELLAMA_34B = 'codellama-34b';

async function completion(prompt, options = {}) {
  const defaults = { model: LLAMA2_70B_CHAT, temperature: 0.6, top_p: 0.9, max_tokens: 1000 };
  const answer = await client.completions.create({ ...defaults, ...options, prompt });
  return answer.choices[0].text.trim();
}

async function chatCompletion(messages, options = {}) {
  const defaults = { model: LLAMA2_70B_CHAT, temperature: 0.6, top_p: 0.9 };
  const answer = await client.chat.completions.create({ ...defaults, ...options, messages });
  return answer.choices.map((choice) => choice.message.content.trim());
}

const user = (content) => ({ role: 'user', content });
const assistant = (content) => ({ role: 'assistant', content });
const show = (title, answer) => console.log(`== ${title}\n${answer}\n`);

show('Completion', await completion('The typical color of the sky is: '));

const [remembered] = await chatCompletion([
  user('My favorite color is blue.'),
  assistant("That's great to hear!"),
  user('What is my favorite color?'),
]);
show('Chat', remembered);

for (const creativity of [0.01, 1]) {
  const haiku = await completion('Write a haiku about llamas', { temperature: creativity, top_p: creativity });
  show(`Temperature and top_p ${creativity}`, haiku);
}

show(
  'Explicit instructions',
  await completion('Describe quantum physics in one short sentence of no more than 12 words'),
);

show('Zero-shot', await completion("Text: This was the best movie I've ever seen! \n The sentiment of the text is: "));

const FEW_SHOT = [
  user('You are a sentiment classifier. For each message, give the percentage of positive/netural/negative.'),
  user('I liked it'),
  assistant('70% positive 30% neutral 0% negative'),
  user('It could be better'),
  assistant('0% positive 50% neutral 50% negative'),
  user("It's fine"),
  assistant('25% positive 50% neutral 25% negative'),
];
const [sentiment] = await chatCompletion([...FEW_SHOT, user('I loved it!')]);
show('Few-shot', sentiment);

show(
  'Role',
  await completion(
    'Your role is a machine learning expert who gives highly technical advice to senior engineers who work with ' +
      'complicated datasets. Explain the pros and cons of using PyTorch.',
  ),
);

show(
  'Chain of thought',
  await completion("Who lived longer Elvis Presley or Mozart? Let's think through this carefully, step by step."),
);

// Five samples in one request; the majority wins.
const samples = await chatCompletion(
  [
    user(
      'John found that the average of 15 numbers is 40. If 10 is added to each number then the mean of the numbers ' +
        'is? Report the answer surrounded by three backticks, for example: ```123```',
    ),
  ],
  { temperature: 0.9, n: 5 },
);
const votes = new Map();
for (const sample of samples) {
  const vote = /```\s*(\d+)\s*```/.exec(sample)?.[1];
  if (vote) votes.set(vote, (votes.get(vote) ?? 0) + 1);
}
const ranked = [...votes].sort(([, a], [, b]) => b - a);
show('Self-consistency', `${JSON.stringify(ranked)} -> ${ranked[0]?.[0]}`);

const TEMPERATURES = { '2023-12-11': '52 degrees Fahrenheit', '2023-12-12': '51 degrees Fahrenheit' };
const temperatureOn = (day) =>
  completion(
    `Given the following information: 'The temperature in Menlo Park was ${TEMPERATURES[day] ?? 'unknown temperature'} ` +
      `on ${day}', respond to: 'What is the temperature in Menlo Park on ${day}?'`,
  );
show('Retrieval, a day that is known', await temperatureOn('2023-12-12'));
show('Retrieval, a day that is not', await temperatureOn('2023-07-18'));

// The model writes the program. Read it before you run it.
const program = await completion('# Python code to calculate: ((-5 + 93 * 4 - 0) * (4**4 + -7 + 0 * 5))', {
  model: CODELLAMA_34B,
  temperature: 0.1,
  top_p: 0.1,
});
show('Program-aided', program);

const json = await completion(
  "You are a robot that only outputs JSON. You reply in JSON format with the field 'zip_code'. Example question: What " +
    "is the zip code of the Empire State Building? Example answer: {'zip_code': 10118} Now here is my question: What " +
    'is the zip code of Menlo Park?',
  { model: LLAMA2_13B_CHAT },
);
show('Only JSON', json);
