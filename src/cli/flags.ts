// Every flag of every command, once: its value, its bounds, its line of help and the variable that
// stands in for it. A flag means the same wherever it appears; commands.ts says where. Parsing, help,
// completions and the man page all come from here.

import {
  describeRange,
  MAX_TOKENS_DEFAULT,
  SAMPLING_RANGES,
  type NumberRange
} from '../api/sampling-options.ts'
import { HITS_RANGE } from '../api/knowledge-request.ts'
import { SESSIONS_MAX } from '../base/limits.ts'
import { LOG_LEVELS } from '../base/log.ts'
import { SAMPLING_DEFAULTS } from '../wire/sampling-defaults.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { Address } from '../peer/address.ts'

interface Common {
  /** One letter, written with one dash. */
  readonly short?: string
  readonly help: string
  /** Environment variable that is read when the flag is absent. */
  readonly env?: `SWARM_${string}`
  /** May be given several times; the variable then holds several, separated by commas. */
  readonly many?: true
}

export type FlagSpec =
  | (Common & { readonly kind: 'switch' })
  | (Common & {
      readonly kind: 'text' | 'path' | 'size' | 'layers' | 'address' | 'key' | 'change'
      readonly placeholder: string
      readonly example: string
      readonly default?: string
    })
  | (Common & {
      readonly kind: 'number'
      readonly placeholder: string
      readonly example: string
      readonly range: NumberRange
      readonly default?: number
    })
  | (Common & {
      readonly kind: 'choice'
      readonly placeholder: string
      readonly choices: readonly string[]
      readonly default?: string
    })

export const PORT_RANGE: NumberRange = { min: 0, max: 65_535, whole: true }
const SESSIONS_RANGE: NumberRange = { min: 1, max: SESSIONS_MAX, whole: true }
const THREADS_RANGE: NumberRange = { min: 1, max: 1024, whole: true }

export const FLAGS = {
  prompt: {
    kind: 'text',
    short: 'p',
    placeholder: 'TEXT',
    example: "-p 'Once upon a time'",
    help: 'the text to continue; - reads it from standard input'
  },
  'max-tokens': {
    kind: 'number',
    short: 'n',
    placeholder: 'N',
    example: '-n 64',
    range: SAMPLING_RANGES.maxTokens,
    default: MAX_TOKENS_DEFAULT,
    help: 'tokens to generate at most'
  },
  temp: {
    kind: 'number',
    placeholder: 'T',
    example: '--temp 0.7',
    range: SAMPLING_RANGES.temperature,
    default: SAMPLING_DEFAULTS.temperature,
    help: 'temperature; 0 always takes the most likely token'
  },
  seed: {
    kind: 'number',
    placeholder: 'S',
    example: '--seed 42',
    range: SAMPLING_RANGES.seed,
    help: 'the same seed gives the same text; drawn when absent'
  },
  'top-k': {
    kind: 'number',
    placeholder: 'K',
    example: '--top-k 40',
    range: SAMPLING_RANGES.topK,
    default: SAMPLING_DEFAULTS.topK,
    help: 'choose among the K most likely tokens; 0 among all'
  },
  'top-p': {
    kind: 'number',
    placeholder: 'P',
    example: '--top-p 0.9',
    range: SAMPLING_RANGES.topP,
    default: SAMPLING_DEFAULTS.topP,
    help: 'choose among the likeliest tokens that make up this share'
  },
  'min-p': {
    kind: 'number',
    placeholder: 'P',
    example: '--min-p 0.1',
    range: SAMPLING_RANGES.minP,
    default: SAMPLING_DEFAULTS.minP,
    help: 'drop tokens less likely than this share of the likeliest'
  },
  stop: {
    kind: 'text',
    placeholder: 'TEXT',
    example: "--stop 'END'",
    many: true,
    help: 'end the answer before this text; may be given several times'
  },
  chat: { kind: 'switch', help: "put the prompt through the model's chat template" },
  system: {
    kind: 'text',
    placeholder: 'TEXT',
    example: "--system 'Answer briefly.'",
    help: 'instructions before the conversation'
  },
  load: {
    kind: 'path',
    placeholder: 'FILE',
    example: '--load talk.json',
    help: 'go on with a conversation that /save kept'
  },
  ctx: {
    kind: 'number',
    placeholder: 'N',
    example: '--ctx 4096',
    range: SAMPLING_RANGES.contextTokens,
    help: 'positions to reserve; prompt plus -n when absent'
  },
  kv: {
    kind: 'choice',
    placeholder: 'TYPE',
    choices: ['f16', 'f32', 'q8_0'],
    default: 'f16',
    help: 'number format of the KV cache; q8_0 is half of f16 and changes the answer'
  },
  verify: {
    kind: 'number',
    placeholder: 'P',
    example: '--verify 0.1',
    range: SAMPLING_RANGES.verify,
    default: 0,
    help: 'compute this share of the steps on other peers too and compare; such answers are private'
  },
  private: {
    kind: 'switch',
    help: 'keep the question off other machines; the answer is lost with the one that asked'
  },
  'no-speculation': {
    kind: 'switch',
    help: 'one token at a time, even where drafts would be faster; the answer is the same'
  },
  threads: {
    kind: 'number',
    placeholder: 'N',
    example: '--threads 8',
    env: 'SWARM_THREADS',
    range: THREADS_RANGE,
    help: 'threads that compute; one per core when absent'
  },
  model: {
    kind: 'path',
    placeholder: 'FILE',
    example: '--model model.gguf',
    env: 'SWARM_MODEL',
    help: 'the GGUF file that this peer holds layers of; none: it holds none'
  },
  'data-dir': {
    kind: 'path',
    placeholder: 'DIR',
    example: '--data-dir ~/swarm',
    env: 'SWARM_DATA_DIR',
    help: "the peer's own folder; one peer runs per folder"
  },
  bootstrap: {
    kind: 'address',
    placeholder: 'HOST:PORT',
    example: '--bootstrap 192.168.1.5:49737',
    env: 'SWARM_BOOTSTRAP',
    many: true,
    help: 'meet through this private bootstrap (see: swarm bootstrap)'
  },
  peer: {
    kind: 'address',
    placeholder: 'HOST:PORT',
    example: '--peer 192.168.1.5:48629',
    env: 'SWARM_PEER',
    many: true,
    help: 'dial this machine, whatever else finds it ([fe80::1%eth0]:48629 on a cable)'
  },
  memory: {
    kind: 'size',
    placeholder: 'SIZE',
    example: '--memory 8GiB',
    env: 'SWARM_MEMORY',
    help: 'weights and KV cache that are held at most'
  },
  context: {
    kind: 'number',
    placeholder: 'N',
    example: '--context 32768',
    env: 'SWARM_CONTEXT',
    range: { ...SAMPLING_RANGES.contextTokens, min: 16 },
    help: 'positions of a conversation that plans keep room for; 4096 unless a peer asks for more'
  },
  sessions: {
    kind: 'number',
    placeholder: 'N',
    example: '--sessions 4',
    env: 'SWARM_SESSIONS',
    range: SESSIONS_RANGE,
    help: 'conversations at once that plans keep room for; one unless a peer asks for more'
  },
  'what-if': {
    kind: 'change',
    placeholder: 'CHANGE',
    example: '--what-if +24GiB@45GB/s',
    many: true,
    help: 'the plan with one more machine (+MEMORY@RATE/s), or without one (-PEER); may be repeated'
  },
  layers: {
    kind: 'layers',
    placeholder: 'A-B',
    example: '--layers 0-11',
    help: 'hold exactly these layers, both ends included'
  },
  secret: {
    kind: 'switch',
    help: 'only who has the secret can join; from SWARM_SECRET, or typed'
  },
  allow: {
    kind: 'key',
    placeholder: 'KEY',
    example: `--allow ${'0123456789abcdef'.repeat(4)}`,
    many: true,
    help: 'link to listed keys only, and list this one; may be given several times'
  },
  everyone: { kind: 'switch', help: 'end the allow-list: every member of the topic may link' },
  public: { kind: 'switch', help: 'also be found by the name alone, from anywhere' },
  'lan-only': { kind: 'switch', help: 'never leave the local network' },
  http: {
    kind: 'number',
    placeholder: 'PORT',
    example: '--http 8080',
    env: 'SWARM_HTTP',
    range: PORT_RANGE,
    help: 'serve the OpenAI-compatible API on 127.0.0.1 too'
  },
  port: {
    kind: 'number',
    placeholder: 'PORT',
    example: '--port 49737',
    range: PORT_RANGE,
    help: 'UDP port to listen on; 0 takes any free one'
  },
  host: {
    kind: 'text',
    placeholder: 'ADDRESS',
    example: '--host 192.168.1.5',
    help: 'the IPv4 address of this machine that the others use; its first one when absent'
  },
  wait: {
    kind: 'number',
    placeholder: 'SECONDS',
    example: '--wait 30',
    range: { min: 0, max: 600, whole: false },
    default: 10,
    help: 'how long to look for the other end of a cable'
  },
  watch: {
    kind: 'number',
    placeholder: 'SECONDS',
    example: '--watch 2',
    range: { min: 0.1, max: 3600, whole: false },
    help: 'print it again every so often, until stopped'
  },
  owner: { kind: 'switch', help: 'q asks whether the peer leaves the topic too' },
  plain: { kind: 'switch', help: 'lines instead of the dashboard, on a terminal too' },
  apply: { kind: 'switch', help: 'change what was printed; needs root, and --undo takes it back' },
  fix: {
    kind: 'text',
    placeholder: 'COMMAND',
    example: "--fix 'make -C build'",
    help: 'the command that mends the last one that failed'
  },
  local: { kind: 'switch', help: 'keep it on this machine: no other peer gets it' },
  limit: {
    kind: 'number',
    short: 'k',
    placeholder: 'N',
    example: '-k 3',
    range: HITS_RANGE,
    default: 5,
    help: 'answers to show at most'
  },
  author: {
    kind: 'text',
    placeholder: 'KEY',
    example: '--author 2ec8a2a8',
    help: 'only what the peer of this key has learnt; its first 8 digits are enough'
  },
  source: {
    kind: 'text',
    placeholder: 'TEXT',
    example: '--source notes.md',
    help: 'only what comes from a source with this in its name'
  },
  since: {
    kind: 'text',
    placeholder: 'WHEN',
    example: '--since 2d',
    help: 'only what was learnt since: 30m, 12h, 2d, 3w ago, or a date such as 2026-11-21'
  },
  persist: { kind: 'switch', help: 'with --apply: keep the changes over a restart' },
  undo: { kind: 'switch', help: 'take it back: a revocation, or all that --apply has changed' },
  share: {
    kind: 'text',
    placeholder: 'TOPIC',
    example: '--share home',
    many: true,
    help: 'let what is learnt from failures go to the members of this topic'
  },
  notice: { kind: 'switch', help: 'one line above the next prompt when an answer is known here' },
  kill: { kind: 'switch', help: 'kill the middle peer in mid-sentence, and see the answer go on' },
  stream: { kind: 'switch', help: 'with --json: every event as a line before the last' },
  'until-eof': {
    kind: 'switch',
    help: 'stop when standard input ends, for programs that start this one'
  },
  json: { kind: 'switch', help: 'one JSON object as the last line of standard output' },
  'log-level': {
    kind: 'choice',
    placeholder: 'LEVEL',
    choices: LOG_LEVELS,
    env: 'SWARM_LOG_LEVEL',
    default: 'warn',
    help: 'least important log lines to show on standard error'
  },
  help: { kind: 'switch', short: 'h', help: 'show the help of a command' }
} as const satisfies Record<string, FlagSpec>

export type FlagName = keyof typeof FLAGS

type ValueOf<F> = F extends { kind: 'switch' }
  ? boolean
  : F extends { kind: 'number' | 'size' }
    ? number
    : F extends { kind: 'layers' }
      ? LayerRange
      : F extends { kind: 'address' }
        ? Address
        : F extends { kind: 'choice'; choices: readonly (infer C)[] }
          ? C
          : string

/** What a command finds of its flags: given, from the environment, by default, or undefined. */
export type FlagValues = {
  -readonly [N in FlagName]?: (typeof FLAGS)[N] extends { many: true }
    ? ValueOf<(typeof FLAGS)[N]>[]
    : ValueOf<(typeof FLAGS)[N]>
}

export function flagSpec(name: FlagName): FlagSpec {
  return FLAGS[name]
}

/** What the value of a flag must be, for messages. */
export function describeFlag(spec: FlagSpec): string {
  switch (spec.kind) {
    case 'number':
      return describeRange(spec.range)
    case 'choice':
      return `one of ${spec.choices.join(', ')}`
    case 'size':
      return 'a size such as 512MiB or 8G'
    case 'layers':
      return 'a range of layers such as 0-11'
    case 'address':
      return 'host:port'
    case 'change':
      return '+MEMORY@RATE/s or -PEER'
    case 'key':
      return "a peer's key of 64 hexadecimal digits"
    case 'path':
      return 'a path'
    case 'text':
    case 'switch':
      return 'text'
  }
}
