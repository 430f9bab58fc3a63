import test, { type Test } from 'brittle'
import { parseArgs } from '../../src/cli/args.ts'
import { COMMAND_NAMES, commandSpec, type CommandName } from '../../src/cli/commands.ts'
import { FLAGS, flagSpec, type FlagName } from '../../src/cli/flags.ts'

const parse = (line: string[], env: NodeJS.ProcessEnv = {}) => parseArgs(line, env)

test('args - a command with its arguments and every form of a flag', (t) => {
  const forms = [
    ['run', 'm.gguf', '-p', 'x', '-n', '5'],
    ['run', 'm.gguf', '-px', '-n5'],
    ['run', '--prompt', 'x', '--max-tokens', '5', 'm.gguf'],
    ['run', '--prompt=x', '--max-tokens=5', 'm.gguf'],
    ['run', '-p=x', '-n=5', '--', 'm.gguf']
  ]
  for (const form of forms) {
    const { command, flags, positionals } = parse(form)
    t.alike([command, positionals, flags.prompt, flags['max-tokens']], ['run', ['m.gguf'], 'x', 5])
  }
})

test('args - defaults are what users of llama.cpp expect', (t) => {
  const { flags } = parse(['generate', '-p', 'x'])
  t.alike(
    [flags.temp, flags['top-k'], flags['top-p'], flags['min-p'], flags['max-tokens'], flags.kv],
    [0.8, 40, 0.95, 0.05, 256, 'f16']
  )
  t.is(flags.seed, undefined)
})

test('args - a flag counts before its variable, the variable before the default', (t) => {
  const env = { SWARM_LOG_LEVEL: 'info', SWARM_THREADS: '3' }
  const join = ['join', 'home']
  t.is(parse(join).flags['log-level'], 'warn')
  t.is(parse(join, env).flags['log-level'], 'info')
  t.is(parse([...join, '--log-level', 'debug'], env).flags['log-level'], 'debug')
  t.is(parse([...join, '--threads=2'], env).flags.threads, 2)
  t.is(parse(join, { SWARM_THREADS: '' }).flags.threads, undefined)
})

test('args - a variable is checked and named like a flag', (t) => {
  refused(t, ['join', 'home'], 'USAGE_BAD_VALUE', /^SWARM_THREADS must be .* not 'x'/, {
    SWARM_THREADS: 'x'
  })
  t.alike(parse(['join', 'x'], { SWARM_BOOTSTRAP: 'a:1,b:2' }).flags.bootstrap, [
    { host: 'a', port: 1 },
    { host: 'b', port: 2 }
  ])
})

test('args - values arrive in their own type', (t) => {
  const line = ['join', 'home', '--memory', '1.5GiB', '--layers', '4-11', '--bootstrap', '[::1]:9']
  const { flags } = parse(line)
  t.is(flags.memory, 1.5 * 2 ** 30)
  t.alike(flags.layers, { start: 4, end: 12 })
  t.alike(flags.bootstrap, [{ host: '::1', port: 9 }])
})

test('args - a dash and a negative number are values', (t) => {
  t.is(parse(['run', 'm', '-p', '-']).flags.prompt, '-')
  t.is(parse(['run', 'm', '-p', '-5']).flags.prompt, '-5')
  t.is(parse(['run', 'm', '--prompt=--x']).flags.prompt, '--x')
  refused(t, ['run', 'm', '-p', 'x', '--temp', '-1'], 'USAGE_BAD_VALUE', /--temp must be/)
})

test('args - nothing after -- is a flag', (t) => {
  t.alike(parse(['join', '--', '--json']).positionals, ['--json'])
  t.is(parse(['join', '--', '--json']).flags.json, undefined)
})

test('args - flags that may be repeated are, others are refused twice', (t) => {
  t.alike(parse(['generate', '-p', 'x', '--stop', 'a', '--stop', 'b']).flags.stop, ['a', 'b'])
  refused(t, ['generate', '-p', 'x', '-p', 'y'], 'USAGE_BAD_VALUE', /given twice/)
  const many = Array.from({ length: 17 }, () => ['--stop', 'a']).flat()
  refused(t, ['generate', '-p', 'x', ...many], 'USAGE_BAD_VALUE', /more than 16 times/)
})

test('args - a mistyped command or flag is answered with the nearest one', (t) => {
  const cases: [string[], string, RegExp][] = [
    [['genrate'], 'USAGE_UNKNOWN_COMMAND', /did you mean 'generate'/],
    [['stat'], 'USAGE_UNKNOWN_COMMAND', /did you mean 'status'/],
    [['frobnicate'], 'USAGE_UNKNOWN_COMMAND', /see: swarm help/],
    [['--json', 'status'], 'USAGE_UNKNOWN_COMMAND', /the command comes before/],
    [['run', 'm', '--promt', 'x'], 'USAGE_UNKNOWN_FLAG', /did you mean --prompt/],
    [['run', 'm', '--pormpt=x'], 'USAGE_UNKNOWN_FLAG', /did you mean --prompt/],
    [['run', 'm', '-temp', '1'], 'USAGE_UNKNOWN_FLAG', /did you mean --temp/],
    [['status', '--threads', '1'], 'USAGE_UNKNOWN_FLAG', /a flag of swarm run, swarm join/],
    [['status', '-x'], 'USAGE_UNKNOWN_FLAG', /see: swarm help status/]
  ]
  for (const [line, code, message] of cases) refused(t, line, code, message)
})

test('args - what is missing is named with an example', (t) => {
  refused(t, ['run'], 'USAGE_MISSING', /needs -p, for example -p 'Once/)
  refused(t, ['generate'], 'USAGE_MISSING', /needs -p/)
  refused(t, ['join'], 'USAGE_MISSING', /<topic>/)
  refused(t, ['bootstrap'], 'USAGE_MISSING', /needs --port, for example --port 49737/)
  refused(t, ['run', 'm', '-p'], 'USAGE_MISSING', /-p needs a value/)
  refused(t, ['run', 'm', '-p', '--json'], 'USAGE_MISSING', /written --prompt='--json'/)
})

test('args - what is too much is named', (t) => {
  refused(t, ['status', 'x'], 'USAGE_BAD_VALUE', /does not take the argument 'x'/)
  refused(t, ['join', 'a', 'b'], 'USAGE_BAD_VALUE', /does not take the argument 'b'/)
  refused(t, ['join', ''], 'USAGE_BAD_VALUE', /<topic> must not be empty/)
  refused(t, ['status', '--json=yes'], 'USAGE_BAD_VALUE', /--json takes no value/)
})

test('args - flags that contradict each other are refused', (t) => {
  refused(t, ['join', 'x', '--secret', '--public'], 'USAGE_BAD_VALUE', /contradict/)
  refused(t, ['join', 'x', '--lan-only', '--public'], 'USAGE_BAD_VALUE', /contradict/)
  t.ok(parse(['join', 'x', '--lan-only', '--secret']))
})

// Texts that no flag of a kind may take; every flag of every command is tried with each.
const BAD: Record<string, string[]> = {
  number: ['', 'x', '1x', '0x10', '1e999', 'NaN', 'Infinity', '1,5', ' '],
  size: ['', 'x', '-1G', '0', '1Q', '1e3'],
  layers: ['', '5', '5-', '-5', '5-4', 'a-b', '0-1024', '1-2-3', '0.5-2'],
  address: ['', 'host', 'host:', ':1', 'host:0', 'host:65536', 'a b:1', '::1:9', 'h:1x'],
  choice: ['', 'x', 'F16'],
  path: ['', 'a\0b']
}

test('args - every flag of every command refuses what it cannot take, by name', (t) => {
  let tried = 0
  for (const command of COMMAND_NAMES) {
    for (const name of commandSpec(command).flags) {
      const flag = flagSpec(name)
      const texts = [...(BAD[flag.kind] ?? [])]
      if (flag.kind === 'number') {
        texts.push(String(flag.range.max * 2 + 1))
        if (flag.range.min === 0) texts.push('-1')
        if (flag.range.whole) texts.push('1.5')
      }
      for (const text of texts) {
        const shown = `--${name}`
        try {
          parse([...withoutFlag(command, name), `${shown}=${text}`])
          t.fail(`${command} ${shown}=${text} was taken`)
        } catch (error) {
          const { code, message } = error as { code: string; message: string }
          if (code !== 'USAGE_BAD_VALUE' || !message.startsWith(shown))
            t.fail(`${shown}: ${message}`)
          tried++
        }
      }
    }
  }
  t.ok(tried > 200, `${tried} values`)
})

test('args - every flag has an example that it takes itself', (t) => {
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const flag = flagSpec(name)
    if (!('example' in flag)) continue
    const command = COMMAND_NAMES.find((one) =>
      commandSpec(one).flags.includes(name)
    ) as CommandName
    const { flags } = parse([...withoutFlag(command, name), ...words(flag.example)])
    t.ok(flags[name] !== undefined, flag.example)
  }
})

test('args - every example of the table parses', (t) => {
  for (const command of COMMAND_NAMES) {
    for (const example of commandSpec(command).examples) {
      const [program, ...line] = words(example)
      t.is(program, 'swarm')
      t.is(parse(line).command, command, example)
    }
  }
})

test('args - help and version are found in every form', (t) => {
  for (const line of [[], ['-h'], ['--help'], ['help']]) t.is(parse(line).command, 'help')
  for (const line of [['--version'], ['-V'], ['version']]) t.is(parse(line).command, 'version')
  for (const line of [
    ['run', '--help'],
    ['run', '-h', 'x'],
    ['run', '-p', 'x', '-h']
  ]) {
    t.alike(parse(line), { command: 'help', flags: {}, positionals: ['run'] })
  }
})

/** A command line that lacks nothing but perhaps this flag. */
function withoutFlag(command: CommandName, name: FlagName): string[] {
  const spec = commandSpec(command)
  const needed = (spec.required ?? []).filter((flag) => flag !== name)
  return [
    command,
    // Another program's words would take the flag for theirs.
    ...spec.positionals.filter((one) => one.required && !one.rest).map(() => 'x'),
    ...needed.flatMap((flag) => [`--${flag}`, '1'])
  ]
}

/** Splits as a shell does, as far as the examples need. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? (match[2] as string))
}

function refused(
  t: Test,
  line: string[],
  code: string,
  message: RegExp,
  env: NodeJS.ProcessEnv = {}
): void {
  try {
    parse(line, env)
    t.fail(`${line.join(' ')} was taken`)
  } catch (error) {
    const found = error as { code: string; message: string }
    t.ok(found.code === code && message.test(found.message), `${found.code} ${found.message}`)
  }
}

test('args - from its first word on, another program has all the words', (t) => {
  const forms: [string[], string[]][] = [
    [
      ['watch', 'make', '-j4', '--json', '--', 'x'],
      ['make', '-j4', '--json', '--', 'x']
    ],
    [
      ['watch', '--', 'make', '-h', ''],
      ['make', '-h', '']
    ],
    [
      ['watch', '--data-dir', '/d', 'make', '--data-dir', '/e'],
      ['make', '--data-dir', '/e']
    ]
  ]
  for (const [line, words] of forms) t.alike(parse(line).positionals, words)
  t.is(parse(['watch', '--data-dir', '/d', 'make', '--data-dir', '/e']).flags['data-dir'], '/d')
  refused(t, ['watch'], 'USAGE_MISSING', /<command>/)
  refused(t, ['watch', ''], 'USAGE_BAD_VALUE', /<command> must not be empty/)
})
