import { expect, test } from "bun:test"
import { Round } from "../../src/rotate/round.ts"
import { Session } from "../../src/rotate/session.ts"
import { World } from "../crash/world.ts"

/** Secrets by server; pauses are over when the test says so. */
async function round(
  servers: Readonly<Record<string, string>>,
): Promise<{ readonly round: Round; readonly pass: () => void; readonly acts: () => number }> {
  let pauses: (() => void)[] = []
  let clock = 0
  const { work } = new World().start()
  const pause = (_: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      pauses.push(resolve)
      signal?.addEventListener("abort", () => resolve())
    })
  const session = await Session.load({
    ...work,
    serverOf: (name) => servers[name],
    withServerSlot: (_, act) => act(),
    host: { ...work.host, pause, monotonicMs: () => clock++ },
  })
  const pass = (): void => {
    const over = pauses
    pauses = []
    for (const end of over) end()
  }
  return { round: new Round(session), pass, acts: () => session.acts.size }
}
const never = (): Promise<never> => new Promise(() => undefined)
const now = (): Promise<string> => Promise.resolve("answer")
const codeOf = (look: Promise<unknown>): Promise<unknown> =>
  look.then(
    (value) => value,
    (error: { readonly code: string }) => error.code,
  )

test("who has not answered a while after the others is silent, and so is every secret of that server after it", async () => {
  const { round: one, pass } = await round({ a: "up", b: "hangs", c: "hangs" })
  const hanging = codeOf(one.attempt("b", never))
  expect(await one.attempt("a", now)).toBe("answer")
  pass()
  expect(await hanging).toBe("no-answer")
  expect(await codeOf(one.attempt("c", now))).toBe("no-answer")
  expect(await one.attempt("a", now)).toBe("answer")
  one.end()
})

test("a server that answers about another secret meanwhile is slow, not silent; and no server is silent before one has answered", async () => {
  const { round: one, pass, acts } = await round({ a: "up", b: "slow", c: "slow" })
  let answer = (_: string): void => undefined
  const slow = codeOf(one.attempt("b", () => new Promise<string>((resolve) => (answer = resolve))))
  pass()
  expect(acts()).toBe(1)
  expect(await one.attempt("c", now)).toBe("answer")
  expect(await one.attempt("a", now)).toBe("answer")
  pass()
  await Promise.resolve()
  answer("late")
  expect(await slow).toBe("late")
  one.end()
})
