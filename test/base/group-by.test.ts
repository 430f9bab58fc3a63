import test from 'brittle'

import { groupBy } from '../../src/base/group-by.ts'

test('group by - groups in the order of their first, each in the order of the list', (t) => {
  const groups = groupBy(['cat', 'apple', 'cow', 'ant', 'bee'], (word) => word[0])
  t.alike(
    [...groups],
    [
      ['c', ['cat', 'cow']],
      ['a', ['apple', 'ant']],
      ['b', ['bee']]
    ]
  )
  t.is(groupBy([], (item) => item).size, 0)
})
