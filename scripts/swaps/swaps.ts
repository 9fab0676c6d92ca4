import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { AppError } from "../../src/base/error.ts"
import { randomText } from "../../src/base/text/random-text.ts"
import type { Output } from "../../src/core/ports.ts"
import {
  type Kind,
  type Shows,
  knownOf,
  never,
  valuesOf,
} from "../../test/plugins/outputs/conformance/harness.ts"
import { kinds } from "../../test/plugins/outputs/conformance/kinds.ts"

/** Outputs that root writes in folders of another user, who swaps what lies there at the same time. */

/** As text: that user cannot read our folder. */
const attacker = readFileSync(join(import.meta.dirname, "attacker.py"), "utf8")

/** The other user, and whom the files are for. */
export const thief = 65_534
const reader = 5000

export type Result = {
  /** By output: how many rounds were delivered, and how the others ended. */
  readonly ends: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** What the other user did, by act; and where the values that they read were written. */
  readonly did: Readonly<Record<string, number>>
  readonly reads: readonly string[]
  /** What changed outside their folders. */
  readonly changed: readonly string[]
  /** Errors that are none of our sentences. */
  readonly odd: readonly string[]
}

type Ground = {
  readonly root: string
  readonly outside: string
  readonly own: string
  readonly between: string
  readonly sticky: string
}

function lay(): Ground {
  const root = mkdtempSync(join(tmpdir(), "mycelium-swaps-"))
  chmodSync(root, 0o711)
  const ground = {
    root,
    outside: join(root, "outside"),
    own: join(root, "app", "conf"),
    between: join(root, "app", "mid", "conf"),
    sticky: join(root, "sticky"),
  }
  for (const path of [join(ground.outside, "run"), ground.own, ground.between, ground.sticky])
    mkdirSync(path, { recursive: true, mode: 0o755 })
  for (const path of [dirname(ground.own), ground.own]) chownSync(path, thief, thief)
  chmodSync(ground.sticky, 0o1777)
  for (const file of new Set(Object.values(kinds).flatMap(({ files }) => files)))
    writeFileSync(join(ground.outside, file), "outside\n", { mode: 0o644 })
  writeFileSync(join(ground.outside, "secret"), `PASSWORD=Hidden${randomText(16, random)}\n`, {
    mode: 0o600,
  })
  return ground
}

function contentOf(path: string, kind: number): string {
  if (kind === 0o100000) return readFileSync(path, "latin1")
  return kind === 0o120000 ? readlinkSync(path) : ""
}

/** Everything outside, to the last change of a mode: ctime. */
function fingerprint(folder: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of [".", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
    const path = join(folder, name)
    const { mode, uid, gid, ino, nlink, ctimeMs } = lstatSync(path)
    const holds = contentOf(path, mode & 0o170000)
    found[name] = `${mode.toString(8)} ${uid}:${gid} ${ino} ${nlink} ${ctimeMs} ${holds}`
  }
  return found
}

function random(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size))
}
function pick<One>(all: readonly One[]): One {
  const one = all[(random(1)[0] ?? 0) % all.length]
  if (one === undefined) throw new Error("nothing to pick from")
  return one
}

/** Whose the files shall be. Where the other user is, the values are theirs to read, and not marked. */
type Whose = "nobody says" | "a reader" | "theirs"

/**
 * A file that they fill in a folder of theirs, and that has lines of theirs, is theirs: there the
 * config names the reader.
 */
function whoseOf(name: string, place: string, ground: Ground): readonly Whose[] {
  if (name === "folder")
    return place === ground.sticky
      ? ["nobody says", "a reader", "theirs"]
      : ["nobody says", "theirs", "theirs"]
  return name.includes("merged") ? ["a reader"] : ["nobody says", "a reader"]
}

function shows(whose: Whose): Shows {
  const mark = whose === "theirs" ? "Theirs" : "Marked"
  return {
    user: "shop",
    password: `${mark}${randomText(24, random)}`,
    key: `${mark}${randomText(24, random)}`,
  }
}

async function act(
  kind: Kind,
  {
    place,
    whose,
    known,
    made,
  }: {
    readonly place: string
    readonly whose: Whose
    readonly known: Shows[]
    readonly made: (shows: Shows) => void
  },
): Promise<string> {
  const owner =
    whose === "nobody says"
      ? {}
      : { owner: whose === "theirs" ? `${thief}:${thief}` : `${reader}:${reader}` }
  const output: Output = kind.open(place, owner)
  const next = shows(whose)
  made(next)
  const kindOfAct = pick([
    "deliver",
    "deliver",
    "deliver",
    "deliver",
    "deliver",
    "deliver",
    "tidy",
    "adopt",
    "go back",
    "remove",
  ])
  if (kindOfAct === "tidy") return output.tidy().then(() => "tidied")
  if (kindOfAct === "adopt") {
    const found = JSON.stringify(await output.adopt(["db", "key"]))
    return found.includes("Hidden") ? "ADOPTED A VALUE FROM OUTSIDE" : "adopted"
  }
  if (kindOfAct === "remove") {
    const draft = await output.remove?.(["db"], knownOf(...known), never)
    await draft
      ?.commit()
      .catch(async (error: unknown) => draft.discard().then(() => Promise.reject(error)))
    return "removed"
  }
  const before = await output.read()
  const draft = await output.prepare(valuesOf(next), knownOf(next, ...known), never)
  await draft
    .commit()
    .catch(async (error: unknown) => draft.discard().then(() => Promise.reject(error)))
  known.unshift(next)
  known.splice(12)
  if (kindOfAct === "deliver") return "delivered"
  const back = await output.restore(before, never)
  await back
    .commit()
    .catch(async (error: unknown) => back.discard().then(() => Promise.reject(error)))
  return "gone back"
}

/** A folder of files has the most steps that can be disturbed. */
const all = [
  ...Object.entries(kinds),
  ...Object.entries(kinds)
    .filter(([name]) => name === "folder")
    .flatMap((one) => [one, one, one]),
]

/** How many rounds, and against how many processes of the other user. */
export async function swaps({
  rounds,
  seed,
  thieves,
}: {
  readonly rounds: number
  readonly seed: number
  readonly thieves: number
}): Promise<Result> {
  const ground = lay()
  const places = [ground.own, ground.between, ground.sticky]
  const moved = [ground.own, dirname(ground.between)]
  const before = fingerprint(ground.outside)
  const children = Array.from({ length: thieves }, (_, index) =>
    Bun.spawn(
      [
        "/usr/bin/python3",
        "-c",
        attacker,
        String(seed + index),
        ground.outside,
        String(moved.length),
        ...moved,
        ...places,
      ],
      { uid: thief, gid: thief, cwd: "/", stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    ),
  )
  const ends: Record<string, Record<string, number>> = {}
  const odd: string[] = []
  const changed = new Set<string>()
  const known: Shows[] = []
  const origins = new Map<string, string>()
  try {
    const reports = await Promise.all(children.map(begin))
    for (let round = 0; round < rounds; round++) {
      const [name, kind] = pick(all)
      const place = pick(places)
      const whose = pick(whoseOf(name, place, ground))
      const key = `${name} ${place} ${whose}`
      const end = await act(kind, {
        place,
        whose,
        known,
        made: (shows) =>
          [shows.password, shows.key].forEach((value) =>
            origins.set(value, `round ${round}, ${key}`),
          ),
      }).catch((error: unknown) =>
        error instanceof AppError ? error.code : `odd: ${String(error)}`,
      )
      if (end.startsWith("odd") || end.startsWith("ADOPTED")) odd.push(`${key}: ${end}`)
      const of = (ends[name] ??= {})
      of[end] = (of[end] ?? 0) + 1
      if (round % 10 === 9)
        for (const message of differences(before, fingerprint(ground.outside))) changed.add(message)
    }
    for (const child of children) await child.stdin.end()
    const said = await Promise.all(reports.map(({ report }) => report))
    for (const message of differences(before, fingerprint(ground.outside))) changed.add(message)
    const did: Record<string, number> = {}
    for (const one of said)
      for (const [name, count] of Object.entries(one.did)) did[name] = (did[name] ?? 0) + count
    return {
      ends,
      did,
      reads: said.flatMap(({ reads }) =>
        reads.map((value) => origins.get(value) ?? "a value from outside, or a part of one"),
      ),
      changed: [...changed],
      odd,
    }
  } finally {
    for (const child of children) child.kill("SIGKILL")
    rmSync(ground.root, { recursive: true, force: true })
  }
}

type Said = { readonly did: Readonly<Record<string, number>>; readonly reads: readonly string[] }
type Child = Bun.Subprocess<"pipe", "pipe", "inherit">

/** Resolves once it has begun; its report comes at its end. */
async function begin(child: Child): Promise<{ readonly report: Promise<Said> }> {
  const lines = linesOf(child.stdout)
  if ((await lines.next()).value !== "ready") throw new Error("the other user did not begin")
  return { report: lines.next().then(({ value }) => JSON.parse(String(value)) as Said) }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ""
  for await (const chunk of stream) {
    const lines = `${rest}${Buffer.from(chunk).toString()}`.split("\n")
    rest = lines.pop() ?? ""
    yield* lines
  }
}

function differences(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((name) => before[name] !== now[name])
    .map((name) => `${name}: ${before[name] ?? "nothing"} is now ${now[name] ?? "nothing"}`)
}
