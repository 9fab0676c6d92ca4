import { readState } from "../record/state-file.ts"
import { said } from "../rotate/ask.ts"
import type { App } from "./app.ts"
import { type Turn, look, takeTurn } from "./turn.ts"

/** What the service tells the one who watches it. */
export type Watch = { readonly turned: (environment: string, turn: Turn) => void; readonly failed: (environment: string, code: string, says: string) => void }

/** The clock is looked at no less often: clocks leap, and other processes leave work in the state. */
const lookAgainMs = 60_000
/** Environments worked on at once. */
const sideBySide = 4

type Slot = { readonly name: string; nextAt: number; failures: number; running: boolean }

/** The service: one timer for all environments; each has its turn when something is due or owed. Ends when asked to stop. */
export async function daemon(app: App, watch: Watch): Promise<void> {
  const slots: readonly Slot[] = Object.keys(app.config.environments).map((name) => ({ name, nextAt: 0, failures: 0, running: false }))
  const wake = new Wake()
  const running = new Set<Promise<void>>()
  while (!app.stop.aborted) {
    const now = app.host.now().getTime()
    for (const slot of await ready(app, slots, now)) {
      if (running.size >= sideBySide) break
      slot.running = true
      const turn = work(app, slot, watch).finally(() => {
        slot.running = false
        running.delete(turn)
        wake.call()
      })
      running.add(turn)
    }
    const next = Math.min(now + lookAgainMs, ...slots.filter((slot) => !slot.running).map((slot) => slot.nextAt))
    await wake.within(app, running.size >= sideBySide ? lookAgainMs : Math.max(0, next - app.host.now().getTime()))
  }
  await Promise.all(running)
}

/** Slots with something to do, the longest waiting first. The state is looked at without its lock; the turn looks again. */
async function ready(app: App, slots: readonly Slot[], now: number): Promise<readonly Slot[]> {
  const due: Slot[] = []
  for (const slot of slots) {
    if (slot.running || (slot.failures > 0 && slot.nextAt > now)) continue
    const options = app.config.environments[slot.name]
    if (options === undefined) continue
    try {
      const document = await readState({ store: app.config.store, project: app.config.project, environment: slot.name })
      const found = look(document, options, new Date(now))
      slot.nextAt = found.nextAt?.getTime() ?? Number.POSITIVE_INFINITY
      if (found.owed || found.due.length > 0) due.push(slot)
    } catch {
      due.push(slot)
    }
  }
  return due.sort((one, other) => one.nextAt - other.nextAt)
}

async function work(app: App, slot: Slot, watch: Watch): Promise<void> {
  try {
    const turn = await takeTurn(app, slot.name)
    watch.turned(slot.name, turn)
    const open = turn.agenda.owed || turn.agenda.due.length > 0
    later(app, slot, open ? slot.failures + 1 : 0, turn.agenda.nextAt?.getTime())
  } catch (error) {
    const { code, says } = said(error)
    if (!app.stop.aborted) watch.failed(slot.name, code, says)
    later(app, slot, slot.failures + 1, undefined)
  }
}

/** What is still open is asked again soon: after 2 s, 4 s … at most a minute. */
function later(app: App, slot: Slot, failures: number, nextAt: number | undefined): void {
  slot.failures = failures
  slot.nextAt = failures > 0 ? app.host.now().getTime() + Math.min(60_000, 1000 * 2 ** failures) : (nextAt ?? Number.POSITIVE_INFINITY)
}

/** The one timer: ends early when a turn ends or we are asked to stop. */
class Wake {
  #call: (() => void) | undefined
  call(): void {
    this.#call?.()
  }
  async within(app: App, ms: number): Promise<void> {
    const early = new AbortController()
    this.#call = () => early.abort()
    await app.host.pause(ms, AbortSignal.any([early.signal, app.stop]))
  }
}
