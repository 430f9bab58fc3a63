#!/usr/bin/env node
// The command `swarm`. Hands the command line the composition root, loaded only when a peer is started.

import { SwarmError } from '../src/base/errors.ts'
import { main } from '../src/cli/main.ts'

const loadPorts = () => {
  const text = 'this build has no composition root; commands that need a running peer work'
  return Promise.reject(new SwarmError('NATIVE_MISSING', text))
}

process.exit(await main(process, loadPorts))
