// Loaded before the program in a process whose memory is measured: SIGUSR2 collects all garbage and gives its
// pages back, so that what is measured then is what is held, and not how much the process has had to do.

import { Session } from 'node:inspector'

const session = new Session()
session.connect()
process.on('SIGUSR2', () => session.post('HeapProfiler.collectGarbage'))
