import { expect, test } from "bun:test"
import type { Draft, Output } from "../../src/core/ports.ts"
import { draftAll } from "../../src/deliver/delivery.ts"

/**
 * The file system of an output that never answers, as a server of FUSE or NFS that hangs: what is
 * asked of it stays under way.
 */

let made = 0
function output(more: Partial<Output>): Output {
  return {
    target: `/hung/${++made}/.env`,
    shows: [],
    read: async () => undefined,
    prepare: () => Promise.reject(new Error("not asked")),
    restore: () => Promise.reject(new Error("not asked")),
    compare: async () => "same",
    adopt: async () => ({}),
    tidy: async () => undefined,
    ...more,
  }
}

const known = (): Promise<readonly never[]> => Promise.resolve([])
const brief = { trial: false, withinMs: 20 }

test("a read that gets no answer ends in its time, names the place, and is not joined by another", async () => {
  let reads = 0
  const answer = Promise.withResolvers<undefined>()
  const hung = output({ read: () => (reads++, answer.promise), prepare: async () => draft([]) })
  for (const message of ["does not answer within 1 s", "has not answered since an earlier act"])
    await expect(draftAll([hung], {}, known, brief)).rejects.toMatchObject({
      code: "output-silent",
      message: `the file system of ${hung.target} ${message}`,
    })
  expect(reads).toBe(1)
  answer.resolve(undefined)
  await Bun.sleep(0)
  expect(await draftAll([hung], {}, known, brief)).toHaveLength(1)
})

test("a draft that comes after its time is discarded, and so are those beside it", async () => {
  const discarded: string[] = []
  const answer = Promise.withResolvers<Draft>()
  const beside = output({ prepare: async () => draft(discarded, "beside") })
  const hung = output({ prepare: () => answer.promise })
  await expect(draftAll([beside, hung], {}, known, brief)).rejects.toMatchObject({
    code: "output-silent",
  })
  expect(discarded).toEqual(["beside"])
  answer.resolve(draft(discarded, "late"))
  await Bun.sleep(0)
  expect(discarded).toEqual(["beside", "late"])
})

function draft(discarded: string[], name = ""): Draft {
  return {
    changed: true,
    bytes: new Uint8Array(),
    changes: [],
    commit: async () => undefined,
    discard: async () => void discarded.push(name),
  }
}
