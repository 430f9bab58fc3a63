// The tests of the model and of the training run (training/tests), where torch is installed.

import { pythonTest } from './python.ts'

pythonTest(
  'training - the tests of model, formats and runs pass',
  ['torch', 'numpy'],
  (t, python) => {
    const args = ['-m', 'unittest', 'discover', '-s', 'training/tests', '-t', 'training']
    t.execution(() => python(...args, '-p', 'test_training.py'))
  }
)
