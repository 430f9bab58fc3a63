// `swarm run`: the same generation on this machine alone, without a network or a running peer.

import { resolve } from 'node:path'
import type { CommandHandler } from '../context.ts'
import { cacheDirPath } from '../paths.ts'
import { generateRequest } from '../generate-request.ts'
import { showGeneration } from '../generation-view.ts'

export const run: CommandHandler = async (context) => {
  const { flags, host, positionals, signal, terminal, loadLocal, log } = context
  const request = await generateRequest(flags, host.stdin, signal)
  const { openLocal } = await loadLocal()
  const options = {
    model: resolve(positionals[0] as string),
    threads: flags.threads ?? null,
    memoryBytes: flags.memory ?? null,
    request,
    needsId: terminal.json,
    cacheDir: cacheDirPath(host.env),
    log,
    onProgress: (label: string, done: number, total: number) =>
      terminal.progress.update(label, done, total)
  }
  const model = await openLocal(options, signal)
  try {
    const events = model.generate(request, signal)
    await showGeneration(terminal, events, { stream: flags.stream ?? false, summary: true })
  } finally {
    await model.close()
  }
}
