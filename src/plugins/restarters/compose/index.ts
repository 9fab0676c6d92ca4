import { obstacleIn } from "../../../base/files/runnable.ts"
import { defineRestarter } from "../../../core/define.ts"
import type { Finding, Inspection } from "../../../core/ports.ts"
import { programPath } from "../../hook-argv.ts"
import { runHook } from "../../run-hook.ts"
import { changesOf, quiet } from "./changes.ts"
import {
  type Group,
  composeFiles,
  findGroup,
  inWords,
  isStopped,
  projectWords,
  scaleWords,
} from "../../docker/containers.ts"
import { Docker, reasonOf } from "../../docker/docker.ts"
import { type ComposeOptions, Options, composeOptions } from "../../docker/options.ts"
import { mustRunAnew } from "./prove.ts"
import { readersOf } from "./readers.ts"
import { type Seen, isAsSeen, seeNow } from "./untouched.ts"

/**
 * Recreates services of Docker Compose as they run: `restart` does not read `env_file` again, `up
 * --force-recreate` does.
 * The containers are found by Compose's labels, whatever started them, so that no second project
 * comes into being.
 */
export const compose = defineRestarter({
  type: "compose",
  summary: "recreates services of Docker Compose",
  options: Options,
  open: (written, context) => {
    const options = composeOptions(written)
    const docker = new Docker(options, context)
    const message = `compose ${options.services.join(", ")}`
    // What the look before the rotation has found is not looked for again while programs are cut
    // off.
    let found: Group | undefined
    let staysStopped = false
    let seen: Seen | undefined
    let failed: string | undefined
    return {
      label: `${message}, recreated`,
      ...programPath([...options.command], context.folder),
      follows: composeFiles(options, context.folder),
      inspect: async (targets, signal) => {
        found = await findGroup(docker, options, signal)
        staysStopped = isStopped(found)
        seen = await seeNow(found, targets)
        return inspect(docker, options, found, { targets, signal })
      },
      restart: async (mark, signal, { checked } = { checked: false }) => {
        const group = found ?? (await findGroup(docker, options, signal))
        found = undefined
        // Only what was stopped before: a container that ended because of the new value must be
        // there again after a way back.
        if (staysStopped && isStopped(group)) return
        // The way back of a restart that failed before it touched anything: what runs holds what
        // the files say.
        if (
          failed === mark &&
          !options.allowChanges &&
          seen !== undefined &&
          (await isAsSeen(seen, group))
        )
          return
        failed = mark
        await runHook(
          {
            label: message,
            argv: upArgv(docker, options, group),
            cwd: docker.folder,
            env: docker.env,
            reasonOf,
          },
          mark,
          signal,
        )
        failed = undefined
        await mustRunAnew(docker, group, { services: options.services, checked, signal })
      },
    }
  },
})

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
