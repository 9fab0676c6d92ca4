import { expect, test } from "bun:test"
import { chmodSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { type Alone, type OutputLocation, places } from "../../../src/check/self-tests/places.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { found } from "./looks.ts"

const sound: OutputLocation = {
  path: "/srv/.env",
  what: "an output of production",
  names: 1,
  inPlace: false,
  isMount: false,
  network: undefined,
  reader: undefined,
  fault: undefined,
}
const inspect = (
  place: Partial<OutputLocation>,
  ...alone: readonly Alone[]
): Promise<readonly string[]> => found(places, { places: [{ ...sound, ...place }], alone })

test("places is content with a file in a folder", async () => {
  expect(await inspect({})).toEqual([])
  expect(await inspect({}, { path: "/srv/other", pid: 7, stale: false })).toEqual([])
})

test("places finds mounts of the single file, ours and those of others", async () => {
  expect(await inspect({ isMount: true })).toEqual(["output-is-mount error"])
  const alone = { path: "/srv/.env", pid: 7, stale: false }
  expect(await inspect({}, alone)).toEqual(["output-mounted-alone warning"])
  expect(await inspect({ inPlace: true, isMount: true }, alone)).toEqual(["output-in-place info"])
  expect(await inspect({ inPlace: true }, { ...alone, stale: true })).toEqual([
    "output-in-place info",
    "output-mounted-alone warning",
  ])
})

test("places finds other names of the file, which go on showing the old one, or show the new one, too", async () => {
  expect(await inspect({ names: 2 })).toEqual(["output-linked warning"])
  expect(await inspect({ names: 2, inPlace: true })).toEqual([
    "output-in-place info",
    "output-linked warning",
  ])
})

test("places names the network file system", async () => {
  expect(await inspect({ network: "NFS" })).toEqual(["output-on-network warning"])
})

test("places finds a folder that the reader cannot pass, and guesses nothing about groups", async () => {
  await using folder = await temporaryFolder()
  const shut = join(folder.path, "shut")
  mkdirSync(shut)
  const path = join(shut, ".env")
  const reader = { uid: 4242, gid: 4243 }
  for (const [mode, expected] of [
    [0o700, 1],
    [0o701, 0],
    [0o710, 0],
  ] as const) {
    for (const one of [folder.path, shut]) chmodSync(one, mode)
    expect(await inspect({ path, reader })).toEqual(
      Array.from({ length: expected }, () => "output-unreachable warning"),
    )
  }
  for (const one of [folder.path, shut]) chmodSync(one, 0o700)
  expect(await inspect({ path, reader: { uid: 0, gid: 0 } })).toEqual([])
})
