#!/usr/bin/env node
// The command `swarm`. Hands the command line the composition root, loaded only when a peer is started, and
// the one part of it that needs no network.

import { main } from '../src/cli/main.ts'

process.exit(
  await main(
    process,
    () => import('../src/node.ts'),
    () => import('../src/node/local-model.ts')
  )
)
