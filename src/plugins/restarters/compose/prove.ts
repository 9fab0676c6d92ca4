import { AppError } from "../../../base/error.ts"
import { type Container, containersOf } from "../../docker/containers.ts"
import type { Docker } from "../../docker/docker.ts"
import type { Group } from "../../docker/group.ts"

/** Between two looks at containers that are starting (ms). */
const lookAgainMs = 250
/**
 * How long (ms) a container must run in one go before it counts as up, if it has no health check.
 */
const steadyMs = 2000
/** A program that its restart policy has started this often is unhealthy. */
const restartsMost = 3

type How = {
  readonly services: readonly string[]
  readonly checked: boolean
  readonly signal: AbortSignal
}

/**
 * Compose is content with a program that ends the moment after: the containers must be new ones,
 * running, and healthy by their own check; with no check at all, still the same start of them after
 * a while.
 */
export async function mustRunAnew(docker: Docker, before: Group, options: How): Promise<void> {
  const old = new Set(before.containers.map(({ id }) => id))
  let steady: { readonly starts: string; readonly since: number } | undefined
  for (;;) {
    const now = await containersOf(
      docker,
      { services: options.services, project: before.project },
      options.signal,
    )
    throwIfFailed(now, before, { old, services: options.services })
    const isUpNow = now.every(isUp)
    if (isUpNow && (options.checked || now.every(({ health }) => health !== undefined))) return
    const starts = now
      .map(({ id, startedAt }) => `${id} ${startedAt}`)
      .toSorted()
      .join()
    if (!isUpNow) steady = undefined
    else if (steady?.starts !== starts) steady = { starts, since: performance.now() }
    else if (performance.now() - steady.since >= steadyMs) return
    if (options.signal.aborted)
      throw notRunning(now.find((one) => !isUp(one)) ?? now[0], "not healthy yet by its own check")
    await Bun.sleep(lookAgainMs)
  }
}

type About = { readonly old: ReadonlySet<string>; readonly services: readonly string[] }

function throwIfFailed(now: readonly Container[], before: Group, { old, services }: About): void {
  for (const one of now) {
    const fault = faultOf(one, old)
    if (fault !== undefined) throw notRunning(one, fault)
  }
  if (now.length >= before.containers.length) return
  const message =
    `project ${before.project} has ${now.length} containers of ${services.join(", ")} after the ` +
    `restart, and had ${before.containers.length}`
  throw new AppError("restart-failed", message, { remedy: "retry" })
}

function isUp({ state, health }: Container): boolean {
  return state === "running" && (health === undefined || health === "healthy")
}

function faultOf(
  { id, state, exitCode, health, restarts }: Container,
  old: ReadonlySet<string>,
): string | undefined {
  if (old.has(id)) return "still the one from before the restart"
  if (["exited", "dead"].includes(state)) return `${state} (code ${exitCode})`
  if (restarts >= restartsMost)
    return "started again and again by its restart policy, for its program ends"
  return health === "unhealthy" ? "unhealthy by its own check" : undefined
}

function notRunning(container: Container | undefined, fault: string): AppError {
  const name = container?.name ?? ""
  return new AppError("restart-failed", `container ${name} is ${fault}`, {
    remedy: "retry",
    hint: `docker logs ${name} says why`,
  })
}
