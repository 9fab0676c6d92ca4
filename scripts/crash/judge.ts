import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { type StateDocument } from "../../src/core/state.ts"
import { openSets } from "../../src/core/change-set.ts"
import { below, modeOf, type Ran } from "../../test/support/mycelium.ts"
import { auditFaults, loginsOf, type Opened, stateOf } from "../../test/support/sealed.ts"
import { firstKey, type Shop } from "../../test/support/shop.ts"
import type { Login, Service } from "../../test/support/shop-services.ts"
import type { Lane } from "./lane.ts"
import type { Scenario } from "./scenarios.ts"

/**
 * What is wrong, by kind: a credential is lost; the command does not come to rest; it rotated
 * twice; anything else.
 */
export type Fault = {
  readonly kind: "lost" | "stuck" | "double" | "wrong"
  readonly message: string
}

/** Right after the cut, with nothing but the disk: does a credential that is on it work, for each service? */
export async function judgeCut({ shop, scenario }: Lane): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  for (const service of shop.services) {
    const message = await lostBy(shop, service, scenario.rest === "deleted")
    if (message !== undefined) faults.push({ kind: "lost", message })
    const entry = scenario.rest === "deleted" ? undefined : await unknownEntry(shop, service)
    if (entry !== undefined) faults.push({ kind: "lost", message: entry })
  }
  if (showsKey(shop) && scenario.rest !== "deleted") {
    const known = [
      shop.options.empty === true ? "" : firstKey,
      ...(await loginsOf(shop.project, "session_key")).map(({ password }) => password),
    ]
    if (!known.includes(keyOf(shop)))
      faults.push({ kind: "lost", message: "the key in the file is in no version" })
  }
  return faults
}

/**
 * Undefined where nothing is lost. `erased`: it was asked that no login works in the end; whichever
 * still does must be on the disk.
 */
async function lostBy(shop: Shop, service: Service, erased: boolean): Promise<string | undefined> {
  const { project, role } = shop
  const sealed = (await loginsOf(project, service.secret)).flatMap(({ user = role, password }) =>
    password === undefined ? [] : [{ user, password }],
  )
  const onDisk = [...shownBy(shop, service), ...sealed].filter(({ password }) => password !== "")
  const answers: string[] = []
  for (const login of onDisk) {
    const answer = await answerTo(service, login)
    if (answer === "in") return undefined
    answers.push(answer)
  }
  // Before a first value there is none that could be lost.
  if ((erased || shop.options.empty === true) && (await service.holdsNothing())) return undefined
  return (
    `${service.secret}: none of ${onDisk.length} credentials on the disk is accepted ` +
    `(${answers.join(", ")})`
  )
}

/** Under load a server may give none in time: that is neither "in" nor a refusal. */
export async function answerTo(service: Service, login: Login): Promise<string> {
  for (let left = 5; ; left--) {
    const answer = await service.login(login)
    if (answer === "in" || answer === service.refusal || left === 1) return answer
    await Bun.sleep(500)
  }
}

/** What an entry shows must be known, or no way leads back from it. */
async function unknownEntry(shop: Shop, service: Service): Promise<string | undefined> {
  const shown = await service.shownElsewhere?.()
  if (shown === undefined) return undefined
  if (typeof shown === "string") return shown
  const sealed = await loginsOf(shop.project, service.secret)
  const known = ["", shop.old, ...sealed.map(({ password }) => password)]
  return known.includes(shown.password) ? undefined : "the login in the entry is in no version"
}

/** None where the file no longer has its lines. */
function shownBy(
  { project }: Shop,
  service: Service,
): readonly { readonly user: string; readonly password: string }[] {
  try {
    return [service.shown(project)]
  } catch {
    return []
  }
}

function showsKey({ options }: Shop): boolean {
  return options.two === true || options.generatedOnly === true
}
function keyOf({ project, options }: Shop): string {
  return project.variable("SESSION_KEY", options.two === true ? "session.env" : ".env")
}

/** What the state held after the cut: how often it may have rotated since. */
export type Middle = { readonly newest: Readonly<Record<string, number>> }

export async function middleOf({ shop }: Lane): Promise<Middle> {
  const document = await stateOf(shop.project)
  const newest = Object.entries(document?.secrets ?? {}).map(([name, { versions }]) => [
    name,
    newestOf(versions),
  ])
  return { newest: Object.fromEntries(newest) }
}

function newestOf(versions: readonly { readonly id: string }[]): number {
  return Math.max(0, ...versions.map(({ id }) => Number(id.slice(1))))
}

/** No journal, no revoke owed: looked at without any key, as a reader of metrics would. */
export function isAtRest({ shop }: Lane): boolean {
  const path = shop.project.statePath()
  if (!existsSync(path)) return true
  const document = JSON.parse(readFileSync(path, "utf8")) as StateDocument
  return (
    openSets(document).length === 0 &&
    Object.values(document.secrets).every(({ versions }) =>
      versions.every(({ stage }) => stage.kind === "current" || stage.kind === "retired"),
    )
  )
}

/** The journals that are open. */
export function openIds({ shop }: Lane): readonly string[] {
  const path = shop.project.statePath()
  return existsSync(path)
    ? openSets(JSON.parse(readFileSync(path, "utf8")) as StateDocument).map(({ id }) => id)
    : []
}

/** What the command may end with, when nothing disturbs it. */
export const exits: Readonly<Record<Scenario["rest"], readonly number[]>> = {
  rotated: [0],
  adopted: [0],
  back: [1],
  deleted: [0],
}

/** What a turn of the service may end with that finishes what a cut has left. */
export function turnExits({ rest }: Scenario): readonly number[] {
  return rest === "back" ? [0, 1] : [0]
}

/**
 * After one turn of the service, which is not asked to rotate: what the cut left is finished,
 * nothing new is begun.
 */
export async function judgeService(
  { shop, scenario }: Lane,
  once: Ran,
  middle: Middle,
): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  const note = (kind: Fault["kind"], message: string): void =>
    void faults.push({ kind, message: `after run --once: ${message}` })
  if (once.code === undefined || !turnExits(scenario).includes(once.code))
    note("stuck", `it ended with ${once.code ?? once.signal}: ${once.stdout}${once.stderr}`)
  const document = await stateOf(shop.project)
  if (openSets(document).length > 0) note("stuck", "the journal is open")
  // A deletion that was cut is finished by the same command, not by the service.
  if (scenario.rest === "deleted") return faults
  for (const name of Object.keys(document?.secrets ?? {})) {
    const versions = await loginsOf(shop.project, name)
    if (newestOf(versions) > (middle.newest[name] ?? 0))
      note("double", `${name} was rotated, which is not due`)
    if (versions.length > 0)
      for (const message of await secretFaults(shop, name, versions)) note("wrong", message)
  }
  for (const message of programFaults(shop)) note("wrong", message)
  return faults
}

/** After the same command was called again: everything is at rest, and as a person would want it. */
export async function judgeRest(lane: Lane, again: Ran, middle: Middle): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  const note = (kind: Fault["kind"], message: string): void => void faults.push({ kind, message })
  const { shop, scenario } = lane
  if (again.code === undefined || !exits[scenario.rest].includes(again.code))
    note(
      "stuck",
      `called again it ended with ${again.code ?? again.signal}: ${again.stdout}${again.stderr}`,
    )
  const document = await stateOf(shop.project)
  if (openSets(document).length > 0) note("stuck", "the journal is open")
  const expected = [
    ...shop.services.map(({ secret }) => secret),
    ...(showsKey(shop) ? ["session_key"] : []),
  ]
  for (const name of expected) {
    const versions = await loginsOf(shop.project, name)
    const found =
      scenario.rest === "deleted"
        ? await erasedFaults(shop, name, versions)
        : await secretFaults(shop, name, versions)
    for (const message of found) note("wrong", message)
    for (const message of doubleFaults(name, { again, middle, made: newestOf(versions) }))
      note("double", message)
  }
  for (const message of [...outsideFaults(lane), ...diskFaults(shop)]) note("wrong", message)
  return faults
}

/** One live value, the one that the file shows; every other is refused. */
async function secretFaults(
  shop: Shop,
  name: string,
  versions: readonly Sealed[],
): Promise<readonly string[]> {
  const faults = versions
    .filter(({ stage }) => !["current", "retired"].includes(stage))
    .map(({ id, stage }) => `${name} ${id} is left ${stage}`)
  const current = versions.filter(({ stage }) => stage === "current")
  const [live] = current
  if (live === undefined || current.length > 1)
    return [...faults, `${name} has ${current.length} current versions`]
  const { project, role } = shop
  const service = shop.services.find(({ secret }) => secret === name)
  if (service === undefined)
    return keyOf(shop) === live.password
      ? faults
      : [...faults, "the file shows another session key"]
  const shown = service.shown(project)
  if (shown.password !== live.password || shown.user !== (live.user ?? role))
    faults.push(`the file shows another login of ${name} than the current one`)
  const elsewhere = (await service.shownElsewhere?.()) ?? shown
  if (typeof elsewhere === "string") faults.push(elsewhere)
  else if (elsewhere.password !== live.password || elsewhere.user !== (live.user ?? role))
    faults.push(`the entry shows another login of ${name} than the current one`)
  const answer = await answerTo(service, shown)
  if (answer !== "in") faults.push(`the login of ${name} in the file is not accepted: ${answer}`)
  const dead = versions.filter(
    ({ stage, password }) => stage !== "current" && password !== undefined,
  )
  for (const { id, user = role, password = "" } of dead) {
    const said = await answerTo(service, { user, password })
    if (said !== service.refusal)
      faults.push(`${name} ${id}, which should be dead, is answered ${said}`)
  }
  return faults
}

/** No version, no line in a file, no login. */
async function erasedFaults(
  shop: Shop,
  name: string,
  versions: readonly Sealed[],
): Promise<readonly string[]> {
  const faults = versions.map(({ id }) => `${name} ${id} is left`)
  const service = shop.services.find(({ secret }) => secret === name)
  const variables = service === undefined ? ["SESSION_KEY"] : Object.keys(service.variables)
  const files = [".env", "session.env"]
    .filter((file) => shop.project.has(file))
    .map((file) => shop.project.read(file))
  for (const variable of variables)
    if (files.some((text) => text.includes(`${variable}=`)))
      faults.push(`${variable} is left in a file`)
  const elsewhere = await service?.shownElsewhere?.()
  if (typeof elsewhere === "string") faults.push(elsewhere)
  else if (elsewhere !== undefined && elsewhere.password !== "")
    faults.push(`the entry shows ${name}`)
  if (service !== undefined && !(await service.holdsNothing()))
    faults.push(`a login of ${name} is left`)
  return faults
}

type Sealed = Opened & { readonly user: string | undefined }

type Outcomes = Readonly<Record<string, { readonly kind: string }>>

/** A value that the cut run had begun is not followed by another one, unless it was taken back. */
function doubleFaults(
  name: string,
  about: { readonly again: Ran; readonly middle: Middle; readonly made: number },
): readonly string[] {
  const since = about.made - (about.middle.newest[name] ?? 0)
  const { reports = [] } = parse(about.again.stdout)
  const recovered = reports.some((report) => report.recovered[name]?.kind === "rotated")
  if (since > (recovered ? 0 : 1))
    return [`${name} was rotated ${since} times${recovered ? " after it was recovered" : ""}`]
  return []
}

function parse(stdout: string): {
  readonly reports?: readonly { readonly recovered: Outcomes; readonly outcomes: Outcomes }[]
} {
  try {
    return JSON.parse(stdout) as ReturnType<typeof parse>
  } catch {
    return {}
  }
}

/** The files are as they should be, and the programs hold what they show. */
function outsideFaults({ shop, scenario }: Lane): readonly string[] {
  const { project } = shop
  const faults: string[] = []
  if (scenario.rest === "back" && project.read(".env") !== project.read("good.env"))
    faults.push(".env is not as it was, byte for byte")
  if (
    !project.read(".env").includes("# the shop\nPORT=8080\n") ||
    !project.read(".env").endsWith('GREETING="hello, world"\n')
  )
    faults.push("another line of .env has changed")
  // A deletion restarts nothing.
  return scenario.rest === "deleted" ? faults : [...faults, ...programFaults(shop)]
}

function programFaults({ project, options }: Shop): readonly string[] {
  const programs = options.two
    ? [
        ["api", ".env"],
        ["web", "session.env"],
      ]
    : [["api", ".env"]]
  return programs.flatMap(([program = "", file = ""]) =>
    project.read(`${program}.loaded`) === project.read(file)
      ? []
      : [`${program} holds another ${file}`],
  )
}

/** Nothing is left lying about, nothing can be read by others, the log is whole. */
function diskFaults({ project }: Shop): readonly string[] {
  const faults: string[] = []
  const paths = [...below(project.folder), ...below(project.home)]
  for (const path of paths)
    if (path.endsWith(".mycelium-draft")) faults.push(`${basename(path)} is left`)
  for (const name of readdirSync(project.stateFolder))
    if (!/^production\.(json|lock|audit\.jsonl)$/.test(name))
      faults.push(`${name} is left in the store`)
  const files = [project.path(".env"), project.path("session.env")].filter((path) =>
    existsSync(path),
  )
  for (const path of [...below(project.store), ...files])
    if (!["0600", "0700"].includes(modeOf(path))) faults.push(`${path} has mode ${modeOf(path)}`)
  return [...faults, ...auditFaults(project)]
}
