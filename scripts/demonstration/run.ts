/**
 * The demo's story, in order. As a command: `bun scripts/demonstration/run.ts FOLDER`;
 * ./scripts/demo makes and removes the folder.
 */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Gap, gapsIn, linesOf, totalsIn } from "./app-log.ts"
import {
  answerTo,
  auditLines,
  envText,
  expect,
  filesWith,
  isChain,
  kept,
  passwordIn,
  restOf,
} from "./checks.ts"
import { ask, endAll, mycelium, serve } from "./mycelium.ts"
import { masked, seconds, show, title } from "./screen.ts"
import { type Stage, setStage } from "./stage.ts"

const began = performance.now()
process.umask(0o077)
const [, , home = ""] = Bun.argv
const setting = begin()
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.once(name, () => {
    process.stderr.write(`\ndemo: cut off by ${name}\n`)
    void Promise.race([cleanUp(), Bun.sleep(20_000)]).finally(() => process.exit(1))
  })
}
let cleaning: Promise<void> | undefined
try {
  const stage = await setting
  await play(stage)
  await cleanUp()
  await summary(stage)
} catch (error) {
  if (cleaning === undefined)
    process.stderr.write(
      `\ndemo: FAILED: ${error instanceof Error ? error.message : "unexpected"}\n`,
    )
  await cleanUp()
  process.exitCode = 1
}

/** Ends what runs, once: the binary first, for it may restart the app. */
function cleanUp(): Promise<void> {
  cleaning ??= (async () => {
    await endAll()
    await (await setting.catch(() => undefined))?.[Symbol.asyncDispose]()
  })()
  return cleaning
}

async function begin(): Promise<Stage> {
  title(
    "a PostgreSQL of the demo's own, and an app that logs in every 20 ms with the password of its .env",
  )
  const stage = await setStage(home)
  show(
    `${stage.server.programs.message}\n.env, which everybody may read:\n${masked(await envText(stage))}`,
  )
  return stage
}

async function play(stage: Stage): Promise<void> {
  const first = await envText(stage)
  await adopting(stage)
  await rotating(stage)
  const second = await envText(stage)
  await proving(stage, { before: first, after: second })
  await serving(stage)
  const third = await envText(stage)
  await proving(stage, { before: second, after: third })
  title("what the app went through, in its own words")
  const log = await appLog(stage)
  show(log)
  expect("the app used three passwords", linesOf(log).at(-1)?.password === 3)
  await looking(stage, [first, second, third].map(passwordIn))
}

async function appLog({ folder }: Stage): Promise<string> {
  return readFile(join(folder, "shop.log"), "utf8")
}

async function adopting(stage: Stage): Promise<void> {
  title("the config: all that a person writes")
  show(await readFile(join(stage.folder, "mycelium.yaml"), "utf8"))
  title("init makes what is missing: the key of this machine")
  await mycelium(stage, "init")
  title("adopt takes over the password that stands in .env, proven by a login; nothing is changed")
  const before = await envText(stage)
  await mycelium(stage, "adopt", "production")
  expect("adopt changed nothing", (await envText(stage)) === before)
  title("status: how old it is, when it is due")
  await mycelium(stage, "status")
}

async function rotating(stage: Stage): Promise<void> {
  title("the same without doing it: what would happen, and what stands in the way")
  await mycelium(stage, "rotate-now", "production", "--dry-run")
  title(
    "a new password: sealed, made to be accepted, proven, delivered; " +
      "the app restarted and proven; the old one proven dead",
  )
  await mycelium(stage, "rotate-now", "production", "--reason", "demo")
}

/** By logins of the demo's own. */
async function proving(
  stage: Stage,
  env: { readonly before: string; readonly after: string },
): Promise<void> {
  title("checked from outside: logins of the demo's own, and the .env")
  const [old, now] = [
    await answerTo(stage, passwordIn(env.before)),
    await answerTo(stage, passwordIn(env.after)),
  ]
  show(
    `the old password: ${old === "28P01" ? "refused, SQLSTATE 28P01" : old}\nthe one in .env:   ${now}`,
  )
  show(masked(env.after))
  expect("the old password is refused", old === "28P01")
  expect("the password in .env is accepted", now === "accepted")
  expect("the other lines of .env are as they were", restOf(env.after) === restOf(env.before))
}

async function serving(stage: Stage): Promise<void> {
  title(
    "run, the service: the config now says every minute, at a second that comes soon; " +
      "it rotates by itself, SIGTERM ends it",
  )
  const path = join(stage.folder, "mycelium.yaml")
  const soon = new Date(Date.now() + 8000).getUTCSeconds()
  const config = (await readFile(path, "utf8"))
    .replace("0 3 * * SUN", `${soon} * * * * *`)
    .replace("90d", "1m")
  await writeFile(path, config)
  show(
    config
      .split("\n")
      .filter((line) => /schedule|rotate_every/.test(line))
      .join("\n"),
  )
  const code = await serve(stage, () => isDone(stage, "v3"), 70_000)
  expect("the service ended with 0 on SIGTERM", code === 0)
  title("status again")
  await mycelium(stage, "status")
}

type Status = {
  readonly environments: readonly {
    readonly secrets: readonly {
      readonly version?: string
      readonly stage: string
      readonly notes: readonly string[]
    }[]
  }[]
}

/** The version is current and nothing is owed any more: the one before is proven dead, too. */
async function isDone(stage: Stage, version: string): Promise<boolean> {
  const status: Status = JSON.parse((await ask(stage, "status", "--json")).out)
  const secret = status.environments[0]?.secrets[0]
  return secret?.version === version && secret.stage === "current" && secret.notes.length === 0
}

async function looking(stage: Stage, passwords: readonly string[]): Promise<void> {
  title("no other user reads: modes of all that Mycelium made or wrote")
  const files = await kept(stage)
  show(files.map(({ mode, path, isFolder }) => `${mode} ${path}${isFolder ? "/" : ""}`).join("\n"))
  expect(
    "files are 0600, folders 0700",
    files.every(({ mode, isFolder }) => mode === (isFolder ? "0700" : "0600")),
  )
  const [byHand = "", ...ours] = passwords
  const [first, others] = [await filesWith(stage, [byHand]), await filesWith(stage, ours)]
  show(
    `the password that was made by hand stands in ${first.join(", ")}\n` +
      `the two that Mycelium made stand in ${others.join(", ")}`,
  )
  expect(
    "the server logs statements: else this would show little",
    first.includes("the server's log"),
  )
  expect("a password that Mycelium made stands in .env alone", others.join() === "shop/.env")
  title("the audit log: who did what, each line with the hash of the one before; its last lines")
  const lines = await auditLines(stage)
  show(lines.slice(-4).join("\n"))
  expect("the audit log is a chain", isChain(lines))
}

/** After the app's end: its log is whole. */
async function summary(stage: Stage): Promise<void> {
  const log = await appLog(stage)
  const [one, two] = gapsIn(log)
  const totals = totalsIn(log)
  const lines = [
    `demo: all as expected, in ${seconds(performance.now() - began)}, ` +
      `${process.getuid?.() === 0 ? "as root" : "as an ordinary user"}, ` +
      `against PostgreSQL ${stage.server.version}`,
    "  adopted   the password that stood in .env, proven by a login, nothing changed",
    "  rotated   twice: by rotate-now, and by the service on its own schedule (SIGTERM ended it with code 0)",
    "  dead      both old passwords: a login is refused with 28P01",
    "  alive     the password that stands in .env; the other lines are as they were",
    `  gap       rotate-now: ${say(one)}`,
    `  gap       run:        ${say(two)}`,
    `  app       ${totals.good} logins good, ${totals.refused} refused, ` +
      `${totals.unclear} without a clear answer`,
    "  private   all files 0600, folders 0700; a password that Mycelium made stands in .env " +
      "and nowhere else in plain text",
    `  audit     ${(await auditLines(stage)).length} lines, each with the hash of the one before`,
  ]
  console.log(`\n${lines.join("\n")}`)
}

function say(gap: Gap | undefined): string {
  if (gap === undefined) return "not measured"
  const { refused, refusedMs, mostMs } = gap
  return (
    `${refusedMs === undefined ? "no login was refused" : `${refusedMs} ms from the first refused login to the first good one, ${refused} refused`}; ` +
    `${mostMs} ms since the last good one`
  )
}
