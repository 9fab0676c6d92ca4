import type { SecretReport } from "../../incident/report/model.ts"
import { type Block, instant, tableOr } from "./blocks.ts"

/** Each secret of an incident: its values, the proof, its programs. */

export function secretBlocks(secrets: readonly SecretReport[]): readonly Block[] {
  return [
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
      secrets.map(secretRow),
      "The logs name no secret of this incident.",
    ),
    ...noteBlocks(secrets),
    {
      kind: "text",
      text:
        "Accepted: a login with the new value worked; if no service asks for the value, " +
        "it became the current one then. Dead: a login with the old value was refused while the " +
        "same login worked with the new one. A program is proven by its health check, " +
        "not by its restart: if it has none, the restart alone proves little.",
    },
  ]
}

/** Traces of an intruder, and what cannot be told apart from them. */
function noteBlocks(secrets: readonly SecretReport[]): readonly Block[] {
  const items = secrets.flatMap(({ environment, secret, notes }) =>
    notes.map((note) => `${environment}/${secret}: ${note}`),
  )
  if (items.length === 0) return []
  return [
    { kind: "text", text: "Found during the containment, for those who investigate the breach:" },
    { kind: "list", items },
  ]
}

function secretRow(one: SecretReport): readonly string[] {
  const { environment, secret, from, to, contained, driver, message, sessionsEnded, erased } = one
  const isAsked = driver !== "generated"
  const proof = proofOf(one)
  const others = one.sessionsLeft === undefined ? "" : "; others may live"
  return [
    `${environment}/${secret}${contained ? "" : " — NOT contained"}`,
    from ?? "–",
    to ?? "–",
    acceptedText(one),
    contained ? proof : `${proof} (${message ?? ""})`,
    isAsked ? `${sessionsEnded + (erased?.sessionsEnded ?? 0)}${others}` : "–",
    programsText(one),
  ]
}

function acceptedText({ to, driver, acceptedAt, currentAt }: SecretReport): string {
  if (to === undefined) return "–"
  if (driver === "generated") return `current at ${instant(currentAt ?? "–")}`
  return acceptedAt === undefined ? "–" : instant(acceptedAt)
}

function proofOf({ erased, contained, dead, expelledAt, driver, from }: SecretReport): string {
  if (erased?.login === "ends" && contained)
    return `erased at ${instant(erased.at)}, and its login ended`
  if (erased?.login === "ended" && contained)
    return `erased at ${instant(erased.at)}; that its login is ended is a person's word, and not proven`
  if (dead.length > 0) return dead.map(refusedText).join("; ")
  if (expelledAt !== undefined)
    return (
      `every value but the new one was taken away at ${instant(expelledAt)}; ` +
      "none of them was known, so none was tried"
    )
  if (!contained) return "none yet"
  if (driver === "generated")
    return "no service asks for it; programs that restarted since then hold the new one"
  return from === undefined ? "no older value was known" : "none is in the log"
}

function refusedText({ version, at, unasked }: SecretReport["dead"][number]): string {
  const refused = `${version}: login refused at ${instant(at)}`
  return unasked === undefined ? refused : `${refused}, and not tried at ${unasked.join(", ")}`
}

function programsText({ to, restarts, unwritten }: SecretReport): string {
  if (to === undefined) return "–"
  const all = [...restarts.map(restartText), ...(unwritten === undefined ? [] : [unwritten])]
  return all.join("; ") || "none is known to read it"
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
