import type { App } from "../../app/app.ts"
import { Daemon } from "../../app/service/daemon.ts"
import { present } from "../../base/present.ts"
import {
  leftEnvironments,
  leftSecrets,
  sayLeftEnvironment,
  sayLeftSecret,
} from "../../check/left-environments.ts"
import type { ServiceEvents } from "../../app/service/events.ts"
import { AppError, describeError } from "../../base/error.ts"
import { lastWords } from "../../base/processes/last-words.ts"
import { giveBackMemory } from "../../base/system/memory.ts"
import { configDigest } from "../../config/digest.ts"
import type { Config, EnvironmentConfig } from "../../config/model.ts"
import { type Manager, reloadingLines, serviceManager } from "../../base/system/notify.ts"
import { reapOrphans } from "../../base/processes/reap.ts"
import { newSecrets, sayNew } from "../../plan/new-secrets.ts"
import { markService, unmarkService } from "../../record/service-mark.ts"
import { readState } from "../../record/state-file.ts"
import { type Command, type Terminal, type Values, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"
import { once } from "../once.ts"
import { watcher } from "../service-events.ts"
import { type Say, logFormOf, logger } from "../service-log.ts"
import { Metrics } from "../service-metrics.ts"
import { Notices } from "../service-notices.ts"

export const run: Command = {
  usage: [
    "The service: waits for the schedule, rotates what is due, revokes what is past its grace, finishes",
    "what was interrupted. SIGTERM ends it between two steps. SIGHUP reads the config again (a wrong one",
    "is reported, and the old one stays).",
  ].join("\n"),
  options: {
    once: {
      type: "boolean",
      summary: "do what is due in each environment, then end: for timers and CronJobs",
    },
    log: {
      type: "string",
      value: "FORM",
      summary:
        "text, json (as --json), or journal: no time, and the priority in front, as journald takes it",
    },
    "metrics-file": {
      type: "string",
      value: "FILE",
      summary:
        "with --once: write metrics for Prometheus there, for the textfile collector of node_exporter, " +
        "which reads names that end in .prom",
    },
  },
  run: async (terminal, _, values) => {
    const say = logger(terminal, logFormOf(values))
    refuseFileOfService(values)
    const opened = await openService(terminal, values, say)
    const manager = serviceManager(terminal.host.env, terminal.pid)
    // Another config: what is said from then on is said by it.
    const now = { app: opened }
    const notices = new Notices(say)
    const noted = notices.beside(watcher(say, () => now.app, manager))
    await notices.begin(opened, isSet(values, "once") ? "once" : "service")
    if (isSet(values, "once")) {
      const code = await onceMeasured(opened, noted, { terminal, say, file: metricsFile(values) })
      await notices.end(opened)
      // Last: what a turn has ended is owed no more, and no run reaches what is left.
      return (await tellLeft(opened.config, say)) ? exitCodes.person : code
    }
    await tellLeft(opened.config, say)
    await noteLoaded(opened)
    const metrics = new Metrics(say, { uid: terminal.uid, gid: process.getgid?.() ?? 0 })
    const watch = metrics.beside(noted)
    const app = (now.app = await metrics.begin(opened))
    const daemon = new Daemon(app, watch)
    terminal.onReload(
      () =>
        void announced(manager, () =>
          reload(terminal, values, say, async (next) => {
            await notices.begin(next, "service")
            daemon.reload((now.app = await metrics.begin(next)))
          }).then((isNew) => (isNew ? undefined : metrics.notReloaded())),
        ),
    )
    const code = await serve(daemon, app.config, { terminal, manager, say })
    metrics.end()
    await notices.end(now.app)
    await unmarkService(now.app.config)
    return code
  },
}

function metricsFile(values: Values): string | undefined {
  return textOf(values, "metrics-file")
}

function refuseFileOfService(values: Values): void {
  const file = metricsFile(values)
  if (file === "") throw new AppError("usage", "--metrics-file needs the name of a file")
  if (file !== undefined && !isSet(values, "once"))
    throw new AppError("usage", "--metrics-file is for a run that ends: --once", {
      hint: "a service is asked at an address: write listen: 127.0.0.1:9187 into the config",
    })
}

type Measured = Pick<Around, "terminal" | "say"> & { readonly file: string | undefined }

async function onceMeasured(
  app: App,
  watch: ServiceEvents,
  { terminal, say, file }: Measured,
): Promise<number> {
  if (file === undefined) return once(app, watch)
  const { MetricsFile } = await import("../once-metrics.ts")
  const metrics = new MetricsFile(app, { path: file, cwd: terminal.cwd })
  return metrics.write(say, await once(app, metrics.beside(watch)))
}

type Around = { readonly terminal: Terminal; readonly manager: Manager; readonly say: Say }

/** Until a signal ends it. */
async function serve(
  daemon: Daemon,
  config: Config,
  { terminal, manager, say }: Around,
): Promise<number> {
  terminal.stop.addEventListener(
    "abort",
    () => void manager.tell("STOPPING=1", "STATUS=ends what is under way"),
  )
  const reaper = terminal.pid === 1 ? setInterval(() => void reapOrphans(), 10_000) : undefined
  say("info", "started", {
    environments: Object.keys(config.environments).length,
    store: config.store,
  })
  await manager.tell("READY=1")
  await daemon.run()
  clearInterval(reaper)
  const left = lastWords()
  if (left.cutOff)
    for (const message of left.lines)
      say("error", "cut off", {
        message,
        hint: left.hints("start mycelium again: it finishes what was begun").join("; "),
      })
  say("info", "stopped", {})
  return left.cutOff ? exitCodes.person : exitCodes.done
}

/**
 * A service's steps are events of its log. What it holds for months is packed; nothing of this
 * function outlives it.
 */
async function openService(terminal: Terminal, values: Values, say: Say): Promise<App> {
  const packed = await loadPacked(terminal, values)
  giveBackMemory()
  return {
    ...packed.app,
    config: JSON.parse(packed.config) as Config,
    onProgress: (environment, step, message, secret) =>
      say("info", step, { environment, ...present({ secret }), message }),
    notice: (environment, step, message) => say("warning", step, { environment, message }),
  }
}

/**
 * Parsed data lies among what parsing has left and keeps all of those pages in use; as text it can
 * wait until they are given back.
 */
async function loadPacked(
  terminal: Terminal,
  values: Values,
): Promise<{ readonly app: Omit<App, "config">; readonly config: string }> {
  const { config, ...app } = await openApp(terminal, values, "run")
  return { app, config: JSON.stringify(config) }
}

/**
 * What no run will ever reach, because the config no longer has that environment or secret. True if
 * there is any.
 */
async function tellLeft(config: Config, say: Say): Promise<boolean> {
  const environments = (await leftEnvironments(config).catch(() => [])).filter(
    ({ debts }) => debts.length > 0,
  )
  for (const one of environments)
    say("error", "owed out of the config", {
      environment: one.name,
      code: "debt-unlisted",
      message: sayLeftEnvironment(one),
      hint: one.remedy,
    })
  const secrets = await Promise.all(
    Object.values(config.environments).map((one) => tellLeftSecrets(config, one, say)),
  )
  return environments.length > 0 || secrets.includes(true)
}

async function tellLeftSecrets(
  { store, project }: Config,
  environment: EnvironmentConfig,
  say: Say,
): Promise<boolean> {
  const place = { store, project, environment: environment.name }
  // What cannot be read is told by its turn.
  const document = await readState(place).catch(() => null)
  const fresh = document === null ? [] : newSecrets(document, environment.secrets)
  if (fresh.length > 0)
    say("warning", "without a value", { environment: environment.name, message: sayNew(fresh) })
  const left = leftSecrets(environment, document ?? undefined)
  for (const one of left)
    say("error", "owed out of the config", {
      environment: environment.name,
      secret: one.secret,
      code: "debt-unlisted",
      message: sayLeftSecret(one),
      hint: one.remedy,
    })
  return left.length > 0
}

/** For `status` and `check`: what is edited from here on is not loaded. */
async function noteLoaded({ config, host }: App): Promise<void> {
  const loadedAt = host.now().toISOString()
  await markService(config, { loadedAt, digest: configDigest(config) })
}

/** A wrong config is reported; the service keeps the one that it has. True: it has a new one. */
async function reload(
  terminal: Terminal,
  values: Values,
  say: Say,
  take: (app: App) => Promise<void>,
): Promise<boolean> {
  try {
    const app = await openService(terminal, values, say)
    await take(app)
    await noteLoaded(app)
    await tellLeft(app.config, say)
    say("info", "reloaded", { environments: Object.keys(app.config.environments).length })
    return true
  } catch (error) {
    const { code, message } = describeError(error)
    say("error", "not reloaded, the old config stays", { code, message })
    return false
  }
}

/** A service manager that asked for a reload waits until the service is ready, with either config. */
async function announced(manager: Manager, act: () => Promise<void>): Promise<void> {
  await manager.tell(...reloadingLines())
  await act()
  await manager.tell("READY=1")
}
