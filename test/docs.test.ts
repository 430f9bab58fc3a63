// What the documents claim about the code, checked against it.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'brittle'
import { parseArgs } from '../src/cli/args.ts'
import { dataPath, dataTest } from './helpers/data.ts'

test('docs - limits.md lists every limit with its value and reason', async (t) => {
  const generator = new URL('../../scripts/limits-doc.mjs', import.meta.url).href
  const { limitsDocument, limitsSource } = (await import(generator)) as {
    limitsDocument(source: string): string
    limitsSource(): string
  }
  const source = limitsSource()
  const expected = limitsDocument(source)
  t.is(readFileSync('docs/limits.md', 'utf8'), expected, 'run: npm run docs')
  const names = [...source.matchAll(/^export const ([A-Z0-9_]+)/gm)].map(
    (match) => match[1] as string
  )
  t.ok(names.length > 60)
  t.ok(names.includes('LAYERS_MAX') && names.includes('SPOOL_BYTES_MAX'), 'of every file')
  for (const name of names) if (!expected.includes(`| \`${name}\` |`)) t.fail(`${name} is missing`)
})

const readme = readFileSync('README.md', 'utf8')

/** Command lines in code spans, code blocks and transcripts, without what stands around them. */
function commandLines(): string[] {
  const spans = [...readme.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string)
  const blocks = [...readme.matchAll(/^(?:\$ )?((?:swarm|npx|npm) .+)$/gm)].map(
    (match) => match[1] as string
  )
  return [...spans, ...blocks]
    .flatMap((text) => text.split(' && '))
    .map((text) => text.trim())
    .filter((text) => /^(swarm|npx|npm) \S/.test(text))
}

test('docs - every command line of the README exists with its flags', (t) => {
  const lines = commandLines()
  t.ok(lines.length > 15, `${lines.length} command lines`)
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const line of lines) {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare)
    const argv = words.filter((word) => word !== undefined)
    if (argv[0] === 'npm') {
      const script = argv[1] === 'run' ? argv[2] : argv[1]
      t.ok(['ci', 'install', ...Object.keys(scripts)].includes(script ?? ''), line)
    } else if (argv[0] === 'npx') t.alike(argv.slice(0, 3), ['npx', '--no-install', 'swarm'], line)
    else t.ok(parseArgs(argv.slice(1), {}).command, line)
  }
})

test('docs - every file that the README names exists', (t) => {
  const files = [...readme.matchAll(/\b((?:src|native|docs|test)\/[\w./-]+\.\w+)/g)].map(
    (match) => match[1] as string
  )
  t.ok(files.length > 20)
  for (const file of new Set(files)) t.ok(existsSync(file), file)
})

test('docs - the packages that the README asks for are those that a clean run installs', (t) => {
  const run = readFileSync('.ci/run', 'utf8')
  const installed = [...run.matchAll(/missing\+=\((\S+)\)/g)].map((match) => match[1] as string)
  const named = [...readme.matchAll(/apt-get install -y ([a-z0-9+ -]+)/g)].flatMap((match) =>
    (match[1] as string).trim().split(' ')
  )
  t.ok(installed.length > 5)
  t.alike([...new Set(named)].toSorted(), installed.toSorted())
})

test('docs - every file, folder and name in native/README.md exists', (t) => {
  const text = readFileSync('native/README.md', 'utf8')
  const paths = [...text.matchAll(/`((?:native|src|test|docs)\/[\w./-]+)`/g)].map(
    (match) => match[1]
  )
  t.ok(paths.length > 35, `${paths.length} paths`)
  for (const path of new Set(paths)) t.ok(existsSync(path as string), path)
  const code = [...new Set(paths), 'CMakeLists.txt', 'src/compute/addon.ts']
    .filter((path) => /\.\w+$/.test(path as string))
    .map((path) => readFileSync(path as string, 'utf8'))
    .join('\n')
  const names = [...text.matchAll(/`(\w*[a-z][A-Z]\w*|[A-Z]+_\w+|dot|decode|Type)`/g)]
  t.ok(names.length > 10, `${names.length} names`)
  for (const [, name = ''] of names) t.ok(new RegExp(`\\b${name}\\b`).test(code), name)
})

test('docs - the steps of native/README.md name every place that knows a number type', (t) => {
  const text = readFileSync('native/README.md', 'utf8')
  const steps = text.slice(text.indexOf('## A number type'), text.indexOf('## A table'))
  t.is([...steps.matchAll(/^\d\. /gm)].length, 5)
  const places = ['native', 'src', 'test/helpers']
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`)
    )
    .filter((file) => /\.(ts|cpp|h|inc)$/.test(file))
    .filter((file) => readFileSync(file, 'utf8').includes('Q5_1'))
    // The programs' own samples, and mixtures of quantised models, which need not use every type.
    .filter((file) => !/^native\/check\/|quant-mixture/.test(file))
  t.ok(places.length > 7, places.join())
  for (const file of places) t.ok(steps.includes(`\`${file}\``), file)
})

test('docs - every file and test that security.md names exists', (t) => {
  const text = readFileSync('docs/security.md', 'utf8')
  const files = [...text.matchAll(/`((?:src|test)\/[\w./-]+\.ts)`/g)].map((match) => match[1])
  t.ok(files.length > 40, `${files.length} files`)
  for (const file of new Set(files)) t.ok(existsSync(file as string), file)
  const rows = text.split('\n').filter((line) => /^\| .* \|$/.test(line) && line.includes('src/'))
  t.ok(rows.length > 15, `${rows.length} defences`)
  t.ok(
    rows.every((row) => row.includes('`test/')),
    'each is shown by a test'
  )
})

/** Of a demo that nobody was killed in. */
const RUNS_MAX = 3

/** What differs from machine to machine: keys, host names, widths, speeds. */
function shape(line: string): string {
  return line
    .replace(/\b[0-9a-f]{8}\b/g, 'KEY')
    .replace(/\d+\.\d+/g, 'N')
    .replace(/after \d+ tokens/, 'after N tokens')
    .replace(/^([abc])  \S+ +KEY/, '$1 HOST KEY')
    .replace(/ +/g, ' ')
}

test('docs - the demos of the README are what the demo prints', { timeout: 180_000 }, (t) => {
  const shown = [...readme.matchAll(/```text\n(The small model that comes with swarm;[^`]*)```/g)]
  t.is(shown.length, 2)
  for (const [index, flags] of [[], ['--kill']].entries()) {
    const argv = ['dist/bin/swarm.js', 'demo', ...flags]
    let [printed, status]: [string, number | null] = ['', null]
    // Its answer may be over before a peer of it is killed, as it says then.
    for (let left = RUNS_MAX; left > 0; left--) {
      const run = spawnSync(process.execPath, argv, { encoding: 'utf8' })
      ;[printed, status] = [run.stdout, run.status]
      if (!printed.includes('the answer was over before b was gone: try again')) break
    }
    t.is(status, 0)
    const lines = (text: string) => text.trim().split('\n').map(shape)
    t.alike(lines(shown[index]?.[1] ?? ''), lines(printed))
  }
})

dataTest('docs - the sentence of the README is what the model says', {}, (t) => {
  const model = dataPath('stories260K', 'stories260K-F32.gguf')
  const [, flags = '', sentence = ''] = /\$ swarm generate (.*)\n(.*)\n/.exec(readme) ?? []
  const words = [...flags.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? ''
  )
  const argv = ['dist/bin/swarm.js', 'run', model, ...words]
  const printed = execFileSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore']
  })
  t.is(printed.trimEnd(), sentence)
})
