// The peer's side of the hook as a process of its own, so that the bench can freeze it. Arguments: the data
// directory, and the folder of the spool.

import { systemClock } from '../src/base/clock.ts'
import { createLog } from '../src/base/log.ts'
import { HookSetup } from '../src/shell/hook-setup.ts'
import { SpoolWatch } from '../src/shell/spool-watch.ts'

const [dataDir = '', folder = ''] = process.argv.slice(2)
const watch = new SpoolWatch({
  setup: new HookSetup(dataDir, folder),
  isHarmless: () => true,
  answer: async () => null,
  clock: systemClock,
  log: createLog('bench', 'error', (line) => console.error(line.text))
})
watch.open()
console.log('ready')
// Its timers do not keep it alive; the bench ends it.
process.stdin.resume()
