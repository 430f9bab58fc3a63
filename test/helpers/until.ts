// Waiting for something that another process or callback does: asks again at every turn of the event
// loop, so a test waits exactly as long as it must. The test's own time limit ends a wait in vain.

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate)
}
