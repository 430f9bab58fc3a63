// Waiting for something that another process or callback does. What is known in this process is looked at
// again at every turn of the event loop, and every millisecond once that took long: who waits for another
// process is not to take a processor from it. Another process is asked again after a longer pause. The
// test's own time limit ends a wait in vain.

const ASK_AGAIN_MS = 10
const LOOK_AGAIN_MS = 1
const TURNS = 100

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; ; turn++) {
    const answer = condition()
    if (await answer) return
    if (typeof answer === 'boolean' && turn < TURNS) await new Promise(setImmediate)
    else {
      const pauseMs = typeof answer === 'boolean' ? LOOK_AGAIN_MS : ASK_AGAIN_MS
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
