import { resolve } from "node:path"
import { AppError } from "../base/error.ts"
import { deadlineOf } from "../base/processes/run-time.ts"
import { runTrusted } from "../base/processes/run-trusted.ts"
import { failureOf, run } from "../base/processes/spawn.ts"
import type { Host } from "../base/system/host.ts"
import { type NotifyConfig, labelOf } from "../config/notify.ts"
import type { Reference } from "../core/ports.ts"
import { argvOf, hookEnvironment } from "../plugins/hook-argv.ts"
import { readReference } from "../plugins/references/index.ts"
import { type Notice, levelOf, textOf, titleOf } from "./notice.ts"
import type { MailConfig } from "./mail.ts"
import { type Answer, longestMs, send } from "./send.ts"

/** How one entry under `notify` is reached. */

export type Reach = {
  /** The folder of the config. */
  readonly folder: string
  readonly host: Host
}
export type Receiver = {
  /** The same as long as its part of the config is the same. */
  readonly id: string
  /** "notify[0], a webhook". */
  readonly label: string
  /** Throws `AppError` if it was not taken; with `retryAfterMs` if the receiver asks for that. */
  deliver(notice: Notice, signal: AbortSignal): Promise<void>
}

export class NotTaken extends AppError {
  readonly retryAfterMs: number | undefined
  constructor(message: string, { retryAfterMs }: Pick<Answer, "retryAfterMs">) {
    super("notice-failed", message, { remedy: "retry" })
    this.retryAfterMs = retryAfterMs
  }
}

/** Those that take notices. */
export function receiversOf(all: readonly NotifyConfig[], reach: Reach): readonly Receiver[] {
  return all.flatMap((config, index): readonly Receiver[] => {
    if ("ping" in config) return []
    const label = labelOf(config, index)
    return [{ id: idOf(config), label, deliver: deliverBy(config, label, reach) }]
  })
}

function deliverBy(
  config: Exclude<NotifyConfig, PingConfig>,
  label: string,
  reach: Reach,
): Deliver {
  if ("webhook" in config) return webhook(config, label, reach)
  return "mail" in config ? mail(config, label, reach) : program(config, label, reach)
}

/** Asked as long as nothing is wrong. */
export type Ping = {
  readonly label: string
  readonly everyMs: number
  ask(signal: AbortSignal): Promise<void>
}
const usualMs = 300_000

export function pingsOf(all: readonly NotifyConfig[], reach: Reach): readonly Ping[] {
  return all.flatMap((config, index): readonly Ping[] => {
    if (!("ping" in config)) return []
    const label = labelOf(config, index)
    return [
      {
        label,
        everyMs: config.every ?? usualMs,
        ask: async (signal) => {
          const url = await credential(config.ping, label, reach)
          judge(await send({ url, method: "GET" }, signal))
        },
      },
    ]
  })
}

function idOf(config: NotifyConfig): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 16)
}

type Deliver = Receiver["deliver"]
type Webhook = Extract<NotifyConfig, { readonly webhook: unknown }>
type PingConfig = Extract<NotifyConfig, { readonly ping: unknown }>
type Program = Extract<NotifyConfig, { readonly command: unknown }>

function webhook(
  { webhook: place, authorization, template, content_type: type = "application/json" }: Webhook,
  label: string,
  reach: Reach,
): Deliver {
  return async (notice, signal) => {
    const url = await credential(place, label, reach)
    const token =
      authorization === undefined ? undefined : await credential(authorization, label, reach)
    const body = template === undefined ? jsonOf(notice) : await rendered(template, notice)
    const headers = {
      "content-type": type,
      ...(token === undefined ? {} : { authorization: token }),
    }
    judge(await send({ url, method: "POST", body, headers }, signal))
  }
}

/** A redirect is none of the answers that a receiver gives. */
function judge({ status, ...asked }: Answer): void {
  if (status < 200 || status > 299) throw new NotTaken(`it answered ${status}`, asked)
}

function mail(config: MailConfig, label: string, reach: Reach): Deliver {
  return async (notice, outer) => {
    const { sendMail, readAuthority } = await import("./mail.ts")
    const { password: place, ca } = config
    const password = place === undefined ? undefined : await credential(place, label, reach)
    const authority = ca === undefined ? undefined : await readAuthority(resolve(reach.folder, ca))
    const { signal, end } = deadlineOf(longestMs, outer)
    try {
      await sendMail(notice, { config, password, ca: authority }, signal)
    } finally {
      end()
    }
  }
}

function program({ command }: Program, label: string, { folder, host }: Reach): Deliver {
  return async (notice, signal) => {
    const result = await runTrusted(argvOf(command, folder), {
      cwd: folder,
      env: hookEnvironment({ folder, label, env: host.env }),
      stdin: `${jsonOf(notice)}\n`,
      timeoutMs: longestMs,
      graceMs: 500,
      signal,
    })
    const failure = failureOf("its command", result)
    if (failure !== undefined)
      throw new AppError(failure.code, failure.message, { remedy: "retry" })
  }
}

async function credential(
  reference: Reference,
  label: string,
  { folder, host }: Reach,
): Promise<string> {
  return (await readReference(reference, { folder, env: host.env, run, label, host })).reveal()
}

/** What is said in words stands beside the facts. */
function fieldsOf(notice: Notice): Readonly<Record<string, unknown>> {
  return { ...notice, level: levelOf(notice), title: titleOf(notice), text: textOf(notice) }
}

function jsonOf(notice: Notice): string {
  return JSON.stringify(fieldsOf(notice))
}

/** A template knows the notice, and no value is in that. */
async function rendered(template: string, notice: Notice): Promise<string> {
  const { Liquid } = await import("liquidjs")
  try {
    return String(
      await new Liquid({ strictVariables: false }).parseAndRender(template, fieldsOf(notice)),
    )
  } catch {
    throw new AppError("notice-template", "its template cannot be rendered", {
      hint: "check its tags and filters; mycelium notify --test tries it",
    })
  }
}
