import { z } from "zod"
import { AppError } from "../../../base/error.ts"
import { markVariable } from "../../../base/processes/marked-processes.ts"
import { runTrusted } from "../../../base/processes/run-trusted.ts"
import { defineRestarter, type HookContext } from "../../../core/define.ts"
import { Argv, argvOf, hookEnvironment } from "../../hook-argv.ts"
import { type Hook, runHook } from "../../run-hook.ts"
import { type ReadFiles, areAsRead, readFilesNow } from "../../read-files.ts"
import { lookAtUnit, lookedAt, refusalIn } from "./unit.ts"

/**
 * Restarts a service of systemd, and asks whether it is active afterwards: `systemctl restart` is
 * content with a program that ends the moment after. That it runs well is for the health check to
 * say; where there is none, it is watched for a while.
 */

// systemd's own letters, without those of patterns: a name is never an option, and never means
// several units.
const Unit = z
  .string()
  .max(255, "the name of a unit has at most 255 characters")
  .regex(
    /^[a-zA-Z0-9:_.\\][a-zA-Z0-9:_.\\-]*(@[a-zA-Z0-9:_.\\-]+)?\.service$/,
    "expected the full name of a service: shop-worker.service",
  )
const Full = z.strictObject({
  unit: Unit.meta({
    description: "The full name of the service",
    examples: ["shop-worker.service"],
  }),
  user: z
    .boolean("expected true or false")
    .optional()
    .meta({
      description: "A service of this user's own manager, not of the system's",
      default: false,
      examples: [true],
    }),
  reload: z
    .boolean("expected true or false")
    .optional()
    .meta({
      description: "Reload, not restart: for a program that reads its files again",
      default: false,
      examples: [true],
    }),
  command: Argv()
    .optional()
    .meta({
      description: "What to run in place of systemctl",
      default: ["systemctl"],
      examples: [["sudo", "-n", "systemctl"]],
    }),
})

const states = [
  "active",
  "reloading",
  "inactive",
  "failed",
  "activating",
  "deactivating",
  "maintenance",
]

export const systemd = defineRestarter({
  type: "systemd",
  summary: "restarts a service of systemd",
  options: z
    .union([Unit, Full], {
      error: "expected the name of a service, shop-worker.service, or { unit, user, reload }",
    })
    .meta({ examples: ["shop-worker.service", { unit: "shop-worker.service", reload: true }] }),
  open: (options, context) => {
    const full: z.output<typeof Full> = typeof options === "string" ? { unit: options } : options
    const hook = systemctlOf(full, context)
    const act = full.reload === true ? "reload" : "restart"
    const look = (signal: AbortSignal) => lookAtUnit(hook("show", lookedAt), full.unit, signal)
    let seen: { readonly running: string; readonly files: ReadFiles } | undefined
    let refused: string | undefined
    return {
      label: `${labelOf(full)}, ${act}ed`,
      runs: { argv: hook(act).argv, folder: context.folder },
      inspect: async (targets, signal) => {
        const [running, files] = [await look(signal), await readFilesNow(targets)]
        seen = running === undefined ? undefined : { running, files }
        return { findings: [], restarts: [], readers: [] }
      },
      restart: async (mark, signal, { checked } = { checked: false }) => {
        // The way back of a restart that systemd refused: what runs holds what the files say.
        if (refused === mark && seen !== undefined && (await areAsRead(seen.files))) {
          const running = await look(signal).catch(() => undefined)
          if (running === seen.running) return
        }
        const acting: Hook = {
          ...hook("--no-ask-password", act),
          reasonOf: (result) => {
            const refusal = refusalIn(result)
            if (refusal !== undefined) refused = mark
            return refusal
          },
        }
        await runHook(acting, mark, signal)
        await mustBeActive(hook("is-active"), mark, signal)
        if (!checked)
          await mustStayActive(
            { active: hook("is-active"), invocation: hook("show", "--property=InvocationID") },
            mark,
            signal,
          )
      },
    }
  },
})

function labelOf({ unit }: z.output<typeof Full>): string {
  return `systemd ${unit}`
}

/** `systemctl WORDS… -- UNIT`. */
function systemctlOf(
  full: z.output<typeof Full>,
  context: HookContext,
): (...words: readonly string[]) => Hook {
  const { unit, command = ["systemctl"], user = false } = full
  const systemctl = [...argvOf(command, context.folder), ...(user ? ["--user"] : [])]
  const variables = user ? ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] : []
  return (...words) => ({
    label: labelOf(full),
    argv: [...systemctl, ...words, "--", unit],
    cwd: context.folder,
    env: hookEnvironment(context, variables),
  })
}

/** Only systemd's own word is repeated: anything else that was printed may hold values. */
async function mustBeActive(hook: Hook, mark: string, signal: AbortSignal): Promise<void> {
  const { code, stdout } = await runTrusted(hook.argv, {
    cwd: hook.cwd,
    env: { ...hook.env, [markVariable]: mark },
    timeoutMs: 30_000,
    signal,
  })
  if (code === 0) return
  const state = states.find((one) => one === stdout.trim()) ?? "not active"
  throw new AppError("restart-failed", `${hook.label} is ${state} after the restart`, {
    remedy: "retry",
    hint: "systemctl status, and its journal, say why",
  })
}

/** So long (ms) a service runs in one go before it is believed, and between two looks at it. */
const steadyMs = 2000
const lookAgainMs = 250

type Looks = { readonly active: Hook; readonly invocation: Hook }

async function mustStayActive(
  { active, invocation }: Looks,
  mark: string,
  signal: AbortSignal,
): Promise<void> {
  const begun = await invocationOf(invocation, mark, signal)
  for (const began = performance.now(); performance.now() - began < steadyMs && !signal.aborted; ) {
    await Bun.sleep(lookAgainMs)
    await mustBeActive(active, mark, signal)
    if ((await invocationOf(invocation, mark, signal)) === begun) continue
    throw new AppError(
      "restart-failed",
      `${active.label} ended after the restart, and was started again`,
      { remedy: "retry", hint: "systemctl status, and its journal, say why" },
    )
  }
}

/**
 * The same for as long as it runs in one go; empty where that cannot be asked: sudo may allow less
 * than this.
 */
async function invocationOf(hook: Hook, mark: string, signal: AbortSignal): Promise<string> {
  const { code, stdout } = await runTrusted(hook.argv, {
    cwd: hook.cwd,
    env: { ...hook.env, [markVariable]: mark },
    timeoutMs: 30_000,
    signal,
  })
  return code === 0 ? stdout.trim() : ""
}
