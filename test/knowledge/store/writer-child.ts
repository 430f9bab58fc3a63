// A process that learns until it is killed: writer-child FOLDER ROUND SEED. One line for each entry that was
// acknowledged, written at once, so that what was said is known whatever happens next.

import { writeSync } from 'node:fs'

import { below, seededRandom } from '../../../src/base/random.ts'
import { Installation } from '../knowledge-rig.ts'

const [folder = '', round = '', seed = '0'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const own = new Installation(folder)
await own.open()
writeSync(1, 'open\n')
for (let next = 0; ;) {
  const count = 1 + below(random, below(random, 4) === 0 ? 24 : 3)
  const batch = Array.from({ length: count }, () => `round ${round} entry ${next++}.`)
  await Promise.all(
    batch.map(async (answer) => {
      await own.knowledge.learn({ answer, question: 'x'.repeat(below(random, 2000)) })
      writeSync(1, `${answer}\n`)
    })
  )
}
