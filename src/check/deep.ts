import { readFileSync, existsSync } from "node:fs"
import { harden } from "../base/system/harden.ts"
import { networkOf } from "../base/files/file-system.ts"
import { pickEnvironment } from "../base/processes/pick-environment.ts"
import { run } from "../base/processes/spawn.ts"
import { type Result, runCheck } from "./self-tests/check.ts"
import { credentials } from "./self-tests/credentials.ts"
import { entries } from "./self-tests/entries.ts"
import { git } from "./self-tests/git.ts"
import { hooks } from "./self-tests/hooks.ts"
import { logins } from "./self-tests/logins.ts"
import { outputs } from "./self-tests/outputs.ts"
import { places } from "./self-tests/places.ts"
import { restarts } from "./self-tests/restarts.ts"
import { seal } from "./self-tests/seal.ts"
import { settings } from "./self-tests/settings.ts"
import { shared } from "./self-tests/shared.ts"
import type { Environment } from "./self-tests/state.ts"
import { surroundings } from "./self-tests/surroundings.ts"
import { statOf } from "./self-tests/path-stat.ts"
import { trustOf } from "../config/trust.ts"
import { heldBy } from "../core/change-set.ts"
import { dueBy, sayNextTry } from "../plan/status.ts"
import type { Keys } from "../record/keys.ts"
import type { Checked, How } from "./request.ts"
import { credentialsOf } from "./credentials.ts"
import { entriesOf } from "./entries.ts"
import { identityPath, outputsOf } from "./files.ts"
import { isMine } from "./identity.ts"
import { MountGate } from "../base/files/mount-gate.ts"
import { nearestFolder } from "./nearest-folder.ts"
import { outputPlaces } from "./places.ts"
import { openDeployment } from "../app/open-plugins.ts"
import {
  clearLogins,
  deploymentSettings,
  unreadSettings,
  hooksOf,
  referencesOf,
  secretSettings,
  unguardedOptions,
} from "./settings.ts"
import { scheduleOf } from "../app/schedule-of.ts"
import { tlsFilesOf } from "./tls-files.ts"
import { allStates, openedKeys, shownBy, verifiers } from "./sealed.ts"

/**
 * The checks that need keys, the schedule or other programs; each is under way when this resolves.
 * `accepted`: filled by the logins.
 */
export async function deepChecks(
  checked: Checked,
  environments: readonly Environment[],
  options: How,
  accepted: Set<string>,
): Promise<readonly Promise<Result>[]> {
  const { config, me, gate = new MountGate() } = checked
  const { memory } = await harden()
  const opened = await openedKeys(checked, environments)
  const keys = "keys" in opened ? opened.keys : undefined
  return [
    runCheck(seal, {
      closed: "closed" in opened ? opened.closed : undefined,
      mine: isMine(config.store, me),
      verify: keys === undefined ? {} : verifiers(checked, keys, environments),
      retired: keys?.retired?.length ?? 0,
    }),
    ...(keys === undefined
      ? []
      : [runCheck(outputs, await shownBy(checked, keys, environments, options))]),
    runCheck(places, await outputPlaces(checked, me)),
    runCheck(shared, {
      documents: await allStates(config, environments),
      isListed: (place) => isOurs(config, place) && isListed(config, place),
      isLeft: (place) => isOurs(config, place) && !isListed(config, place),
    }),
    runCheck(hooks, hooksOf(config, gate)),
    ...restartsOf(checked),
    settingsOf(checked, environments, gate),
    ...surroundingsOf(checked, memory),
    ...(options.connect ? await connecting(checked, keys, environments, accepted) : []),
  ]
}

/** What the config says that it had better not. */
function settingsOf(
  { config, host, me, plugins }: Checked,
  environments: readonly Environment[],
  gate: MountGate,
): Promise<Result> {
  return runCheck(settings, {
    trust: () => trustOf(config, me),
    references: [...referencesOf(config, host, gate), ...tlsFilesOf(config, gate)],
    unguarded: unguardedOptions(config),
    clear: clearLogins(config, plugins),
    secrets: secretSettings(config, plugins, environments),
    deployments: deploymentSettings(config),
    unread: unreadSettings(config),
    now: host.now(),
  })
}

/** What else could take a value from this machine. */
function surroundingsOf(
  checked: Checked,
  memory: Awaited<ReturnType<typeof harden>>["memory"],
): readonly Promise<Result>[] {
  const { config, host, me } = checked
  return [
    runCheck(git, {
      files: watchedFiles(checked),
      run,
      env: pickEnvironment(["HOME", "XDG_CONFIG_HOME"], host.env),
    }),
    runCheck(surroundings, {
      uid: me.uid,
      memoryIsClosed: memory,
      limits: limits(),
      store: config.store,
      storeOwner: statOf(config.store)?.uid,
      storeIsRemote: networkOf(nearestFolder(config.store)) !== undefined,
    }),
  ]
}

/** `check --connect`: what managers and services say. */
async function connecting(
  checked: Checked,
  keys: Keys | undefined,
  environments: readonly Environment[],
  accepted: Set<string>,
): Promise<readonly Promise<Result>[]> {
  const withinMs = 10_000
  const held = credentialsOf(checked)
  const asked = [
    runCheck(entries, { entries: entriesOf(checked), withinMs }),
    ...(held.length === 0 ? [] : [runCheck(credentials, { credentials: held, withinMs })]),
  ]
  if (keys === undefined) return asked
  const { loginsOf } = await import("./logins.ts")
  return [
    ...asked,
    runCheck(logins, { logins: loginsOf(checked, keys, environments), withinMs, accepted }),
  ]
}

/** "shop/production/db" */
function isOurs({ project }: Checked["config"], place: string): boolean {
  return place.split("/")[0] === project
}
function isListed({ environments }: Checked["config"], place: string): boolean {
  const [, environment = "", secret = ""] = place.split("/")
  return environments[environment]?.secrets[secret] !== undefined
}

/** When what has failed is tried next, in the words of `status`. */
export function nextTries(
  { config, host }: Checked,
  environments: readonly Environment[],
): (environment: string, secret: string) => string {
  return (name, secret) => {
    const document = environments.find((one) => one.name === name)?.document
    const state = document?.secrets[secret]
    const options = config.environments[name]
    if (state?.retry === undefined || options === undefined) return ""
    return sayNextTry(
      state.retry,
      dueBy(scheduleOf(options), state, options.secrets[secret]?.rotateEveryMs ?? null),
      { now: host.now(), held: heldBy(document, secret) },
    )
  }
}

/** Left out where no restarter can be asked: nothing is said of what was not looked at. */
function restartsOf({ config, plugins, host, stop, silent }: Checked): readonly Promise<Result>[] {
  const all = Object.values(config.environments).flatMap((environment) =>
    environment.deployments.map((deployment) => ({
      place: `${environment.name}/${deployment.name}`,
      deployment: openDeployment({ plugins, host }, environment, {
        ...deployment,
        reads: deployment.reads.filter((target) => silent?.has(target) !== true),
      }),
    })),
  )
  const asked = all.filter(
    ({ deployment }) =>
      deployment.restarter.inspect !== undefined || deployment.health?.limits !== undefined,
  )
  return asked.length === 0 ? [] : [runCheck(restarts, { restarts: asked, stop })]
}

function watchedFiles(
  checked: Checked,
): readonly { readonly path: string; readonly what: string }[] {
  const identity = identityPath(checked.config, checked.host)
  const outputFiles = outputsOf(checked).flatMap(({ target, files, environment }) =>
    (files ?? [target]).map((path) => ({ path, what: `an output of ${environment}` })),
  )
  return identity === undefined || !existsSync(identity)
    ? outputFiles
    : [...outputFiles, { path: identity, what: "the identity" }]
}

/** After `harden`: what a run would have. */
function limits(): string | undefined {
  try {
    return readFileSync("/proc/self/limits", "utf8")
  } catch {
    return undefined
  }
}
