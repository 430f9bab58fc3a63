// Waiting for something that another process or callback does. What is known in this process is looked at
// again at every turn of the event loop; another process is asked again after a pause, because being asked
// without one would slow it down. The test's own time limit ends a wait in vain.

const ASK_AGAIN_MS = 10

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (;;) {
    const answer = condition()
    if (await answer) return
    if (typeof answer === 'boolean') await new Promise(setImmediate)
    else await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
  }
}
