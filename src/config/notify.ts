import { z } from "zod"
import { once } from "../core/once.ts"
import { Command } from "../plugins/hook-argv.ts"
import { ReferenceOptions } from "../plugins/references/options.ts"
import { lazily } from "./lazily.ts"
import { Duration } from "./value-types.ts"

/** Who is told when something goes wrong, and when it is well again. */

/** As `Command` and the references parse them. */
export type NotifyConfig = z.output<ReturnType<typeof NotifyItem>>

const minute = 60_000

const Webhook = () =>
  z.strictObject({
    webhook: ReferenceOptions().meta({
      description:
        "Where the address stands (http:// or https://): it is a credential. " +
        "A POST is sent there; redirects are not followed",
      examples: [{ file: "/run/secrets/alerts-url" }],
    }),
    authorization: ReferenceOptions()
      .optional()
      .meta({
        description: "Where the value of the header Authorization stands",
        examples: [{ file: "/run/secrets/alerts-token" }],
      }),
    template: z
      .string("a template is text")
      .min(1, "the template is empty")
      .optional()
      .meta({
        description:
          "The body, as a Liquid template; it knows title, text, project, environment, level, " +
          "began and ended. Left out: all of that as JSON",
        examples: ['{ "text": {{ text | json }} }'],
      }),
    content_type: z
      .string("expected a type such as text/plain")
      .regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)?$/, "expected a type such as text/plain")
      .optional()
      .meta({
        description: "The type of the body",
        default: "application/json",
        examples: ["text/plain"],
      }),
  })

const Program = () =>
  z.strictObject({
    command: Command().meta({
      description: "A program that gets the notice as JSON on its standard input",
      examples: [["/usr/local/bin/page-someone"]],
    }),
  })

const Mail = () =>
  z
    .strictObject({
      mail: z
        .string(smtpAddress)
        .regex(/^smtps?:\/\/(\[[0-9a-fA-F:]+\]|[\w.-]+)(:[1-9]\d{0,4})?$/, smtpAddress)
        .refine((text) => URL.canParse(text), smtpAddress)
        .meta({
          description:
            "The server that takes the mail. smtps:// begins with TLS (port 465); " +
            "smtp:// goes over to it by " +
            "STARTTLS (port 587) or sends nothing. To a server of this machine it goes without TLS, " +
            "if neither a login nor ca is given",
          examples: ["smtps://smtp.example.org", "smtp://127.0.0.1:25"],
        }),
      from: MailAddress().meta({
        description: "The sender",
        examples: ["mycelium@example.org"],
      }),
      to: MailAddress().meta({
        description: "The one recipient; a list of the mail server's for several",
        examples: ["oncall@example.org"],
      }),
      user: z
        .string("expected a user name")
        .min(1, "the user name is empty")
        .optional()
        .meta({ description: "Who logs in", default: "no login", examples: ["mycelium"] }),
      password: ReferenceOptions()
        .optional()
        .meta({
          description: "Where its password stands",
          examples: [{ file: "/run/secrets/smtp-password" }],
        }),
      ca: z
        .string("expected a path")
        .min(1, "the path is empty")
        .optional()
        .meta({
          description: "A file with the certificates of the authority that the server is proven by",
          default: "the system's",
          examples: ["/etc/ssl/mail-ca.pem"],
        }),
    })
    .refine(({ user, password }) => (user === undefined) === (password === undefined), {
      error: "a login needs both user and password",
    })

const smtpAddress =
  "expected smtps://HOST or smtp://HOST, with a port if it is not the usual one; " +
  "the login stands under user and password"
const MailAddress = () =>
  z
    .string("expected a mail address")
    .max(254, "a mail address has at most 254 characters")
    .regex(/^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]*$/, "expected a mail address")

const Ping = () =>
  z.strictObject({
    ping: ReferenceOptions().meta({
      description:
        "Where the address of a dead man's switch stands: a GET is sent there while nothing is " +
        "wrong, so that silence is the alarm",
      examples: [{ file: "/run/secrets/ping-url" }],
    }),
    every: Duration()
      .refine((ms) => ms >= minute, "must be at least 1m")
      .optional()
      .meta({ description: "How often it is asked", default: "5m", examples: ["1m"] }),
  })

export const NotifyItem = once(() =>
  z.union([Webhook(), Mail(), Program(), Ping()], {
    error: "expected one of webhook, mail, command and ping, with its options",
  }),
)

export const notifyKeys = lazily({
  notify: () =>
    z
      .array(NotifyItem(), "expected a list")
      .max(20, "at most 20")
      .meta({ description: "Who is told when something goes wrong, and when it is well again" }),
})

/** How the config calls it: "notify[0], a webhook". */
export function labelOf(config: NotifyConfig, index: number): string {
  if ("webhook" in config) return `notify[${index}], a webhook`
  if ("mail" in config) return `notify[${index}], a mail`
  return "ping" in config ? `notify[${index}], a ping` : `notify[${index}], a command`
}
