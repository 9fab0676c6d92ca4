import { createTransport } from "nodemailer"
import { AppError, systemCode } from "../base/error.ts"
import { readRegular } from "../base/files/read-regular.ts"
import type { NotifyConfig } from "../config/notify.ts"
import { type Notice, levelOf, textOf, titleOf } from "./notice.ts"
import { longestMs, noAnswer, wordOf } from "./send.ts"

/** A notice as a mail, by SMTP. */

export type MailConfig = Extract<NotifyConfig, { readonly mail: unknown }>

type Mail = {
  readonly config: MailConfig
  /** Left out: the server takes mail without a login. */
  readonly password: string | undefined
  /** PEM. Left out: the authorities of the system. */
  readonly ca: string | undefined
}

/** The text of a file with certificates; throws `notice-failed` if there is none. */
export async function readAuthority(path: string): Promise<string> {
  const found = await readRegular(path)
  if (found === undefined)
    throw new AppError("notice-failed", `there is no file ${path}`, { remedy: "retry" })
  return new TextDecoder().decode(found.bytes)
}

/**
 * Sends one mail. Throws `notice-failed` if the server has not taken it; what a server says is never
 * repeated, only its number.
 */
export async function sendMail(notice: Notice, mail: Mail, signal: AbortSignal): Promise<void> {
  const transport = createTransport(transportOf(mail))
  try {
    await transport.sendMail({ ...messageOf(notice, mail.config), signal })
  } catch (error) {
    throw new AppError("notice-failed", signal.aborted ? noAnswer : whyNot(error), {
      remedy: "retry",
    })
  } finally {
    transport.close()
  }
}

function transportOf({ config, password, ca }: Mail) {
  const { protocol, hostname, port } = new URL(config.mail)
  const secure = protocol === "smtps:"
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? usualPort(secure) : Number(port),
    secure,
    // A server of this machine that asks for no login has nothing that another program could read.
    ...(isLocal(config) ? { ignoreTLS: true } : { requireTLS: !secure }),
    tls: { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
    ...(password === undefined ? {} : { auth: { user: config.user, pass: password } }),
    connectionTimeout: longestMs,
    greetingTimeout: longestMs,
    socketTimeout: longestMs,
    dnsTimeout: longestMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function usualPort(secure: boolean): number {
  return secure ? 465 : 587
}

function isLocal({ mail, user, ca }: MailConfig): boolean {
  const { protocol, hostname } = new URL(mail)
  return (
    protocol === "smtp:" &&
    user === undefined &&
    ca === undefined &&
    (hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname))
  )
}

/** The same id for each try; the mails of an environment are one thread. */
function messageOf(notice: Notice, { from, to }: MailConfig) {
  const domain = from.slice(from.lastIndexOf("@") + 1)
  const thread = [notice.project, notice.environment ?? ""].join(".")
  return {
    from,
    to,
    subject: titleOf(notice),
    text: `${textOf(notice)}\n`,
    date: new Date(notice.at),
    messageId: `<${notice.id}@${domain}>`,
    references: `<mycelium.${Buffer.from(thread).toString("hex")}@${domain}>`,
    headers: { "Auto-Submitted": "auto-generated", "X-Mycelium-Level": levelOf(notice) },
  }
}

function whyNot(error: unknown): string {
  const { code, ofSocket, number } = saidBy(error)
  const answered = number === undefined ? "" : ` (it answered ${number})`
  if (code === "EAUTH") return `it refuses the login${answered}`
  if (code === "EENVELOPE") return `it refuses the sender or the recipient${answered}`
  if (code === "EMESSAGE") return `it refuses the mail${answered}`
  if (code === "ETIMEDOUT") return noAnswer
  if (code === "EDNS") return wordOf("ENOTFOUND")
  if (code === "ETLS") return `it does not go over to TLS${answered}`
  return number === undefined ? wordOf(ofSocket ?? code) : `it answered ${number}`
}

type Said = {
  /** The library's own. */
  readonly code: string | undefined
  /** What the socket said before the library gave it its own code. */
  readonly ofSocket: string | undefined
  /** Of the server's answer. */
  readonly number: number | undefined
}

function saidBy(error: unknown): Said {
  const { originalCode, responseCode }: Readonly<Record<string, unknown>> = { ...Object(error) }
  return {
    code: systemCode(error),
    ofSocket: typeof originalCode === "string" ? originalCode : undefined,
    number: typeof responseCode === "number" ? responseCode : undefined,
  }
}
