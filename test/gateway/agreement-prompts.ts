import { assistant, system, type Turn, user } from '../guide/prompts.ts';

const CODE = "def f(x):\n    return {'a': x, \"b\": [1, 2.5]}  # ok\n\n\nif __name__ == '__main__':\n\tprint(f(3))\n";
const MANY = 'Ñandú, 命运写在星星里。 Судьба 🦙👩‍👩‍👧 naïve café — “quotes” … 1,234,567.89';

/** Raw prompts that tokenizers are known to differ on. */
export const MORE_PROMPTS: Readonly<Record<string, string>> = {
  code: CODE,
  scripts: MANY,
  'spaces around': '   three before, two after  ',
  'line ends around': '\n\nHello\n\n',
  spaces: ' '.repeat(40),
  'a begin of its own': '<s>Hello',
  'another begin of its own': '<|begin_of_text|>Hello',
  'a rendered chat of Llama 2': '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Ho </s><s>[INST] And? [/INST]',
  'a rendered chat of Llama 3':
    '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
};

/** Chats that templates arrange in ways of their own. */
export const MORE_CHATS: Readonly<Record<string, readonly Turn[]>> = {
  system: [system('You are brief.'), user('Who are you?')],
  'several turns': [
    system('You are brief.'),
    user('One?'),
    assistant('1'),
    user('Two?'),
    assistant('2'),
    user('Three?'),
  ],
  'two systems': [system('You are brief.'), system('You are kind.'), user('Hello')],
  'a late system': [user('Hello'), assistant('Hi'), system('Now speak Spanish.'), user('How are you?')],
  'users in a row': [user('One.'), user('Two.'), user('Three.')],
  'assistants in a row': [user('Go on.'), assistant('Well,'), assistant('so be it.'), user('And?')],
  'an assistant first': [assistant('Welcome!'), user('Thanks.')],
  code: [user(CODE), assistant(CODE), user('Explain.')],
  scripts: [system(MANY), user(MANY), assistant(MANY), user(MANY)],
  'spaces around': [system('  brief \n'), user('  Hi  '), assistant(' Ho \n'), user('\n\tWell? ')],
};

const parameters = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Where, in Ñuñoa say' }, days: { type: 'integer', minimum: 1 } },
  required: ['city'],
};

export const TOOLS = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather of a city.', parameters } },
  {
    type: 'function',
    function: { name: 'get_time', description: 'The time now.', parameters: { type: 'object', properties: {} } },
  },
] as const;

const call = (name: string, given: string) => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'call_1', type: 'function', function: { name, arguments: given } }],
});

export const TOOL_CHATS: Readonly<Record<string, readonly object[]>> = {
  'a question': [user('What is the weather in Lima?')],
  'a system and a question': [system('You are brief.'), user('What is the weather in Lima?')],
  'a result': [
    user('What is the weather in Lima?'),
    call('get_weather', '{"city": "Lima", "days": 2}'),
    { role: 'tool', tool_call_id: 'call_1', content: '{"sky": "clear", "ºC": 21}' },
  ],
  'a result and a question': [
    user('What is the weather in Lima?'),
    call('get_weather', '{}'),
    { role: 'tool', tool_call_id: 'call_1', content: 'clear' },
    user('Is that good?'),
  ],
  'a result and an answer': [
    user('What is the weather in Lima?'),
    call('get_weather', '{"city":"Lima"}'),
    { role: 'tool', tool_call_id: 'call_1', content: 'clear' },
    assistant('It is clear.'),
    user('Thanks. And in Cusco?'),
  ],
};
