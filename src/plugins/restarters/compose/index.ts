import { refuseChangeableFiles } from "../../../base/files/command-files.ts"
import { obstacleIn } from "../../../base/files/runnable.ts"
import { defineRestarter } from "../../../core/define.ts"
import type { Finding, Inspection } from "../../../core/ports.ts"
import { runHook } from "../../run-hook.ts"
import { changesOf, quiet } from "./changes.ts"
import { composeFiles } from "../../docker/compose-files.ts"
import { Docker, reasonOf } from "../../docker/docker.ts"
import {
  type Group,
  findGroup,
  inWords,
  isStopped,
  projectWords,
  scaleWords,
} from "../../docker/group.ts"
import { type ComposeOptions, composeOptions, composeSchema } from "../../docker/options.ts"
import { mustRunAnew } from "./prove.ts"
import { openVariables, otherReach, reachOf } from "./reach.ts"
import { readersOf } from "./readers.ts"
import { type Seen, isAsSeen, seeNow } from "./untouched.ts"

/**
 * Recreates services of Docker Compose as they run: `restart` does not read `env_file` again, `up
 * --force-recreate` does. The containers are found by Compose's labels, whatever started them, so
 * that no second project comes into being.
 */
export const compose = defineRestarter({
  type: "compose",
  summary: "recreates services of Docker Compose",
  options: composeSchema(),
  open: (written, context) => {
    const options = composeOptions(written)
    const docker = new Docker(options, context)
    const seen: SeenBefore = { staysStopped: false }
    return {
      label: `${labelOf(options)}, recreated`,
      runs: { argv: docker.compose, folder: context.folder },
      follows: composeFiles(options, context.folder),
      inspect: async (targets, signal) => {
        const group = await findGroup(docker, options, signal)
        seen.group = group
        seen.staysStopped = isStopped(group)
        seen.state = await seeNow(group, targets)
        seen.reach =
          (await openVariables(group)) === undefined
            ? undefined
            : await reachOf(docker, group, { options, signal }).catch(() => undefined)
        const found = await inspect(docker, options, group, { targets, signal })
        seen.wasChanged = found.findings.some(({ code }) => code === "compose-changed")
        return found
      },
      restart: (mark, signal, { checked } = { checked: false }) =>
        restart(docker, options, seen, { mark, checked, signal }),
    }
  },
})

/** What the look before a rotation has found, and how far its restart has come. */
type SeenBefore = {
  /** It is not looked for again while programs are cut off. */
  group?: Group | undefined
  staysStopped: boolean
  state?: Seen
  /** What it may do on this machine; undefined where Compose did not say. */
  reach?: string | undefined
  /** What would be deployed was not what ran, before anything was touched. */
  wasChanged?: boolean
  /** The mark of a restart that has failed. */
  failed?: string | undefined
}

type Restart = { readonly mark: string; readonly checked: boolean; readonly signal: AbortSignal }

async function restart(
  docker: Docker,
  options: ComposeOptions,
  seen: SeenBefore,
  { mark, checked, signal }: Restart,
): Promise<void> {
  const group = seen.group ?? (await findGroup(docker, options, signal))
  seen.group = undefined
  await refuseChangeableFiles([...composeFiles(options, docker.folder), ...group.files])
  if (!options.allowChanges) await refuseOtherReach(docker, options, group, { seen, signal })
  // Only what was stopped before: a container that ended because of the new value must be there
  // again after a way back.
  if (seen.staysStopped && isStopped(group)) return
  if (seen.failed === mark && (await isUntouched(options, seen, group))) return
  seen.failed = mark
  const hook = {
    label: labelOf(options),
    argv: upArgv(docker, options, group),
    cwd: docker.folder,
    env: docker.env,
    reasonOf,
  }
  await runHook(hook, mark, signal)
  seen.failed = undefined
  await mustRunAnew(docker, group, { services: options.services, checked, signal })
}

/** Another user who can write variables for Compose does not choose what is deployed. */
async function refuseOtherReach(
  docker: Docker,
  options: ComposeOptions,
  group: Group,
  { seen, signal }: { readonly seen: SeenBefore; readonly signal: AbortSignal },
): Promise<void> {
  const file = await openVariables(group)
  if (file === undefined) return
  if (seen.wasChanged === true) throw otherReach(options.services, file, "")
  if (seen.reach === undefined) return
  const now = await reachOf(docker, group, { options, signal })
  if (now !== seen.reach)
    throw otherReach(options.services, file, " since this rotation has looked at it")
}

/** After a restart that failed before it touched anything, what runs holds what the files say. */
async function isUntouched(
  { allowChanges }: ComposeOptions,
  { state }: SeenBefore,
  group: Group,
): Promise<boolean> {
  return !allowChanges && state !== undefined && isAsSeen(state, group)
}

function labelOf({ services }: ComposeOptions): string {
  return `compose ${services.join(", ")}`
}

function upArgv(docker: Docker, options: ComposeOptions, group: Group): readonly string[] {
  const words = projectWords(group, options, docker.folder)
  return [
    ...docker.compose,
    ...words,
    "up",
    "-d",
    ...quiet,
    "--force-recreate",
    ...scaleWords(group),
    ...options.services,
  ]
}

type About = { readonly targets: readonly string[]; readonly signal: AbortSignal }

async function inspect(
  docker: Docker,
  options: ComposeOptions,
  group: Group,
  { targets, signal }: About,
): Promise<Inspection> {
  const restarts = options.services.map((service) => `${group.project}/${service}`)
  const [writable, changes, readers] = await Promise.all([
    writableFiles(group),
    isStopped(group) ? [] : changesOf(docker, options, group, signal),
    readersOf(docker, options, group, { targets, signal }).catch(() => []),
  ])
  const replaces = isStopped(group) ? `${inWords(group)}: stopped, stays stopped` : inWords(group)
  return { findings: [...writable, ...changes], replaces, restarts, readers }
}

/** The files that it was started with may be others than the config leads to. */
async function writableFiles({ files }: Group): Promise<readonly Finding[]> {
  const found = await Promise.all(
    files.map(async (file) => ({ file, obstacle: await obstacleIn(file) })),
  )
  return found.flatMap(({ file, obstacle }): readonly Finding[] =>
    obstacle === undefined
      ? []
      : [
          {
            code: obstacle.code,
            severity: "error",
            message: `${file}, which Compose follows, ${obstacle.message}`,
            remedy: obstacle.remedy,
          },
        ],
  )
}
