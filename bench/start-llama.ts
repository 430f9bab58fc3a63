// The other side of bench/start.ts: a fresh process that loads a model in llama.cpp and prints the first
// token after a prompt. Arguments: the file, threads, the ids of the prompt.

import { LlamaEngine } from './llama.ts'

const [path = '', threads = '1', ids = ''] = process.argv.slice(2)
const engine = await LlamaEngine.open(path, {
  threads: Number(threads),
  contextTokens: 256,
  kvType: 'F16'
})
console.log(await engine.firstToken(ids.split(',').map(Number)))
await engine.close()
