// What the hook costs, in a real zsh on a pseudo-terminal: from Enter to the next prompt without it, with it
// and no peer, and with a peer that is frozen (SIGSTOP), in interleaved rounds; besides, a suggestion from a
// full index, and what tmux needs for the text of a failure, which only `swarm why` waits for.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { COMMANDS_INDEXED_MAX, SUGGEST_DEADLINE_MS } from '../src/base/shell-limits.ts'
import { capturedOutput } from '../src/shell/capture.ts'
import { zshHookScript } from '../src/shell/hook-script.ts'
import { Spool } from '../src/shell/spool.ts'
import { median, quantile } from './statistics.ts'

const PROMPT = "PS1='=READY= '"
const ROUNDS = 500
const PROMPT_MS_MAX = 1
const CAPTURES = 100
/** A shell that never shows its prompt would hold the bench. */
const DRIVER_MS = 300_000

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export async function shellLatency(args: string[]): Promise<void> {
  if (spawnSync('zsh', ['-c', 'zmodload zsh/zpty']).status !== 0) {
    console.log('skipped: there is no zsh with zsh/zpty here')
    return
  }
  const at = args.indexOf('--rounds')
  const rounds = at === -1 ? ROUNDS : Number(args[at + 1])
  const folder = mkdtempSync(join(tmpdir(), 'swarm-bench-'))
  try {
    await promptLatency(folder, rounds)
    suggestionLatency(folder)
    await captureLatency(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Shell {
  zdotdir: string
  spool: Spool
  script: string
}

function makeShell(folder: string, name: string): Shell {
  const zdotdir = join(folder, name)
  const spool = new Spool(join(zdotdir, 'hook'))
  mkdirSync(zdotdir)
  spool.open()
  return {
    zdotdir,
    spool,
    script: zshHookScript({ folder: spool.folder, index: `${zdotdir}/index` })
  }
}

async function promptLatency(folder: string, rounds: number): Promise<void> {
  const shells = ['none', 'hook', 'frozen'].map((name) => makeShell(folder, name))
  const [none, hook, frozen] = shells as [Shell, Shell, Shell]
  writeFileSync(join(none.zdotdir, '.zshrc'), PROMPT)
  for (const { zdotdir, script } of [hook, frozen]) {
    writeFileSync(join(zdotdir, '.zshrc'), `${script}\n${PROMPT}`)
  }
  const peer = spawn(process.execPath, [
    local('./shell-watcher.js'),
    frozen.zdotdir,
    frozen.spool.folder
  ])
  try {
    await once(peer.stdout, 'data')
    peer.kill('SIGSTOP')
    const named = [none, hook, frozen].map(
      ({ zdotdir }) => `${zdotdir.slice(folder.length + 1)}=${zdotdir}`
    )
    const driver = [local('./shell-latency.zsh'), String(rounds), ...named]
    const env = { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8' }
    const options = { encoding: 'utf8', env, timeout: DRIVER_MS } as const
    const run = spawnSync('zsh', ['-f', ...driver], options)
    const noted = [none, hook, frozen].map(({ spool }) => spool.read().length)
    if (run.status !== 0 || noted[0] !== 0 || noted[1] === 0 || noted[2] === 0) {
      throw new Error(`the shells did not do what they should: ${noted}, ${run.stderr}`)
    }
    showLatency(run.stdout, rounds)
  } finally {
    peer.kill('SIGKILL')
  }
}

function showLatency(printed: string, rounds: number): void {
  const times = new Map<string, number[]>()
  for (const line of printed.trim().split('\n')) {
    const [name, command, us] = line.split(' ')
    const key = `${name} ${command}`
    times.set(key, [...(times.get(key) ?? []), Number(us) / 1000])
  }
  console.log(`Enter to prompt in zsh on a pseudo-terminal, ms, ${rounds} interleaved rounds`)
  console.log('                       p50     p95   above no hook, p50 (paired)')
  for (const command of ['true', 'false']) {
    const without = times.get(`none ${command}`) ?? []
    for (const name of ['none', 'hook', 'frozen']) {
      const own = times.get(`${name} ${command}`) ?? []
      const above = median(own.map((ms, i) => ms - (without[i] ?? NaN)))
      const verdict =
        name === 'none' ? '' : `${above.toFixed(3)} ${above <= PROMPT_MS_MAX ? 'ok' : 'TOO SLOW'}`
      const label = `${command === 'true' ? 'success' : 'failure'}, ${LABELS[name]}`
      console.log(
        `${label.padEnd(21)} ${median(own).toFixed(3)}   ${quantile(own, 0.95).toFixed(3)}   ${verdict}`
      )
    }
  }
}

const LABELS: Record<string, string> = { none: 'no hook', hook: 'no peer', frozen: 'frozen peer' }

function suggestionLatency(folder: string): void {
  const { zdotdir, script } = makeShell(folder, 'suggest')
  const lines = Array.from(
    { length: COMMANDS_INDEXED_MAX },
    (_, i) => `command number ${i} of all that is known`
  )
  writeFileSync(join(zdotdir, 'index'), lines.map((line) => `${line}\n`).join(''))
  const timed = `${script}
    typeset -F started; integer took
    for forget in 1 0; do for round in {1..100}; do
      (( forget )) && _swarm_index_stamp=
      started=EPOCHREALTIME
      _zsh_autosuggest_strategy_swarm 'command number ${COMMANDS_INDEXED_MAX - 1}'
      took='(EPOCHREALTIME - started) * 1000000'
      print -r -- $forget $took $suggestion
    done; done`
  writeFileSync(join(zdotdir, 'timed'), timed)
  const { stdout } = spawnSync('zsh', ['-f', '-i', join(zdotdir, 'timed')], { encoding: 'utf8' })
  const found = stdout
    .trim()
    .split('\n')
    .filter((line) => line.endsWith(lines.at(-1) as string))
  const msOf = (mark: string) =>
    found
      .filter((line) => line.startsWith(`${mark} `))
      .map((line) => Number(line.split(' ')[1]) / 1000)
  const [read, kept] = [median(msOf('1')).toFixed(2), median(msOf('0')).toFixed(2)]
  console.log(
    `a suggestion, last of ${COMMANDS_INDEXED_MAX} known commands: p50 ${read} ms with the file ` +
      `read, ${kept} ms after that (deadline ${SUGGEST_DEADLINE_MS} ms)`
  )
}

async function captureLatency(folder: string): Promise<void> {
  const socket = join(folder, 'tmux')
  const tmux = (...argv: string[]) =>
    spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...argv], { encoding: 'utf8' })
  if (tmux('new-session', '-d', "PS1='$ ' exec sh -i").status !== 0) {
    console.log('skipped: tmux is not here')
    return
  }
  try {
    const command = 'seq 150; cat /nowhere'
    tmux('send-keys', '-l', `${command}\r`)
    const env = { ...process.env, TMUX: `${socket},1,0`, TMUX_PANE: '%0' }
    while ((await capturedOutput(command, env)) === null) continue
    const times: number[] = []
    for (let i = 0; i < CAPTURES; i++) {
      const started = performance.now()
      await capturedOutput(command, env)
      times.push(performance.now() - started)
    }
    console.log(
      `text of a failure from tmux: p50 ${median(times).toFixed(1)} ms, p95 ` +
        `${quantile(times, 0.95).toFixed(1)} ms (only when swarm why asks)`
    )
  } finally {
    tmux('kill-server')
  }
}
