// The model file that comes with swarm: what is in it, that the product and llama.cpp read the same out of
// it, and that its questions are those it was trained on. How good it is, is bench sentinel's business.

import { statSync } from 'node:fs'
import test from 'brittle'

import { LlamaEngine, llamaMissing } from '../bench/llama.ts'
import { SentinelEngine } from '../bench/sentinel-engine.ts'
import { shippedModelPath } from '../src/cli/shipped-model.ts'
import { openModel } from '../src/model/open-model.ts'
import { sentinelQuestion } from '../src/shell/sentinel-question.ts'
import { redact } from '../src/shell/redact.ts'
import { GREEDY, runStages } from './helpers/run-stages.ts'
import { readStageModel, wholeStage } from './helpers/stage-model.ts'
import { pythonTest } from './training/python.ts'

const FILE_BYTES_MAX = 4e6
/** Both engines round activations to 8 bits in their own way: below this margin either id is right. */
const MARGIN_MIN = 0.5
const ANSWER_TOKENS = 60

const QUESTIONS = [
  '$ gti status\nexit 127\nzsh: command not found: gti',
  "$ git psuh origin tea-kettle\nexit 1\ngit: 'psuh' is not a git command. See 'git --help'.",
  "$ python3 boil.py\nexit 1\nModuleNotFoundError: No module named 'requests'",
  '$ cat notes.txt\nexit 1\ncat: notes.txt: Permission denied'
]

async function promptOf(content: string) {
  const model = await openModel(shippedModelPath())
  const text = model.chatTemplate?.render([{ role: 'user', content }], {
    addGenerationPrompt: true,
    bosToken: '',
    eosToken: '',
    now: new Date(0)
  })
  return { model, text: text as string }
}

test('sentinel - the file is small, a llama, and brings all that it needs', async (t) => {
  const model = await openModel(shippedModelPath())
  t.ok(statSync(model.path).size <= FILE_BYTES_MAX)
  t.is(model.hyper.architecture, 'llama')
  t.ok(model.isSentinel)
  t.is(model.sampling.temperature, 0)
  t.ok(/^sentinel-\w+$/.test(model.name), model.name)
  t.ok(model.hyper.nLayers >= 3, 'three peers can share it')
})

test('sentinel - its template puts a question in the frame of its training', async (t) => {
  const { text } = await promptOf('$ ls\nexit 1')
  t.is(text, '<|user|>\n$ ls\nexit 1<|end|>\n<|assistant|>\n')
})

test('sentinel - every text comes back from its tokenizer', async (t) => {
  const { tokenizer } = await openModel(shippedModelPath())
  for (const text of [...QUESTIONS, "Zoë's naïve 日本語 🐶 ½", ' \t\n x ', '<|end|> is no end']) {
    const ids = tokenizer.encode(text, { special: false, bos: false })
    t.is(tokenizer.decode(ids), text)
    t.absent(
      [...ids].some((id) => tokenizer.stopIds.includes(id)),
      'text cannot end an answer'
    )
  }
})

test('sentinel - what it was trained for is answered, and nonsense is not', async (t) => {
  const engine = await SentinelEngine.open(shippedModelPath())
  t.teardown(() => engine.close())
  const ask = (content: string) => engine.answer([{ role: 'user', content }])
  t.is((await ask(QUESTIONS[0] as string))?.fix, 'git status')
  t.is((await ask(QUESTIONS[1] as string))?.fix, 'git push origin tea-kettle')
  t.is((await ask(QUESTIONS[2] as string))?.fix, 'pip install requests')
  const odd = await ask('$ zorble --frim\nexit 3\nzorble: quendar 7 lost its morph')
  t.is(odd?.confidence, 'unsure')
})

const missing = llamaMissing()
const llamaTest = missing === null ? test : test.skip

llamaTest(
  `sentinel - llama.cpp gives the same greedy ids${missing === null ? '' : ` (${missing})`}`,
  async (t) => {
    const path = shippedModelPath()
    const stageModel = await readStageModel(path)
    const stage = await wholeStage(t, stageModel)
    const range = { start: 0, end: stage.nLayers }
    const llama = await LlamaEngine.open(path, { threads: 1, contextTokens: 512, kvType: 'F32' })
    t.teardown(() => llama.close())
    let compared = 0
    for (const content of QUESTIONS) {
      const { model, text } = await promptOf(content)
      const promptIds = [...model.tokenizer.encode(text, { special: true, bos: true })]
      const options = {
        promptIds,
        nTokens: ANSWER_TOKENS,
        kvType: 'f32' as const,
        sampling: GREEDY
      }
      const { ids } = await runStages([{ stage, range }], options)
      const end = ids.findIndex((id) => model.tokenizer.stopIds.includes(id))
      const answer = end < 0 ? ids : ids.slice(0, end + 1)
      const rows = await llama.logits([...promptIds, ...answer.slice(0, -1)], model.hyper.vocabSize)
      for (const [at, id] of answer.entries()) {
        const row = rows[promptIds.length - 1 + at] as Float32Array
        const { best, margin } = bestOf(row)
        if (margin < MARGIN_MIN) continue
        compared++
        if (best !== id) t.fail(`${content}: id ${at} is ${id}, llama.cpp's ${best} by ${margin}`)
      }
    }
    t.ok(compared > 60, `${compared} ids compared`)
  }
)

function bestOf(row: Float32Array): { best: number; margin: number } {
  let [best, second] = [0, -Infinity]
  for (let id = 1; id < row.length; id++) {
    if ((row[id] as number) > (row[best] as number)) [best, second] = [id, row[best] as number]
    else second = Math.max(second, row[id] as number)
  }
  return { best, margin: (row[best] as number) - second }
}

interface GeneratedCase {
  command: string | null
  status: number
  hints: string[]
  output: string | null
  turns: [question: string, answer: string][]
}

pythonTest('sentinel - a failure is asked in the layout of its training', [], (t, python) => {
  const printed = python('training/generate.py', '--json', '--count', '600', '--seed', '9')
  const cases = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as GeneratedCase)
  let compared = 0
  for (const { command, status, hints, output, turns } of cases) {
    // What is redacted is another text, and names of the folder are chosen by the product alone.
    const isOther = command === null || redact(`${command}\n${output}`).count > 0
    if (isOther || hints.length > 0) continue
    compared++
    const question = sentinelQuestion({ command: command as string, status, output })
    if (question !== turns.at(-1)?.[0]) t.is(question, turns.at(-1)?.[0])
  }
  t.ok(compared > 400, `${compared} compared`)
})
