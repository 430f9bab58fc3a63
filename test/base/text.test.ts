import test from 'brittle'

import { formatRate } from '../../src/base/text.ts'

test('text - a rate has one decimal, and two digits that count where it is below one', (t) => {
  const shown = [1234.56, 12.34, 1, 0.96, 0.949, 0.5, 0.0417, 0.000123, 0].map(formatRate)
  t.alike(shown, ['1234.6', '12.3', '1.0', '1.0', '0.95', '0.50', '0.042', '0.00012', '0.0'])
})
