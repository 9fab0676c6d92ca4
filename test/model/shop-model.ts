import { copyFileSync, existsSync, readFileSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import type { AsyncCommand } from "fast-check"
import { openSets } from "../../src/core/change-set.ts"
import type { Ran } from "../support/mycelium.ts"
import { auditFaults, stateOf, versionsOf } from "../support/sealed.ts"
import type { Shop } from "../support/shop.ts"
import { strace } from "../support/tracing.ts"

/** What is expected of the world, as little of it as the commands need. */
export type Model = {
  /** Mycelium holds a value of the role. */
  known: boolean
  /** The service answers nothing that is clear. */
  down: boolean
  /** Another person has set a password. */
  foreign: boolean
  /** A backup of the state, older than the log, lies in its place. */
  older: boolean
  hasBackup: boolean
}
export const atFirst = (): Model => ({
  known: true,
  down: false,
  foreign: false,
  older: false,
  hasBackup: false,
})

/**
 * A shop with one PostgreSQL role and an admin, what another person has set there, and the copies of
 * its state.
 */
export type Real = { readonly shop: Shop; foreign: string }
type Command = AsyncCommand<Model, Real>

const newest = (shop: Shop): string => join(shop.project.root, "newest.json")
const backup = (shop: Shop): string => join(shop.project.root, "backup.json")

function check(holds: boolean, message: string, ran?: Ran): void {
  if (!holds)
    throw new Error(
      `${message}${ran === undefined ? "" : ` (exit ${ran.code ?? ran.signal})\n${ran.stdout}${ran.stderr}`}`,
    )
}

/**
 * The binary, with all that must hold of every run: an exit code of ours, no stack, no value, no
 * lost credential.
 */
async function run(
  model: Model,
  { shop }: Real,
  args: readonly string[],
  under: readonly string[] = [],
): Promise<Ran> {
  const before = model.older ? kept(shop) : undefined
  const ran = await shop.project.mycelium(args, { under })
  check(
    ran.signal !== undefined ? ran.signal === "SIGKILL" : ran.code !== undefined && ran.code <= 7,
    "an unknown exit code",
    ran,
  )
  check(
    !/\n\s+at |unexpected|internal/.test(`${ran.stdout}${ran.stderr}`),
    "an unforeseen error",
    ran,
  )
  if (before !== undefined) {
    check(ran.code === 7 || ran.signal !== undefined, "an older state is refused", ran)
    check(kept(shop) === before, "an older state was worked on", ran)
    return ran
  }
  const versions = await versionsOf(shop.project, "postgres")
  for (const { password = "" } of versions)
    check(password === "" || !`${ran.stdout}${ran.stderr}`.includes(password), "a value was said")
  if (model.known && !model.foreign)
    check(
      (
        await answers(
          shop,
          versions.map(({ password }) => password ?? ""),
        )
      ).includes("in"),
      "no working credential is on the disk",
      ran,
    )
  check(
    auditFaults(shop.project).length === 0,
    `the log: ${auditFaults(shop.project).join(", ")}`,
    ran,
  )
  return ran
}

/**
 * All files but those of the lock beside it, which a killed run leaves: who holds it, and a journal
 * of SQLite.
 */
function kept({ project }: Shop): string {
  return JSON.stringify(
    Object.entries(project.snapshot()).filter(([path]) => !/\.lock-(holder|journal)$/.test(path)),
  )
}

/** What the service says to each of these, also while it is down for everybody else. */
async function answers(shop: Shop, passwords: readonly string[]): Promise<readonly string[]> {
  const [row] = await shop.server.sql(
    `select rolcanlogin from pg_roles where rolname = '${shop.role}'`,
  )
  await shop.server.sql(`alter role ${shop.role} login`)
  const found = await Promise.all(passwords.map((password) => shop.login(password)))
  if (row?.["rolcanlogin"] !== true) await shop.server.sql(`alter role ${shop.role} nologin`)
  return found
}

async function isOpen(shop: Shop): Promise<boolean> {
  return openSets(await stateOf(shop.project)).length > 0
}

/** A rotation that nothing disturbs. */
export class Rotate implements Command {
  check = ({ known }: Readonly<Model>): boolean => known
  async run(model: Model, real: Real): Promise<void> {
    const open = model.older ? false : await isOpen(real.shop)
    const before = await held(real.shop)
    const ran = await run(model, real, ["rotate-now", "production"])
    if (model.older) return
    if (model.foreign || model.down) {
      check(ran.code !== 0, "it cannot have worked", ran)
      if (model.foreign)
        check(
          (await held(real.shop)) === before || open,
          "a password that another person has set was overwritten",
          ran,
        )
      return
    }
    check(ran.code === 0, "it should have worked", ran)
    check(
      (await answers(real.shop, [real.shop.shown]))[0] === "in",
      "the file shows a value that does not work",
      ran,
    )
    check(!(await isOpen(real.shop)), "the journal is open", ran)
  }
  toString = (): string => "rotate"
}

/** A rotation that is killed on entering its `when`-th call of this kind, if it comes so far. */
export class Killed implements Command {
  readonly call: string
  readonly when: number
  constructor(call: string, when: number) {
    this.call = call
    this.when = when
  }
  check = ({ known }: Readonly<Model>): boolean => known
  async run(model: Model, real: Real): Promise<void> {
    await run(
      model,
      real,
      ["rotate-now", "production"],
      strace(
        "-o",
        "/dev/null",
        "-e",
        `trace=${this.call}`,
        "-e",
        `inject=${this.call}:signal=KILL:when=${this.when}`,
      ),
    )
  }
  toString = (): string => `rotate, killed at ${this.call} ${this.when}`
}

export class Recover implements Command {
  check = (): boolean => true
  async run(model: Model, real: Real): Promise<void> {
    const before = model.older ? 0 : (await versionsOf(real.shop.project, "postgres")).length
    const ran = await run(model, real, ["run", "--once"])
    if (model.older) return
    check(
      (await versionsOf(real.shop.project, "postgres")).length === before,
      "what is not due was rotated",
      ran,
    )
    if (model.down || model.foreign) return
    check(!(await isOpen(real.shop)), "the journal is open", ran)
    if (model.known)
      check(
        (await answers(real.shop, [real.shop.shown]))[0] === "in",
        "the file shows a value that does not work",
        ran,
      )
  }
  toString = (): string => "run --once"
}

/**
 * A person writes the value of another person into the file, restarts the program, and has it taken
 * over; or, where that is refused, takes it out again.
 */
export class Adopt implements Command {
  check = ({ foreign, known, older }: Readonly<Model>): boolean => foreign && known && !older
  async run(model: Model, real: Real): Promise<void> {
    const { shop } = real
    if (await isOpen(shop)) return
    const before = shop.project.read(".env")
    shop.project.write(
      ".env",
      shop.project
        .read(".env")
        .replace(/^POSTGRES_PASSWORD=.*$/m, `POSTGRES_PASSWORD=${real.foreign}`),
    )
    shop.project.write("api.loaded", shop.project.read(".env"))
    const ran = await run(model, real, ["adopt", "production"])
    check(ran.code === 0 || model.down, "it should have been taken over", ran)
    if (ran.code === 0) model.foreign = false
    else for (const name of [".env", "api.loaded"]) shop.project.write(name, before)
  }
  toString = (): string => "adopt"
}

export class Delete implements Command {
  check = ({ known }: Readonly<Model>): boolean => known
  async run(model: Model, real: Real): Promise<void> {
    const ran = await run({ ...model, known: model.older }, real, [
      "delete",
      "production/postgres",
      "--yes",
    ])
    if (model.older || ran.code !== 0) return
    model.known = false
    model.foreign = false
    check((await versionsOf(real.shop.project, "postgres")).length === 0, "a version is left", ran)
    check((await held(real.shop)) === null, "a login is left", ran)
    check(
      !real.shop.project.read(".env").includes("POSTGRES_PASSWORD"),
      "the file shows it still",
      ran,
    )
  }
  toString = (): string => "delete"
}

/** A first value, after a deletion. */
export class First implements Command {
  check = ({ known, down, older, foreign }: Readonly<Model>): boolean =>
    !known && !down && !older && !foreign
  async run(model: Model, real: Real): Promise<void> {
    const ran = await run(model, real, ["rotate-now", "production/postgres", "--new"])
    check(ran.code === 0, "it should have worked", ran)
    model.known = true
    check(
      (await answers(real.shop, [real.shop.shown]))[0] === "in",
      "the file shows a value that does not work",
      ran,
    )
  }
  toString = (): string => "rotate --new"
}

export class FailOrHeal implements Command {
  check = (): boolean => true
  async run(model: Model, { shop }: Real): Promise<void> {
    model.down = !model.down
    await shop.server.sql(`alter role ${shop.role} ${model.down ? "no" : ""}login`)
  }
  toString = (): string => "the service fails, or heals"
}

export class Change implements Command {
  check = ({ known }: Readonly<Model>): boolean => known
  async run(model: Model, real: Real): Promise<void> {
    real.foreign = `Foreign-${randomBytes(9).toString("hex")}.1`
    await real.shop.setPassword(real.foreign)
    model.foreign = true
  }
  toString = (): string => "somebody changes the password"
}

/** The person who changed it puts back what the file shows. */
export class PutBack implements Command {
  check = ({ foreign }: Readonly<Model>): boolean => foreign
  run = async (model: Model, real: Real): Promise<void> => putBack(model, real)
  toString = (): string => "the password of the file is put back"
}

async function putBack(model: Model, { shop }: Real): Promise<void> {
  await shop.setPassword(shop.shown)
  model.foreign = false
}

export class Backup implements Command {
  check = ({ older, known }: Readonly<Model>): boolean => !older && known
  async run(model: Model, { shop }: Real): Promise<void> {
    copyFileSync(shop.project.statePath(), backup(shop))
    model.hasBackup = true
  }
  toString = (): string => "back up the state"
}

/** The backup in the state's place; or, after that, the newest state again. */
export class Restore implements Command {
  check = ({ hasBackup }: Readonly<Model>): boolean => hasBackup
  run = async (model: Model, real: Real): Promise<void> => restore(model, real)
  toString = (): string => "restore the backup, or the newest state"
}

async function restore(model: Model, { shop }: Real): Promise<void> {
  const path = shop.project.statePath()
  if (model.older) copyFileSync(newest(shop), path)
  else {
    copyFileSync(path, newest(shop))
    copyFileSync(backup(shop), path)
  }
  model.older = !model.older && lastSerial(shop) > serialOf(path)
}

function serialOf(path: string): number {
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly serial: number }).serial
}

function lastSerial({ project }: Shop): number {
  const lines = existsSync(project.auditPath())
    ? readFileSync(project.auditPath(), "utf8").trim().split("\n")
    : []
  return (JSON.parse(lines.at(-1) ?? "{}") as { readonly serial?: number }).serial ?? 0
}

/** The verifier that the server holds. */
async function held({ server, role }: Shop): Promise<unknown> {
  return (await server.sql(`select rolpassword from pg_authid where rolname = '${role}'`))[0]?.[
    "rolpassword"
  ]
}

/** After everything: the world is set right, and a few turns of the service bring all to rest. */
export async function settle(model: Model, real: Real): Promise<void> {
  const { shop } = real
  if (model.older) await restore(model, real)
  if (model.down) await new FailOrHeal().run(model, real)
  if (model.foreign) await putBack(model, real)
  for (let turn = 0; turn < 2; turn++) await run(model, real, ["run", "--once"])
  const document = await stateOf(shop.project)
  check(openSets(document).length === 0, "a journal is open in the end")
  const versions = await versionsOf(shop.project, "postgres")
  if (!model.known) return check(versions.length === 0, "what was deleted is there in the end")
  const current = versions.filter(({ stage }) => stage === "current")
  check(
    current.length === 1 &&
      versions.every(({ stage }) => stage === "current" || stage === "retired"),
    `in the end there are ${versions.map(({ id, stage }) => `${id} ${stage}`).join(", ")}`,
  )
  check(
    current[0]?.password === shop.shown,
    "in the end the file shows another value than the current one",
  )
  check((await shop.login(shop.shown)) === "in", "in the end the value in the file does not work")
  check(
    shop.project.read("api.loaded") === shop.project.read(".env"),
    "in the end the program holds another value",
  )
  for (const { password = "", stage, id } of versions)
    if (stage === "retired")
      check((await shop.login(password)) === "28P01", `in the end ${id} lives`)
}
