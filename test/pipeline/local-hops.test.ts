import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { hopsSuite } from '../helpers/hops-suite.ts'
import { settleMicrotasks } from '../helpers/sim-clock.ts'
import { keyOf } from '../helpers/views.ts'

hopsSuite('local hops', () => {
  const network = new LocalNetwork()
  const keys = [keyOf('a'), keyOf('b'), keyOf('c')] as const
  return Promise.resolve({
    hops: [network.join(keys[0]), network.join(keys[1]), network.join(keys[2])],
    async until(condition) {
      for (let i = 0; i < 10 && !condition(); i++) await settleMicrotasks()
      if (!condition()) throw new Error('it never happens')
    },
    lose: (index) => network.leave(keys[index] as (typeof keys)[0])
  })
})
