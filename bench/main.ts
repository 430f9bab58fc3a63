// Every performance claim of the README, one command each: npm run bench -- NAME [options].

import { engineBench } from './engine.ts'
import { hopBench } from './hop.ts'
import { joinBench } from './join.ts'
import { knowledgeBench } from './knowledge.ts'
import { pipelineBench } from './pipeline.ts'
import { planBench } from './plan.ts'
import { recoveryBench } from './recovery.ts'
import { sentinelBench } from './sentinel.ts'
import { sessionsBench } from './sessions.ts'
import { shellBench } from './shell.ts'
import { speculationBench } from './speculation.ts'
import { startBench } from './start.ts'
import { tuiBench } from './tui.ts'

const BENCHES: Record<string, { run: (args: string[]) => Promise<void>; about: string }> = {
  engine: {
    run: engineBench,
    about:
      'tokens/s beside llama.cpp on the same file, and of what the machine allows: hours, so choose ' +
      '[--rows R,R] [--shape 1b|8b] [--types T,T] [--threads N,N] [--pairs N]'
  },
  hop: {
    run: hopBench,
    about: 'one hop there and back, and blocks one way, beside bare Noise over TCP [--rounds N]'
  },
  knowledge: {
    run: knowledgeBench,
    about:
      'hybrid queries, vector search beside hnswlib, failures found again [--sizes N,N] [--part P]'
  },
  join: {
    run: joinBench,
    about: 'from the start of a second process to a link, on cables and through a DHT [--starts N]'
  },
  pipeline: {
    run: pipelineBench,
    about:
      'two stages beside one process: a token above compute and wire, streams, prompts [--rounds N]'
  },
  plan: {
    run: planBench,
    about: 'time of a plan, published clusters predicted, two machines at home [--views N]'
  },
  recovery: {
    run: recoveryBench,
    about: 'how long an answer pauses when its middle stage is killed or frozen [--rounds N]'
  },
  sentinel: {
    run: sentinelBench,
    about:
      'quality and speed of the model that comes with swarm [--part P] [--cases N] [--model FILE]'
  },
  sessions: {
    run: sessionsBench,
    about:
      'a repeated beginning of 1,000 tokens, many sessions in one step, a prompt beside a stream [--part P]'
  },
  shell: {
    run: shellBench,
    about: 'what the hook costs from Enter to the prompt in zsh, suggestions, tmux [--rounds N]'
  },
  speculation: {
    run: speculationBench,
    about: 'drafts beside plain decoding at four delays, on three kinds of text [--pairs N]'
  },
  start: {
    run: startBench,
    about: 'from start to first token beside llama.cpp, and resident memory [--pairs N]'
  },
  tui: {
    run: tuiBench,
    about:
      'processor time of the dashboard at 4 frames/s beside three generating peers [--seconds N]'
  }
}

const [name = '', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench && args.includes('--help')) console.log(bench.about)
else if (bench) await bench.run(args)
else {
  for (const [known, { about }] of Object.entries(BENCHES))
    console.log(`${known.padEnd(10)} ${about}`)
  process.exitCode = name === '' ? 0 : 2
}
