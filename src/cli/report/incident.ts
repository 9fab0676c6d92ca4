import type { IncidentReport, SecretReport, Step } from "../../incident/report/incident.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { type Block, command, instant, many, tableOr } from "./blocks.ts"
import { explanationOf } from "../explain/texts.ts"
import { checksOf, headsOf, policiesOf, readersOf, unverifiedOf } from "./shared.ts"

/**
 * For one who was not there: what happened, is it over, what is there to do now. `config`: what a
 * command needs to find it, as words.
 */
export function incidentBlocks(
  report: IncidentReport,
  config: readonly string[],
): readonly Block[] {
  const { incident, secrets, timeline } = report
  const done = secrets.filter(({ contained }) => contained).length
  return [
    {
      kind: "title",
      text: `Incident ${incident}: ${!report.contained ? "NOT contained yet" : secrets.some(({ sessionsLeft }) => sessionsLeft !== undefined) ? "contained for new logins" : "contained"}${report.contained && report.unverified !== undefined ? ", as an unverified store says" : ""}`,
    },
    {
      kind: "text",
      text: `Project ${report.project}. As of ${instant(report.at)}; all times are UTC. Made by mycelium from its audit logs and states; it holds no secret value.`,
    },
    ...unverifiedOf(report.unverified),
    ...verdict(report, done, config),
    { kind: "heading", text: "What happened" },
    { kind: "text", text: story(report) },
    {
      kind: "table",
      head: ["time", "after", "what"],
      rows: timeline.map((step) => [
        instant(step.at),
        since(report.begun, step.at),
        stepText(step),
      ]),
    },
    { kind: "heading", text: "Each secret" },
    tableOr(
      [
        "secret",
        "was",
        "is",
        "accepted",
        "proof that the old value is dead",
        "older sessions ended",
        "programs that have the new value",
      ],
      secrets.map((one) => secretRow(one)),
      "The logs name no secret of this incident.",
    ),
    ...notes(secrets),
    {
      kind: "text",
      text: "Accepted: a login with the new value worked; where no service asks for a value, it became the current one then. Dead: a login with the old value was refused while the same login worked with the new one. A program is proven by its health check, not by its restart: where it has none, the restart alone proves little.",
    },
    { kind: "heading", text: "Who was given these values before" },
    {
      kind: "text",
      text: `Since ${instant(report.readers.since)}, by mycelium and by what its log says. Reading a file that shows a value leaves no line: whoever may read those files or their backups, and whoever is root on this machine, belongs to this list too.`,
    },
    readersOf(report.readers.rows),
    { kind: "heading", text: "This machine now" },
    ...checksOf(report.checks),
    ...policiesOf(report.policies),
    { kind: "heading", text: "Root cause" },
    {
      kind: "blank",
      message:
        "How did somebody get these values? Since when? Is that way closed? (to be written by a person)",
    },
    { kind: "heading", text: "Lessons" },
    {
      kind: "blank",
      message: "What helped, what was in the way, what was luck? (to be written by a person)",
    },
    { kind: "heading", text: "Procedures changed" },
    {
      kind: "blank",
      message:
        "What is done differently from now on, by whom, from when? (to be written by a person)",
    },
    ...headsOf(report.heads, config),
  ]
}

/** What speaks of whoever was in: what he left, and what cannot be told from him. */
function notes(secrets: readonly SecretReport[]): readonly Block[] {
  const items = secrets.flatMap(({ environment, secret, notes: own }) =>
    own.map((note) => `${environment}/${secret}: ${note}`),
  )
  return items.length === 0
    ? []
    : [
        {
          kind: "text",
          text: "Found there when it was contained, for those who look into the breach:",
        },
        { kind: "list", items },
      ]
}

function verdict(
  { contained, secrets, left, carryOn, unhealthy, incident }: IncidentReport,
  done: number,
  config: readonly string[],
): readonly Block[] {
  const unhealthyBlocks = unhealthyProgramBlocks(unhealthy)
  if (contained) {
    return [
      {
        kind: "verdict",
        good: true,
        text: `Contained: yes${secrets.some(({ sessionsLeft }) => sessionsLeft !== undefined) ? ", for new logins only" : ""}. ${provenOf(secrets)}`,
      },
      {
        kind: "text",
        text: "To do now: find out how the values got out, close that way, and fill in the three headings near the end. If it is not closed, the new values get out the same way.",
      },
      ...sessionsBlocks(secrets, incident, config),
      ...owedBlocks(secrets, incident, config),
      ...unhealthyBlocks,
    ]
  }
  return [
    {
      kind: "verdict",
      good: false,
      text: `Contained: NOT yet. ${done} of ${many(secrets.length, "secret")} ${done === 1 || secrets.length === 1 ? "is" : "are"}; what follows is left. Take each of them for compromised until then.`,
    },
    {
      kind: "table",
      head: ["left", "why", "code"],
      rows: left.map(({ environment, secret, some, message, code }) => [
        secret === undefined
          ? `${environment} (${some === true ? "the secrets that were chosen" : "all of it"})`
          : `${environment}/${secret}`,
        whyOf(message, code),
        code,
      ]),
    },
    ...(carryOn === undefined
      ? []
      : ([
          {
            kind: "text",
            text: "To do now: mend what the code says (mycelium explain CODE), then run this on the machine of mycelium. It carries on where it is and does nothing twice:",
          },
          { kind: "command", lines: [command([...carryOn, ...config])] },
        ] as const)),
    ...(left.every(({ some }) => some === undefined)
      ? []
      : [
          {
            kind: "text",
            text: `Of some environments more secrets were chosen than the log holds names: run the command of then again, with the same selection and --incident ${incident}.`,
          } as const,
        ]),
    { kind: "text", text: "Then make this report again:" },
    { kind: "command", lines: [command(["report", incident, ...config])] },
    ...sessionsBlocks(secrets, incident, config),
    ...owedBlocks(secrets, incident, config),
    ...unhealthyBlocks,
  ]
}

/** Programs that do not work with the new values, as far as is known. */
function unhealthyProgramBlocks(unhealthy: IncidentReport["unhealthy"]): readonly Block[] {
  const names = (all: IncidentReport["unhealthy"], when: string): string =>
    all
      .map(
        ({ environment, deployment, at }) => `${environment}/${deployment} (${when}${instant(at)})`,
      )
      .join(", ")
  const not = unhealthy.filter(({ notRestarted }) => notRestarted === true)
  const unhealthyBlocks = unhealthy.filter(({ notRestarted }) => notRestarted !== true)
  return [
    ...(not.length === 0
      ? []
      : [
          {
            kind: "text",
            text: `These programs were not restarted, and may hold the old value: ${names(not, "last tried at ")}. Their health check cannot tell that: they may work with what they have read before.`,
          } as const,
        ]),
    ...(unhealthyBlocks.length === 0
      ? []
      : [
          {
            kind: "text",
            text: `Look at these programs: the last restart failed, or they did not get healthy after it, as far as mycelium knows. ${names(unhealthyBlocks, "")}. The compromised value was not put back for them.`,
          } as const,
        ]),
  ]
}

/** The old value is dead at its service, and programs may hold it still. */
function owedBlocks(
  secrets: readonly SecretReport[],
  incident: string,
  config: readonly string[],
): readonly Block[] {
  const owing = secrets.filter(({ contained, unwritten }) => contained && unwritten !== undefined)
  const isFile = ({ unwrittenFiles = [] }: SecretReport): boolean => unwrittenFiles.length > 0
  const context = { incident, config }
  return [
    ...owedBlock(
      owing.filter(isFile),
      "Of these secrets a file could not be written, and was left as it is: programs that read it cannot log in with what it shows. Find out who has changed that file, and put it right; then this writes it, restarts those programs, and changes nothing else:",
      context,
    ),
    ...owedBlock(
      owing.filter((one) => !isFile(one)),
      "Of these secrets a program could not be restarted, and may hold a value that no longer works. Find out why its restart fails (run it by hand); then this restarts it, and changes nothing else:",
      context,
    ),
  ]
}

function owedBlock(
  owing: readonly SecretReport[],
  text: string,
  { incident, config }: { readonly incident: string; readonly config: readonly string[] },
): readonly Block[] {
  if (owing.length === 0) return []
  return [
    { kind: "text", text },
    {
      kind: "command",
      lines: [
        command([
          "rotate-now",
          ...owing.map(({ environment, secret }) => `${environment}/${secret}`),
          "--contain",
          "--incident",
          incident,
          ...config,
        ]),
      ],
    },
    {
      kind: "list",
      items: owing.map(
        ({ environment, secret, unwritten = "" }) => `${environment}/${secret}: ${unwritten}`,
      ),
    },
  ]
}

/** The new value holds, and who was in may be in still. */
function sessionsBlocks(
  secrets: readonly SecretReport[],
  incident: string,
  config: readonly string[],
): readonly Block[] {
  const items = secrets.flatMap(({ environment, secret, sessionsLeft: left }) =>
    left === undefined
      ? []
      : [
          {
            place: `${environment}/${secret}`,
            message: `${environment}/${secret}: ${left.message} (${left.code})${left.hint === undefined ? "" : `. To do: ${left.hint}`}`,
          },
        ],
  )
  if (items.length === 0) return []
  return [
    {
      kind: "text",
      text: "Of these secrets, sessions that were opened with the old value may live, and whoever is in such a session is still in.",
    },
    { kind: "list", items: items.map(({ message }) => message) },
    {
      kind: "text",
      text: "Nothing more is owed. Once mycelium has the right or the means to end them, this does it, and changes nothing else:",
    },
    {
      kind: "command",
      lines: [
        command([
          "rotate-now",
          ...items.map(({ place }) => place),
          "--contain",
          "--incident",
          incident,
          ...config,
        ]),
      ],
    },
  ]
}

/**
 * Of each kind of secret only what was proven of it: a service refuses what it was asked for, and
 * nothing else.
 */
function provenOf(secrets: readonly SecretReport[]): string {
  const made = secrets.filter(({ to }) => to !== undefined)
  const erased = secrets.length - made.length
  const dead = made.filter((one) => one.dead.length > 0).length
  const unasked = made.filter(
    ({ driver, dead: { length } }) => driver === "generated" && length === 0,
  ).length
  const rest = made.length - dead - unasked
  const some = (count: number): string =>
    count === made.length ? (count === 1 ? "it" : "them") : String(count)
  return [
    made.length === 0
      ? ""
      : made.length === 1
        ? "The secret that was chosen has a new value."
        : `All ${many(made.length, "secret")} that were chosen have new values.`,
    dead === 0
      ? ""
      : `${made.length === 1 ? "Its service refuses" : "Services refuse"} the old ${dead === 1 ? "value" : "values"} of ${some(dead)}.`,
    unasked === 0
      ? ""
      : `No service is asked for ${some(unasked)}: an old value is worth nothing where each program that takes it has restarted.`,
    rest === 0 ? "" : `Of ${some(rest)} no older value was there to be refused.`,
    erased === 0 ? "" : `${many(erased, "secret")} ${erased === 1 ? "was" : "were"} erased.`,
  ]
    .filter((one) => one !== "")
    .join(" ")
}

/** What the log says, and the first sentence of what explain says of the code. */
function whyOf(message: string, code: string): string {
  const first = /^.*?[.?](?= |$)/.exec(explanationOf(code) ?? "")?.[0]
  return first === undefined || code === "not-contained"
    ? message
    : `${message}: ${first.replace(/\.$/, "")}`
}

function story({
  noticed,
  begun,
  containedAt,
  healthyAt,
  reasons,
  actors,
  secrets,
  unhealthy,
}: IncidentReport): string {
  const environments = new Set(secrets.map(({ environment }) => environment)).size
  return [
    `It was noticed at ${instant(noticed.at)}${noticed.given ? "" : " (the first line of the log; --noticed says it better)"}, and the containment began at ${instant(begun)}${noticed.given ? `, ${took(noticed.at, begun)} later` : ""}.`,
    `${many(secrets.length, "secret")} of ${many(environments, "environment")} ${secrets.length === 1 ? "was" : "were"} chosen.`,
    containedAt === undefined
      ? ""
      : `The last one was contained after ${took(begun, containedAt)}.`,
    healthyAt === undefined
      ? ""
      : `The last program was up again with its new values after ${took(begun, healthyAt)}.`,
    unhealthy.length === 0 ? "" : `${many(unhealthy.length, "program")} did not get healthy.`,
    `Acted: ${actors.join("; ")}.`,
    reasons.length === 0 ? "" : `Reason given: ${reasons.join("; ")}.`,
  ]
    .filter((one) => one !== "")
    .join(" ")
}

/** Wall-clock, in tenths below a minute: incidents are over in seconds. */
function took(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from))
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms)
}

function since(begun: string, at: string): string {
  return at < begun ? `−${took(at, begun)}` : `+${took(begun, at)}`
}

function stepText({ what, environment = "", subject = "", code = "", user = "" }: Step): string {
  const place = subject === "" ? environment : `${environment}/${subject}`
  switch (what) {
    case "noticed":
      return "noticed"
    case "begun":
      return `${environment}: a run began, by ${user}`
    case "contained":
      return subject.includes(" ") ? `${environment}: ${subject} contained` : `${place} contained`
    case "restart":
      return `${place} restarted; it has no health check`
    case "healthy":
      return `${place} restarted, and healthy`
    case "well":
      return `${place} found healthy again`
    case "old":
      return `${place} is healthy by its check; it had not been restarted, and may have held the old value`
    case "erased":
      return `${place} was erased; ${erasedLogin(code)}`
    case "failed":
      return `${place}: ${code}`
  }
}

function erasedLogin(login: string): string {
  if (login === "ends") return "its login was ended"
  return login === "kept" ? "its login was left as it was" : "it had no login"
}

function secretRow({
  environment,
  secret,
  from,
  to,
  acceptedAt,
  dead,
  expelledAt,
  sessionsEnded,
  sessionsLeft,
  unwritten,
  restarts,
  contained,
  currentAt,
  driver,
  message,
  erased,
}: SecretReport): readonly string[] {
  const asked = driver !== "generated"
  const proof =
    erased?.login === "ends" && contained
      ? `erased at ${instant(erased.at)}, and its login ended`
      : dead.length > 0
        ? dead.map(({ version, at }) => `${version}: login refused at ${instant(at)}`).join("; ")
        : expelledAt !== undefined
          ? `every value but the new one was taken away at ${instant(expelledAt)}; none of them was known, so none was tried`
          : contained && !asked
            ? "no service asks for it; programs that restarted since then hold the new one"
            : "none yet"
  return [
    `${environment}/${secret}${contained ? "" : " — NOT contained"}`,
    from ?? "–",
    to ?? "–",
    to === undefined
      ? "–"
      : asked
        ? acceptedAt === undefined
          ? "–"
          : instant(acceptedAt)
        : `current at ${instant(currentAt ?? "–")}`,
    contained ? proof : `${proof} (${message ?? ""})`,
    asked ? `${sessionsEnded}${sessionsLeft === undefined ? "" : "; others may live"}` : "–",
    to === undefined && restarts.length === 0
      ? "–"
      : [...restarts.map(restartText), ...(unwritten === undefined ? [] : [unwritten])].join(
          "; ",
        ) || "none is known to read it",
  ]
}

function restartText({
  deployment,
  healthy,
  notRestarted,
  health,
  at,
}: SecretReport["restarts"][number]): string {
  if (notRestarted === true) return `${deployment}: NOT restarted, last tried at ${instant(at)}`
  if (!healthy) return `${deployment}: NOT healthy at ${instant(at)}`
  return health === "none"
    ? `${deployment}: restarted at ${instant(at)}, no health check (a restart alone proves little)`
    : `${deployment}: healthy by ${health} at ${instant(at)}`
}
