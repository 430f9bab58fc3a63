// Prints the golden plans, one line each: run by the Node of another architecture, or to make the fixture.

import { goldenPlans } from './plan-runs.ts'

console.log(goldenPlans().join('\n'))
