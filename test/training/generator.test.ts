// The generator's own tests (training/tests), as one test of the project.

import { pythonTest } from './python.ts'

pythonTest('training text - the tests of the generator pass', [], (t, python) => {
  const args = ['-m', 'unittest', 'discover', '-s', 'training/tests', '-t', 'training']
  t.execution(() => python(...args))
})

pythonTest('training text - a seed gives the same cases in every process', [], (t, python) => {
  const args = ['training/generate.py', '--seed', '5', '--count', '50', '--json']
  const first = python(...args)
  t.ok(first.length > 5000)
  t.is(python(...args), first)
  t.not(python('training/generate.py', '--seed', '6', '--count', '50', '--json'), first)
})
