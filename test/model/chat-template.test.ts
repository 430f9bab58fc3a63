import { readFileSync } from 'node:fs'
import test, { type Test } from 'brittle'
import { SwarmError } from '../../src/base/errors.ts'
import {
  CHAT_MESSAGES_MAX,
  TEMPLATE_CHARS_MAX,
  TEMPLATE_SPACE_RUN_MAX
} from '../../src/base/limits.ts'
import { ChatTemplate, type RenderOptions } from '../../src/model/chat-template.ts'
import { strftime } from '../../src/model/template/strftime.ts'
import { dataPath, dataTest } from '../helpers/data.ts'

const OPTIONS: RenderOptions = {
  addGenerationPrompt: true,
  bosToken: '<s>',
  eosToken: '</s>',
  now: new Date(2024, 6, 26, 12, 34, 56)
}

interface Context {
  messages: object[]
  add_generation_prompt: boolean
  tools?: object[]
  [extra: string]: unknown
}

interface Goldens {
  bos_token: string
  eos_token: string
  contexts: Record<string, Context>
  templates: Record<string, Record<string, { text?: string; error?: string }>>
}

// Python refuses these, because there `map` gives a generator; docs/chat-templates.md lists them.
const RENDERED_ALL_THE_SAME = [
  'llama-cpp-deepseek-r1.jinja tools',
  'llama-cpp-deepseek-r1.jinja toolcall'
]

function render(source: string, options: Partial<RenderOptions> = {}, messages: object[] = []) {
  return new ChatTemplate(source).render(messages, { ...OPTIONS, ...options })
}

function refuses(t: Test, source: string, message: RegExp): void {
  try {
    render(source)
    t.fail(`not refused: ${source.slice(0, 80)}`)
  } catch (error) {
    t.is(error instanceof SwarmError ? error.code : String(error), 'MODEL_BAD_TEMPLATE')
    t.ok(message.test(String(error)), String(error))
  }
}

dataTest('chat template - every text of 65 templates equals what Python renders', {}, (t) => {
  t.timeout(60_000)
  const goldens = JSON.parse(
    readFileSync(dataPath('chat-template-goldens', 'goldens.json'), 'utf8')
  ) as Goldens
  const different: string[] = []
  const notRefused: string[] = []
  let texts = 0
  for (const [file, cases] of Object.entries(goldens.templates)) {
    const source = readFileSync(dataPath(file), 'utf8')
    for (const [name, wanted] of Object.entries(cases)) {
      const context = goldens.contexts[name] as Context
      const { messages, add_generation_prompt: addGenerationPrompt, tools, ...extra } = context
      const { bos_token: bosToken, eos_token: eosToken } = goldens
      const options = {
        addGenerationPrompt,
        bosToken,
        eosToken,
        extra,
        ...(tools ? { tools } : {})
      }
      const label = `${file.split('/').at(-1)} ${name}`
      let text: string | undefined
      try {
        text = render(source, options, messages)
      } catch (error) {
        if (!(error instanceof SwarmError) || error.code !== 'MODEL_BAD_TEMPLATE') throw error
      }
      if (wanted.text !== undefined) texts++
      if (wanted.text !== undefined && wanted.text !== text) different.push(label)
      if (wanted.text === undefined && text !== undefined) notRefused.push(label)
    }
  }
  t.is(texts, 504)
  t.alike(different, [])
  t.alike(notRefused, RENDERED_ALL_THE_SAME)
  const page = readFileSync('docs/chat-templates.md', 'utf8')
  for (const label of RENDERED_ALL_THE_SAME) {
    const [file, name] = label.split(' ')
    const row = new RegExp(`\\| \`${file as string}\` +\\| \`${name as string}\` +\\|`)
    t.ok(row.test(page), `${label} is documented`)
  }
})

test('chat template - values are printed as Python prints them', (t) => {
  for (const [source, wanted] of [
    [
      "{{ none }}|{{ true }}|{{ 1.0 }}|{{ [1,'a',none,{'k':'v'}] }}",
      "None|True|1.0|[1, 'a', None, {'k': 'v'}]"
    ],
    ['{{ missing }}|{{ missing|length }}|{{ missing|trim }}|{{ missing|list }}', '|0||[]'],
    ["{{ ['it\\'s', 'a\"b', 'x\\ny'] }}", "[\"it's\", 'a\"b', 'x\\ny']"],
    ["{% for c in 'abc' %}{{ c }}-{% endfor %}{% for x in missing %}!{% endfor %}", 'a-b-c-'],
    ['{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }};{% endfor %}', '12;34;'],
    ["{{ 'xxaxx'.strip('x') }}|{{ 'xxaxx'.lstrip('x') }}|{{ 'xxaxx'.rstrip('x') }}", 'a|axx|xxa'],
    ["{{ 'a' ~ 1 ~ none ~ true }}", 'a1NoneTrue'],
    ['{{ [3, 1, 2]|min }}{{ [3, 1, 2]|max }}{{ [1, 2]|count }}', '132'],
    ["{{ 'a\\nb\\n\\nc'|indent(2) }}", 'a\n  b\n\n  c'],
    ["{{ {'b': 1.0, 'a': [true, none]}|tojson }}", '{"b": 1.0, "a": [true, null]}'],
    ["{{ {'b': 1}|tojson(indent=2) }}{{ []|tojson(indent=2) }}", '{\n  "b": 1\n}[]'],
    ["{{ '<i>' + ('<b>'|safe) }}|{{ '<b>'|safe }}|{{ '<i>' }}", '&lt;i&gt;<b>|<b>|<i>']
  ] as const) {
    t.is(render(source), wanted, source)
  }
})

test('chat template - sees what the request gives', (t) => {
  const source =
    '{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}{% endfor %}' +
    '{% if add_generation_prompt %}go{% endif %}{{ tools is defined }}{{ mood }}'
  const messages = [{ role: 'user', content: 'Zoë 🐶' }]
  const extra = { mood: 'calm' }
  t.is(render(source, { extra }, messages), '<s>user:Zoë 🐶</s>goFalsecalm')
  t.is(
    render(source, { addGenerationPrompt: false, tools: [{ type: 'function' }] }, messages),
    '<s>user:Zoë 🐶</s>True'
  )
})

test('chat template - a request cannot replace what the template relies on', (t) => {
  const extra = { messages: [], bos_token: 'x', raise_exception: 'y', true: false }
  t.is(render('{{ messages|length }}{{ bos_token }}{{ true }}', { extra }, [{}, {}]), '2<s>True')
})

test('chat template - its own refusal is told to the user', (t) => {
  refuses(t, "{{ raise_exception('roles must alternate') }}", /refuses.*roles must alternate/)
})

test('chat template - the date is the one given', (t) => {
  t.is(render("{{ strftime_now('%d %b %Y') }}"), '26 Jul 2024')
  const { now } = OPTIONS
  t.is(
    strftime(now, '%A %a %B %y-%m-%d %H:%M:%S %I%p %-d %-m %% %q'),
    'Friday Fri July 24-07-26 12:34:56 12PM 26 7 % %q'
  )
  t.is(strftime(new Date(2025, 0, 5, 0, 7), '%-d %I:%M %p %-H'), '5 12:07 AM 0')
})

test('chat template - broken templates are refused', (t) => {
  for (const source of [
    '{{ ',
    '{% if %}',
    '{% for %}',
    '{% nonsense %}',
    '{{ 1 + }}',
    '{{ "x }}'
  ]) {
    refuses(t, source, /cannot be read/)
  }
  refuses(t, '{{ a.b() }}', /failed/)
  refuses(t, "{{ 'a' + 1 }}", /adds StringValue and IntegerValue/)
  refuses(t, '{{ missing|tojson }}', /JSON/)
})

test('chat template - what does not end is ended', (t) => {
  t.timeout(120_000)
  const grow = (step: string, end: string, start = "'a'") =>
    `{% set n = namespace(s=${start}) %}{% for i in range(60) %}` +
    `{% set n.s = ${step} %}{% endfor %}${end}`
  for (const [source, message] of [
    [
      '{% set r = range(200000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}',
      /steps/
    ],
    ['{% for i in range(4000) %}{{ range(200000)[1:]|length }}{% endfor %}', /steps/],
    ['{{ range(1000000000) }}', /range/],
    ['{{ range(1, 10, 0) }}', /range/],
    [grow('n.s + n.s', '{{ n.s|length }}'), /text of more/],
    [grow('n.s + n.s', '{{ n.s|length }}', '[1]'), /list of more/],
    [grow('[n.s, n.s]', '{{ n.s }}'), /text of more/],
    [grow('[n.s, n.s]', '{{ n.s|tojson }}'), /text of more/],
    [grow('[n.s, n.s]', "{{ 'x' ~ n.s }}"), /text of more/],
    [grow('[n.s, n.s]', "{{ n.s|join(',') }}"), /text of more/],
    ["{% set a = 'x'|indent(1024, true) %}" + grow("n.s.replace('a', 'aa')", '')],
    [
      "{% set n = namespace(s='a') %}{% for i in range(20) %}{% set n.s = n.s + n.s %}" +
        '{% endfor %}{{ n.s.replace("a", n.s) }}',
      /text of more/
    ],
    [`{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`, /cannot be read/],
    ['x'.repeat(TEMPLATE_CHARS_MAX + 1), /characters/],
    [`${' '.repeat(TEMPLATE_SPACE_RUN_MAX + 1)}{`, /white space/]
  ] as [string, RegExp?][]) {
    refuses(t, source, message ?? /text of more/)
  }
})

test('chat template - a conversation beyond its bound is refused', (t) => {
  const messages = Array.from({ length: CHAT_MESSAGES_MAX + 1 }, () => ({
    role: 'user',
    content: ''
  }))
  try {
    render('', {}, messages)
    t.fail('not refused')
  } catch (error) {
    t.is(error instanceof SwarmError ? error.code : '', 'USAGE_PROMPT_TOO_LONG')
  }
})

dataTest('chat template - the longest conversation allowed renders', {}, (t) => {
  t.timeout(60_000)
  const messages = Array.from({ length: CHAT_MESSAGES_MAX }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `message ${index}`
  }))
  for (const file of ['Qwen-Qwen3-0.6B', 'meta-llama-Llama-3.1-8B-Instruct', 'mistral-common/v3']) {
    const source = readFileSync(dataPath('llama.cpp-chat-templates', `${file}.jinja`), 'utf8')
    const text = render(source, {}, messages)
    t.ok(text.includes(`message ${CHAT_MESSAGES_MAX - 1}`), file)
  }
})
