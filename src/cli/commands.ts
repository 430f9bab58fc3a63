// The one table of commands: what each takes, what it is for, how it is typed. Help, completions, the
// man page, the parser and the check of the README read it; only what the program says of itself is in
// program-commands.ts.

import { PROGRAM_COMMANDS } from './program-commands.ts'

import { ALWAYS, type CommandSpec } from './command-spec.ts'
import { SESSION_COMMANDS } from './session-commands.ts'

import type { FlagName } from './flags.ts'

const SAMPLING = [
  'max-tokens',
  'temp',
  'seed',
  'top-k',
  'top-p',
  'min-p',
  'stop',
  'ctx',
  'kv',
  'verify',
  'no-speculation'
] as const satisfies FlagName[]
const EXAMPLE_KEY = '0123456789abcdef'.repeat(4)

export const COMMANDS = {
  run: {
    summary: 'generate text on this machine alone, without a network',
    about:
      'Loads the whole model here, continues the prompt and prints the text. With --json it prints ' +
      'the same object as swarm generate, so that the two can be compared. Without a file the small ' +
      'model that comes with swarm takes the prompt as a question (--chat).',
    positionals: [{ name: 'file.gguf', required: false, offers: 'files' }],
    flags: ['prompt', ...SAMPLING, 'chat', 'threads', 'memory', 'stream', ...ALWAYS],
    required: ['prompt'],
    examples: [
      "swarm run model.gguf -p 'Once upon a time'",
      "swarm run model.gguf --chat -p 'Why is the sky blue?' -n 128 --temp 0",
      'swarm run model.gguf -p - --json'
    ]
  },
  join: {
    summary: 'be a peer: find the others of a topic and share a model with them',
    about:
      'Takes the name of a topic, or the line of swarm invite. Runs until it is stopped (Ctrl-C, ' +
      'SIGTERM or swarm stop). The first line says who can join. ' +
      'Every peer of a topic serves the same model; each loads only the layers that the plan gives ' +
      'it. Without --model it is the small one that comes with swarm, which gives way where the topic ' +
      'serves another; --model none joins without any. On a terminal the dashboard (see: swarm dash) ' +
      'takes over once the peer runs; log lines then go to join.log in the data directory. With --json ' +
      'every event is a line.',
    positionals: [{ name: 'topic', required: true, offers: 'nothing' }],
    flags: [
      'model',
      'memory',
      'layers',
      'context',
      'sessions',
      'threads',
      'bootstrap',
      'peer',
      'secret',
      'allow',
      'public',
      'lan-only',
      'http',
      'data-dir',
      'plain',
      'until-eof',
      ...ALWAYS
    ],
    conflicts: [
      ['secret', 'public'],
      ['public', 'lan-only']
    ],
    examples: [
      'swarm join home --model model.gguf',
      'swarm join home --model model.gguf --memory 8GiB --http 8080',
      'swarm join home --model model.gguf --context 32768 --sessions 2',
      'swarm join lab --model model.gguf --layers 0-11 --bootstrap 192.168.1.5:49737',
      'swarm join lab --model model.gguf --peer 192.168.1.5:48629',
      'swarm join home --secret --model model.gguf'
    ]
  },
  invite: {
    summary: 'print one line that lets another machine into the topic',
    about:
      'Of the running peer, or with a topic for it without one. Join with: swarm join LINE. The line ' +
      'stands for the secret (which it does not show) and says where the peers meet: whoever has it ' +
      'can join, so pass it on as you would the secret.',
    positionals: [{ name: 'topic', required: false, offers: 'nothing' }],
    flags: ['bootstrap', 'secret', 'public', 'lan-only', 'data-dir', ...ALWAYS],
    conflicts: [
      ['secret', 'public'],
      ['public', 'lan-only']
    ],
    examples: ['swarm invite', 'swarm invite home --secret --bootstrap 192.168.1.5:49737']
  },
  allow: {
    summary: 'put the key of a peer on the allow-list, or show the list',
    about:
      'From the first key on, only listed peers get past the gate of this machine; the others get no ' +
      'byte. The list lies in the data directory; it is changed in a running peer at once, and also ' +
      'when none runs. swarm status on the other machine shows its key.',
    positionals: [{ name: 'key', required: false, offers: 'nothing' }],
    flags: ['everyone', 'data-dir', ...ALWAYS],
    examples: [`swarm allow ${EXAMPLE_KEY}`, 'swarm allow', 'swarm allow --everyone']
  },
  revoke: {
    summary: 'shut a peer out of this machine by its key, or show who is',
    about:
      'Drops the link at once and refuses the key from now on, also after a restart. Every machine ' +
      'decides for itself: revoke on each of yours, and make a new secret to be rid of it for good. ' +
      'The eight digits that swarm peers shows are enough.',
    positionals: [{ name: 'key', required: false, offers: 'nothing' }],
    flags: ['undo', 'data-dir', ...ALWAYS],
    examples: ['swarm revoke 2ec8a2a8', 'swarm revoke --undo 2ec8a2a8', 'swarm revoke']
  },
  learn: {
    summary: 'put a text, or the passages of a file, into the shared memory',
    about:
      'Every peer of the topic gets it and finds it with swarm query, also when this one has left. ' +
      'A file is cut into passages where its paragraphs end, and its name is the source; so is ' +
      'standard input, with -. Nothing is taken out: do not learn what the others must not read, ' +
      'or use --local. Without a running peer it goes to the topic that was joined last. ' +
      'With --fix it is the command that mends the last failure (see swarm why): secrets are taken ' +
      'out, and it leaves this machine only after swarm hook enable --share TOPIC.',
    positionals: [{ name: 'text|file|-', required: false, offers: 'files' }],
    flags: ['fix', 'local', 'data-dir', ...ALWAYS],
    examples: [
      "swarm learn --fix 'git push --set-upstream origin main'",
      "swarm learn 'The staging database listens on port 6432.'",
      'swarm learn notes.md',
      'swarm learn - --local'
    ]
  },
  query: {
    summary: 'search the shared memory of the topic',
    about:
      'Finds by words and by spelling, in what this machine and the others have learnt; the answer ' +
      'comes from this machine alone and needs no network. Shows the best first, with who learnt ' +
      'it and when by their clock.',
    positionals: [{ name: 'text', required: true, offers: 'nothing' }],
    flags: ['limit', 'author', 'source', 'since', 'data-dir', ...ALWAYS],
    examples: [
      "swarm query 'which port has the staging database'",
      "swarm query 'no upstream branch' -k 3 --since 2w",
      "swarm query 'disk full' --author 2ec8a2a8 --json"
    ]
  },
  forget: {
    summary: 'take an entry out of the shared memory',
    about:
      'What this machine has learnt is forgotten by every peer; what another one has learnt is hidden ' +
      'on this machine. swarm query shows the ids; the first 8 digits are enough.',
    positionals: [{ name: 'id', required: true, offers: 'nothing' }],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm forget 3f2a9c1b']
  },
  generate: {
    summary: 'generate text with the running peer and its swarm',
    about:
      'Streams the text to standard output as it comes. Ctrl-C frees the stages of all peers. If this ' +
      'machine dies, swarm attach on another one finishes the answer, unless it was --private. When ' +
      'standard output is a terminal, control characters in the text are left out.',
    positionals: [],
    flags: ['prompt', ...SAMPLING, 'chat', 'private', 'stream', 'data-dir', ...ALWAYS],
    required: ['prompt'],
    examples: [
      "swarm generate -p 'Once upon a time' -n 64",
      "swarm generate --chat -p 'Why is the sky blue?' --seed 42 --json",
      'swarm generate -p - --stop END'
    ]
  },
  sessions: {
    summary: 'list the answers and conversations that the swarm holds',
    about:
      'Those that were asked for here, and those of others that members within reach hold: who asked, ' +
      'how far they are, and which are orphans, whose machine is gone (see: swarm attach). Those that ' +
      'are --private are listed on their own machine only. Shows no text.',
    positionals: [],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm sessions', 'swarm sessions --json']
  },
  attach: {
    summary: 'go on with an answer whose machine is gone',
    about:
      'Prints the answer from its beginning and streams the rest; no token is missing or doubled, and ' +
      'the text is what an undisturbed run gives. Its stages keep it for some minutes after its ' +
      'machine went. Without a session it takes the only orphan; the first 8 digits are enough. ' +
      'Needs a running peer with the model file. Ctrl-C frees the stages, as with swarm generate.',
    positionals: [{ name: 'session', required: false, offers: 'nothing' }],
    flags: ['stream', 'data-dir', ...ALWAYS],
    examples: ['swarm attach', 'swarm attach 3f2a9c1b', 'swarm attach --json']
  },
  chat: {
    summary: 'talk with the model of the running peer, or with the small one that comes with swarm',
    about:
      'Without a running peer the small model answers. ' +
      'Keeps the conversation and its KV cache between turns; /save FILE keeps both on disk, /load FILE ' +
      'goes on with them, /clear starts anew, /help lists the rest. Ctrl-C stops an answer; at the ' +
      'prompt it leaves. Without a terminal every line of standard input is one turn.',
    positionals: [],
    flags: ['system', 'load', ...SAMPLING, 'private', 'data-dir', ...ALWAYS],
    examples: ['swarm chat', "swarm chat --system 'Answer briefly.'", 'swarm chat --load talk.json']
  },
  status: {
    summary: 'show what the running peer is doing',
    about: 'Topic, model, layers held, peers and sessions of the peer of this data directory.',
    positionals: [],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm status', 'swarm status --json']
  },
  peers: {
    summary: 'list the peers of the topic',
    about: 'Every peer with its layers, memory, measured speed and the link to it.',
    positionals: [],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm peers']
  },
  plan: {
    summary: 'show who holds which layers, and how fast that should be',
    about:
      'Every peer computes the same plan from the same facts. Shows the predicted speed and why a ' +
      'peer is left out, who takes over when a machine goes, and which layers are missing. With --what-if ' +
      'it is the plan of a swarm with one more machine, or with one less; nothing is moved.',
    positionals: [],
    flags: ['what-if', 'data-dir', ...ALWAYS],
    examples: ['swarm plan', 'swarm plan --json', 'swarm plan --what-if +24GiB@45GB/s']
  },
  ...SESSION_COMMANDS,
  dash: {
    summary: 'watch the running peer and its swarm, talk with the model',
    about:
      'A dashboard of the peer of this data directory, in a process of its own: peers, layers, ' +
      'round trips and speeds, where the time of a token goes, a chat, and a search in the shared ' +
      'memory. ? shows the keys. With --owner, as swarm join shows it, q asks whether the peer ' +
      'leaves the topic too. Needs a terminal; swarm top prints the same without one.',
    positionals: [],
    flags: ['owner', ...SAMPLING, 'data-dir', ...ALWAYS],
    examples: ['swarm dash', 'swarm dash --temp 0.6']
  },
  top: {
    summary: 'print what the dashboard shows, once or every few seconds',
    about:
      'Peers with their layers, memory, speed, THRPT (bytes of weights consumed per second) and VoC ' +
      '(the share of the speed that would be lost without them), the last answer per hop beside what ' +
      'was predicted, and the last events. A figure with est. was predicted, a dash is not known. ' +
      'With --json one object.',
    positionals: [],
    flags: ['watch', 'data-dir', ...ALWAYS],
    examples: ['swarm top', 'swarm top --json', 'swarm top --watch 2']
  },
  stop: {
    summary: 'stop the running peer',
    about: 'Asks the peer to leave in an orderly way and waits until it has.',
    positionals: [],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm stop']
  },
  bootstrap: {
    summary: 'run a private bootstrap, so that peers meet without the public DHT',
    about:
      'Prints the --bootstrap line that the peers use. It holds no data and no model; peers that ' +
      'have met go on without it.',
    positionals: [],
    flags: ['port', 'host', 'until-eof', ...ALWAYS],
    required: ['port'],
    examples: ['swarm bootstrap --port 49737']
  },
  bridge: {
    summary: 'find the machine at the other end of a cable, measure it, advise',
    about:
      'Run it on both machines. Lists the network interfaces and who of ours is on each, and measures ' +
      'the round trip; with the same topic on both sides (and --secret where it has one) also the ' +
      'throughput both ways, plain and encrypted. Says which settings of this machine should be ' +
      'otherwise and why; changes nothing without --apply.',
    positionals: [{ name: 'topic', required: false, offers: 'nothing' }],
    flags: [
      'secret',
      'wait',
      'model',
      'threads',
      'apply',
      'persist',
      'undo',
      'data-dir',
      ...ALWAYS
    ],
    conflicts: [
      ['apply', 'undo'],
      ['persist', 'undo']
    ],
    examples: [
      'swarm bridge',
      'swarm bridge home --model model.gguf',
      'swarm bridge home --apply --persist',
      'swarm bridge --undo'
    ]
  },
  doctor: {
    summary: 'say what is wrong with this machine or its peers, and how to mend it',
    about:
      'One line per check, with the command that mends it. Asks the running peer of this data ' +
      'directory if there is one and explains each peer that it does not reach; contacts nobody ' +
      'else. Exit status 1 when something has to be mended.',
    positionals: [],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm doctor', 'swarm doctor --json']
  },
  hook: {
    summary: 'let zsh note failed commands for swarm why; off until enabled',
    about:
      'Put eval "$(swarm hook zsh)" into ~/.zshrc; it does nothing before swarm hook enable. Then the ' +
      'shell appends each command line with status, folder and duration to a file in the runtime ' +
      'folder: no output, and nothing leaves this machine. --share is a second consent, per topic. ' +
      'Lines that begin with a space are kept out. disable removes all of it, or takes back one ' +
      '--share; status says what is noted and where it goes. Nothing is ever run by itself.',
    positionals: [
      { name: 'action', required: true, offers: ['zsh', 'enable', 'disable', 'status'] }
    ],
    flags: ['share', 'notice', 'data-dir', ...ALWAYS],
    examples: [
      'swarm hook enable',
      'swarm hook zsh',
      'swarm hook status',
      'swarm hook enable --share home',
      'swarm hook disable'
    ]
  },
  why: {
    summary: 'explain the last failed command and propose commands that mend it',
    about:
      'About the last command that failed: noted by the hook, run by swarm watch, or piped in as ' +
      'cmd 2>&1 | swarm why. Answers come from what the swarm has learnt, with author and time, and ' +
      'from shipped rules and the small model that comes with swarm, at once; then, where none is ' +
      'sure, from a larger model if one is loaded. Each says ' +
      'where it comes from. Secrets are taken out before anything is asked. Nothing is run.',
    positionals: [],
    flags: ['data-dir', ...ALWAYS],
    examples: ['swarm why', 'swarm why --json']
  },
  watch: {
    summary: 'run a command and keep what it wrote for swarm why if it fails',
    about:
      'The command has this terminal: its input, its output, Ctrl-C and its exit status are as ever. ' +
      'Inside tmux nothing is in between. Elsewhere standard error goes through a pipe: programs that ' +
      'look for a terminal there may leave out colours, lines of both outputs may change places, and ' +
      'a background child loses it when the command ends. What was written stays in the runtime ' +
      'folder of this machine.',
    positionals: [{ name: 'command', required: true, offers: 'nothing', rest: true }],
    flags: ['data-dir', 'log-level', 'help'],
    ownsSignals: true,
    examples: ['swarm watch -- make -j4', 'swarm watch npm test']
  },
  bench: {
    summary: 'measure this machine, and say how fast a model would run on it',
    about:
      'Measures for a few seconds what memory and processor allow and which share of it our kernels ' +
      'reach, per number format. With a file, only its formats, and the tokens per second to expect ' +
      'of swarm run; nothing of it is loaded. Where memory, or --memory, does not suffice for it, what ' +
      'its disk allows counts. Other work on the machine makes every figure smaller. ' +
      'What this machine says of itself in plans is measured anew too, for the next swarm join.',
    positionals: [{ name: 'file.gguf', required: false, offers: 'files' }],
    flags: ['threads', 'memory', ...ALWAYS],
    examples: ['swarm bench', 'swarm bench model.gguf', 'swarm bench model.gguf --json']
  },
  demo: {
    summary: 'watch three peers on this machine split a model and explain two failures',
    about:
      'Starts a private bootstrap and three peers as processes of their own, splits the layers of ' +
      'the small model that comes with swarm among them, lets them explain two failed commands (or ' +
      'answer --prompt), and checks that one peer alone gives the same tokens and the same logits. ' +
      'With --kill a fourth peer holds the middle layers too, and the one that computes them is killed ' +
      'with -9 in mid-sentence. Leaves nothing behind.',
    positionals: [],
    flags: ['prompt', 'max-tokens', 'kill', ...ALWAYS],
    defaults: { 'max-tokens': 110 },
    examples: ['swarm demo', 'swarm demo --kill', 'swarm demo --json']
  },
  ...PROGRAM_COMMANDS
} as const satisfies Record<string, CommandSpec>

export type CommandName = keyof typeof COMMANDS

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[]

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export function commandSpec(name: CommandName): CommandSpec {
  return COMMANDS[name]
}

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name)
}
