import { deliver, type Shows } from "./harness.ts"
import { kinds } from "./kinds.ts"

/** A process of its own that delivers one version after the other, for ever: it is killed from outside. */
const [name = "", folder = ""] = process.argv.slice(2)
const kind = kinds[name]
const versions = JSON.parse(await Bun.stdin.text()) as readonly Shows[]
if (kind === undefined) throw new Error(`no kind ${name}`)
for (let round = 0; ; round++) {
  const shows = versions[round % versions.length]
  if (shows === undefined) throw new Error("no versions")
  await deliver(kind.open(folder), shows, ...versions)
  if (round === 0) process.stdout.write("delivered\n")
}
