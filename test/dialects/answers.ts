import type { Said } from '../fakes/speakers/said.ts';

const USAGE = { input: 100, cached: 40, output: 30, reasoning: 0 };

const SAID = { model: 'model', finish: 'stop', usage: USAGE } as const;

/** Places in it differ by whether bytes, characters or UTF-16 units are counted. */
const CITING = 'Brr 🥶: it is −3 °C in Oslo.';

/** One answer for each thing that a model may do. */
export const ANSWERS: Readonly<Record<string, Said>> = {
  text: { id: 'a1', model: 'model', text: 'It is cold: −3 °C.', finish: 'stop', usage: USAGE },
  'reasoning and text': {
    id: 'a2',
    model: 'model',
    thinking: { text: 'Oslo is in the north.', signature: 'c2lnbmVk' },
    text: 'Cold.',
    finish: 'stop',
    usage: { ...USAGE, reasoning: 12 },
  },
  // Hosts of the chat dialect that do not take it out.
  'reasoning in tags': {
    id: 'a8',
    model: 'model',
    text: '<think>\nOslo is in the north.\n</think>\n\nCold.',
    finish: 'stop',
    usage: USAGE,
  },
  'a call': {
    id: 'a3',
    model: 'model',
    calls: [{ id: 'call00001', name: 'get_weather', arguments: { city: 'Oslo' } }],
    finish: 'tool_calls',
    usage: USAGE,
  },
  'text and parallel calls': {
    id: 'a4',
    model: 'model',
    text: 'I will look.',
    calls: [
      { id: 'call00001', name: 'get_weather', arguments: { city: 'Oslo', days: 2 } },
      { id: 'call00002', name: 'now', arguments: {} },
    ],
    finish: 'tool_calls',
    usage: USAGE,
  },
  'reasoning and a call': {
    id: 'a5',
    model: 'model',
    thinking: { text: 'I need the clock.', signature: 'c2lnbmVk' },
    calls: [{ id: 'call00001', name: 'now', arguments: {} }],
    finish: 'tool_calls',
    usage: { ...USAGE, reasoning: 5 },
  },
  'a cut text': { id: 'a6', model: 'model', text: 'It is c', finish: 'length', usage: USAGE },
  'several choices': { ...SAID, id: 'a8', text: 'It is cold.', others: ['Cold, it is.', 'Brr 🥶.'] },
  'log probabilities': {
    ...SAID,
    id: 'a9',
    text: 'It is −3 °C.',
    tokens: [
      { token: 'It is ', logprob: -0.25, other: { token: 'It was ', logprob: -1.5 } },
      { token: '−3 °C.', logprob: -0.5, other: { token: 'cold.', logprob: -2 } },
    ],
  },
  'a text that cites a page': {
    ...SAID,
    id: 'a10',
    text: CITING,
    page: { stretch: '−3 °C', title: 'Oslo today', url: 'https://weather.example/oslo' },
  },
  'a text that cites a document': {
    ...SAID,
    id: 'a11',
    text: CITING,
    document: { stretch: '−3 °C', title: 'oslo.txt' },
  },
  'a text that stands elsewhere': {
    ...SAID,
    id: 'a12',
    text: CITING,
    recited: { stretch: '−3 °C', title: '', url: 'https://weather.example/oslo' },
  },
  'a text with a list of sources': {
    ...SAID,
    id: 'a13',
    text: 'It is −3 °C [1][2].',
    sources: [
      { url: 'https://weather.example/oslo', title: 'Oslo today' },
      { url: 'https://news.example/cold', title: 'Cold in Norway' },
    ],
  },
  'a blocked answer': { id: 'a7', model: 'model', text: 'I', finish: 'blocked', usage: USAGE },
};
