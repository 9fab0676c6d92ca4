import { expect, test } from "bun:test"
import type { Output } from "../../src/core/ports.ts"
import { bounded } from "../../src/deliver/bounded.ts"
import { draftAll } from "../../src/deliver/delivery.ts"
import { land } from "../../src/deliver/land.ts"

/** The manager of an entry that never answers: its calls end with their signal. */

const known = (): Promise<readonly never[]> => Promise.resolve([])
let made = 0

function hung(calls: string[]): Output {
  const id = `mem:${++made}`
  const never =
    (name: string) =>
    <T>(...args: readonly unknown[]): Promise<T> => {
      calls.push(name)
      const signal = args.find((one) => one instanceof AbortSignal)
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => {
          calls.push(`${name} ends`)
          reject(new Error("aborted"))
        }),
      )
    }
  return {
    target: id,
    place: { kind: "entry", id },
    shows: [],
    read: never("read"),
    mark: never("mark"),
    prepare: never("prepare"),
    restore: never("restore"),
    compare: never("compare"),
    adopt: never("adopt"),
    drop: never("drop"),
    remove: never("remove"),
    tidy: () => Promise.resolve(),
  }
}

test("costs its time once a turn: its call is ended, it is not asked again, and the next turn asks", async () => {
  const calls: string[] = []
  const one = hung(calls)
  const draft = (turn: AbortSignal): Promise<unknown> =>
    draftAll([one], {}, known, { trial: false, withinMs: 20, turn })
  const turn = new AbortController().signal
  await expect(draft(turn)).rejects.toMatchObject({
    code: "entry-silent",
    message: `the manager of ${one.target} does not answer within 1 s`,
  })
  expect(calls).toEqual(["prepare", "prepare ends"])
  await expect(draft(turn)).rejects.toMatchObject({
    code: "entry-silent",
    message: `the manager of ${one.target} has not answered since an earlier call`,
  })
  expect(calls).toHaveLength(2)
  await expect(draft(new AbortController().signal)).rejects.toMatchObject({ code: "entry-silent" })
  expect(calls).toHaveLength(4)
})

test("every call of it ends with the request to stop", async () => {
  const acts: Readonly<Record<string, (output: Output) => Promise<unknown> | undefined>> = {
    read: (output) => output.read(),
    mark: (output) => output.mark?.(new AbortController().signal),
    prepare: (output) => output.prepare({}, known, new AbortController().signal),
    restore: (output) => output.restore(undefined, new AbortController().signal),
    compare: (output) => output.compare({}, new AbortController().signal),
    adopt: (output) => output.adopt([]),
    drop: (output) => output.drop?.("token", new AbortController().signal),
    remove: (output) => output.remove?.([], known, new AbortController().signal),
  }
  for (const [name, act] of Object.entries(acts)) {
    const calls: string[] = []
    const stop = new AbortController()
    const asked = act(bounded(hung(calls), stop.signal))
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: "abandoned" })
    expect(calls).toEqual([name, `${name} ends`])
  }
})

test("a write that gets no answer in its time may still land; what was never sent cannot", async () => {
  const output = hung([])
  const write = {
    changed: true,
    bytes: new Uint8Array(),
    changes: [],
    commit: () => new Promise<never>(() => undefined),
    discard: () => Promise.resolve(),
  }
  const how = { tokenOf: () => "", managerMs: 20, turn: new AbortController().signal }
  await expect(land(output, write, how)).rejects.toMatchObject({ code: "entry-unknown" })
  await expect(land(output, write, how)).rejects.toMatchObject({ code: "entry-silent" })
})
