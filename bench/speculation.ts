// What drafts bring: the 1.1B shape over two stages, with drafts beside without, in turn, at four delays of
// the links and on three kinds of text. The answers are given texts (scripted-stage.ts), whose words are the
// tokens; the computing is real. A cell's figure is the time between tokens without drafts over that with, of
// the best run of each; the pairs' own ratios follow.

import { readFileSync } from 'node:fs'

import { loadKernels } from '../src/compute/addon.ts'
import { defaultThreads } from '../src/compute/threads.ts'
import { demoModelSpec, shape1b } from '../src/model/synthetic/spec.ts'
import { LocalSwarm } from '../test/helpers/local-swarm.ts'
import { GREEDY } from '../test/helpers/run-stages.ts'
import { slowHops } from '../test/helpers/slow-hops.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'
import { benchModel } from './models.ts'
import { scriptedStage } from './scripted-stage.ts'
import { cpuTimes, disturbance, median, spread } from './statistics.ts'
import { verdict } from './verdict.ts'

const DELAYS_MS = [0.1, 1, 5, 20]
const TOKENS = 160
const PROMPT_TOKENS = 300
/** Of plain decoding, in every cell; and on repetitive text over the slowest links. */
const LEAST = 0.97
const LEAST_REPETITIVE = 2

const QUESTION =
  'My bread is always dense and pale. What am I doing wrong? What should I try first?'
const TALK =
  'Dense bread mostly means that the dough did not rise for long enough, or that the yeast was too ' +
  'cold to work. Start with the temperature of the water: it should feel barely warm on your wrist. ' +
  'Then give the first rise all the time it needs, until the dough has doubled, even if the recipe ' +
  'promises that an hour will do; in a cool kitchen it may take three. Press a finger into it: if ' +
  'the hole fills slowly, it is ready. The pale crust is another matter. Your oven is probably less ' +
  'hot than its dial says, so put a cheap thermometer inside and wait until it reads what you asked ' +
  'for. Bake on a stone or a heavy tray that was heated along with the oven, and pour a cup of ' +
  'water into a pan below when the loaf goes in, because steam keeps the surface soft while the ' +
  'crumb expands. Take the pan out after fifteen minutes. If I had to change only one thing, I ' +
  'would let the dough rise overnight in the fridge: flavour, colour and lightness all improve, and ' +
  'nobody has to watch it. Tell me how the next loaf turns out.'

interface Work {
  name: string
  prompt: string
  answer: string
}

export async function speculationBench(args: string[]): Promise<void> {
  const valueOf = (name: string, usual: number) => {
    const at = args.indexOf(name)
    return at < 0 ? usual : Number(args[at + 1])
  }
  const pairs = valueOf('--pairs', 3)
  const tokens = valueOf('--tokens', TOKENS)
  const spec = args.includes('--small') ? demoModelSpec : shape1b
  const path = await benchModel({ ...spec, quant: 'Q4_K_M' })
  const model = await readStageModel(path)
  const threads = defaultThreads()
  console.log(
    `${spec.name}, Q4_K_M, two stages, ${tokens} tokens, ${pairs} pairs a cell; ` +
      `our kernels: ${loadKernels().table}, ${threads} threads`
  )
  const [delay, script] = [{ ms: 0 }, { ids: [0] }]
  const swarm = await LocalSwarm.open(model, [Math.floor(model.hyper.nLayers / 2)], {
    threads,
    wayOf: (hops) => slowHops(hops, delay),
    stageOf: (stage) => scriptedStage(stage, script)
  })
  const before = cpuTimes()
  let least = Infinity
  for (const work of works()) {
    const { prompt, answer } = idsOf(work, model.hyper.vocabSize)
    script.ids = [...prompt, ...answer.slice(0, tokens)]
    for (const ms of DELAYS_MS) {
      delay.ms = ms
      const ratios: number[] = []
      const plainMs: number[] = []
      const draftedMs: number[] = []
      const steps: number[] = []
      for (let pair = 0; pair < pairs; pair++) {
        const plain = await swarm.ask(prompt, tokens, GREEDY, {}, { speculates: false })
        const drafted = await swarm.ask(prompt, tokens, GREEDY)
        if (plain.ids.join() !== drafted.ids.join()) throw new Error('the answers differ')
        ratios.push(plain.decodeMs / drafted.decodeMs)
        plainMs.push(plain.decodeMs / (tokens - 1))
        draftedMs.push(drafted.decodeMs / (tokens - 1))
        steps.push(drafted.steps)
      }
      // Whatever else a machine does makes a run slower: the best ones are the least disturbed.
      const ratio = Math.min(...plainMs) / Math.min(...draftedMs)
      least = Math.min(least, ratio)
      console.log(
        `  ${work.name.padEnd(10)} ${String(ms).padStart(4)} ms one way: ${ratio.toFixed(2)} times; ` +
          `${Math.min(...plainMs).toFixed(1)} ms per token plain, ` +
          `${Math.min(...draftedMs).toFixed(1)} ms drafted, in ${median(steps)} steps; ` +
          `pairs ${median(ratios).toFixed(2)} (${spread(ratios)})`
      )
      if (work.name === 'repetitive' && ms === 20) {
        verdict('repetitive text at 20 ms, times plain decoding', ratio, LEAST_REPETITIVE)
      }
    }
  }
  console.log(`  ${disturbance(before, cpuTimes())}`)
  verdict('the least of all cells', least, LEAST)
  await swarm.close()
}

/** A log that goes on, an answer in plain words, and a file of this repository in which a name is changed. */
function works(): Work[] {
  const code = readFileSync(new URL('../../src/pipeline/scheduler.ts', import.meta.url), 'utf8')
  const line = (i: number) => `step ${i % 10}: layers 0-10 are ready, 12.5 ms per token\n`
  const log = Array.from({ length: 60 }, (_, i) => line(i)).join('')
  return [
    { name: 'repetitive', prompt: log, answer: log },
    { name: 'chat', prompt: QUESTION, answer: TALK },
    { name: 'code edit', prompt: code, answer: code.replaceAll('prompts', 'chunks') }
  ]
}

/** Words, signs and indents as ids, in the order in which they first come: about what a tokenizer makes. */
function idsOf({ prompt, answer }: Work, vocabSize: number) {
  const known = new Map<string, number>()
  const encode = (text: string) =>
    [...text.matchAll(/\n *|[ ]?[A-Za-z]+|[ ]?\d|[^A-Za-z\d]/g)].map(([word]) => {
      if (!known.has(word)) known.set(word, known.size % vocabSize)
      return known.get(word) as number
    })
  return { prompt: encode(prompt).slice(0, PROMPT_TOKENS), answer: encode(answer) }
}
