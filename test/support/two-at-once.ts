import { auditFaults, stateOf, versionsOf } from "./sealed.ts"
import { type Project, type Ran, binary, layOut } from "./mycelium.ts"

/** Two secrets of one environment in one .env, and two commands at the same time, each for one of them. */
export async function openTwo(): Promise<Project> {
  const project = await layOut(
    {},
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { one: "generated", other: "generated" },
          outputs: [
            {
              dotenv: ".env",
              variables: { ONE: "{{ one.password }}", OTHER: "{{ other.password }}" },
            },
          ],
        },
      },
    },
  )
  for (const args of [["init"], ["rotate-now", "production", "--new"]]) await done(project, args)
  return project
}

export async function done(project: Project, args: readonly string[]): Promise<Ran> {
  const ran = await project.mycelium(args)
  if (ran.code !== 0)
    throw new Error(
      `${args.join(" ")} ended with ${ran.code ?? ran.signal}: ${ran.stdout}${ran.stderr}`,
    )
  return ran
}

export type Pairs = {
  /** Pairs of which the second had to be called again, for the first held the lock. */
  readonly refused: number
  readonly faults: readonly string[]
}

/**
 * `count` pairs of commands, the two of each at once; one that is refused is called again when the
 * other is done.
 */
export async function rotatePairs(project: Project, count: number): Promise<Pairs> {
  const faults: string[] = []
  let refused = 0
  for (let pair = 1; pair <= count; pair++) {
    const ran = await Promise.all(
      ["one", "other"].map(async (name) => ({
        name,
        ...(await project.mycelium(["rotate-now", `production/${name}`])),
      })),
    )
    const locked = ran.filter(({ code }) => code === 6)
    if (locked.length > 0) refused++
    if (locked.length === 2) faults.push(`pair ${pair}: each was refused because of the other`)
    for (const { name, code, signal, stdout, stderr } of ran) {
      if (code === 6 && !/being worked on by mycelium rotate-now, process \d+/.test(stderr))
        faults.push(`pair ${pair}: the refusal names no holder: ${stderr}`)
      else if (code !== 0 && code !== 6)
        faults.push(`pair ${pair}: ${name} ended with ${code ?? signal}: ${stdout}${stderr}`)
    }
    for (const { name } of locked) await done(project, ["rotate-now", `production/${name}`])
    for (const message of await lostUpdates(project, pair)) faults.push(`pair ${pair}: ${message}`)
  }
  return { refused, faults }
}

/**
 * After `rotations` of each: version numbers without a gap or a double, one current value each,
 * both in the file.
 */
async function lostUpdates(project: Project, rotations: number): Promise<readonly string[]> {
  const faults = [...auditFaults(project)]
  if ((await stateOf(project))?.changeSet !== undefined) faults.push("the journal is open")
  for (const name of ["one", "other"]) {
    const versions = await versionsOf(project, name)
    const current = versions.filter(({ stage }) => stage === "current")
    if (current.length !== 1 || current[0]?.id !== `v${rotations + 1}`)
      faults.push(
        `${name}: current is ${current.map(({ id }) => id).join(" and ")}, not v${rotations + 1}`,
      )
    if (versions.some(({ stage }) => stage !== "current" && stage !== "retired"))
      faults.push(`${name}: a version is left over`)
    if (project.variable(name.toUpperCase()) !== current[0]?.password)
      faults.push(`${name}: the file shows another value than the current one`)
  }
  return faults
}

export type Child = AsyncDisposable & {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">
  readonly said: () => string
}

/** The binary as a child whose words are kept as they come. */
export function start(
  project: Project,
  args: readonly string[],
  under: readonly string[] = [],
): Child {
  const child = Bun.spawn([...under, binary, ...args], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let text = ""
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  const ended = Promise.all([collect(child.stdout), collect(child.stderr)])
  return {
    child,
    said: () => text,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await Promise.all([child.exited, ended])
    },
  }
}

/** From now on a restart of the api says that it has begun, and waits until it may go on. */
export function holdRestarts(project: Project): void {
  project.script(
    "restart-api",
    "touch begun",
    "until [ -e go ]; do sleep 0.02; done",
    "cp .env api.loaded",
    "echo restarted >> api.log",
  )
}
