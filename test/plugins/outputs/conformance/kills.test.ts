import { expect, test } from "bun:test"
import { join } from "node:path"
import { temporaryFolder } from "../../../support/temp-folder.ts"
import { type Shows, deliver, fresh, snapshot } from "./harness.ts"
import { kinds } from "./kinds.ts"

test.each(Object.entries(kinds))(
  "output %s is whole again after a kill at any moment",
  async (name, { open, files, reads }) => {
    await using temporary = await temporaryFolder()
    const folder = temporary.path
    const versions = [fresh("a"), fresh("b")]
    await deliver(open(folder), versions[0] ?? fresh())
    const clean = Object.keys(snapshot(folder))
    for (let kill = 0; kill < 5; kill++) {
      await killed(name, folder, versions, 3 + kill * 11)
      await open(folder).tidy()
      expect(Object.keys(snapshot(folder))).toEqual(clean)
      const seen = reads(folder)
      for (const field of ["user", "password", "key"] as const)
        expect(versions.map((one) => one[field])).toContain(seen[field])
      if (files.length === 1) expect(versions).toContainEqual(seen)
      const [again = fresh()] = versions
      await deliver(open(folder), again, ...versions)
      expect(reads(folder)).toEqual(again)
    }
  },
  60_000,
)

/** A process delivers one version after the other until it is killed, `ms` after its first delivery. */
async function killed(
  name: string,
  folder: string,
  versions: readonly Shows[],
  ms: number,
): Promise<void> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "deliver-on.ts"), name, folder],
    { stdin: Buffer.from(JSON.stringify(versions)), stdout: "pipe", stderr: "inherit" },
  )
  const reader = child.stdout.getReader()
  const { done } = await reader.read()
  if (done) throw new Error("the child delivered nothing")
  await Bun.sleep(ms)
  child.kill("SIGKILL")
  await child.exited
}
