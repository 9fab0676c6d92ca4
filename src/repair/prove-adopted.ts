import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Credential } from "../core/ports.ts"
import { driverOf, probe, probeControl, unclear } from "../rotate/ask.ts"
import type { Session } from "../rotate/session.ts"

/** `known`: the version that holds the same value already. */
type Known = { readonly current: Credential | undefined; readonly known?: string }

/** Proves a value by a login, and says how; throws why it is not proven. */
export async function prove(
  session: Session,
  name: string,
  candidate: Credential,
  known: Known,
): Promise<string> {
  if (driverOf(session, name).overlap === "none") return "no service asks for it"
  const control = await probeControl(session, name, candidate)
  if (control === "accepted")
    throw new AppError(
      "accepts-anything",
      "the service accepts a random wrong value, so a login proves nothing",
      {
        hint: "make it ask for passwords from this address (no trust or peer line in pg_hba.conf)",
      },
    )
  const answer = control === "unknown" ? "unknown" : await probe(session, name, candidate)
  if (answer === "accepted") return acceptedWords(session, name)
  if (answer === "unknown") throw unanswered(session, name, known)
  throw (await holdsCurrent(session, name, known))
    ? currentWorks(session, known)
    : refused(session, name, known)
}

/** What the server says of a login with the right password that no program gets in by. */
const shutOut: Readonly<Record<string, string>> = {
  "database-missing": "name in the address the database that programs use",
  "rabbitmq-vhost-missing": "name in vhost the virtual host that programs use",
  "server-file-missing": "no program gets in until the server is repaired: its log says why",
}

/** The password may be right, and yet no program get in. */
function acceptedWords(session: Session, name: string): string {
  const but = session.heard.get(name)
  if (but === undefined) return "a login with it works, one with a wrong value is refused"
  const [, message = but, code = ""] = /^(.*) \(([a-z-]+)\)$/s.exec(but) ?? []
  const hint = shutOut[code]
  if (hint !== undefined) throw new AppError(code, message, { hint })
  return `the service takes it as the password, and refuses a wrong one; but ${but}`
}

/** Neither value is tried at random: which one is right decides what a person is told to do. */
async function holdsCurrent(
  session: Session,
  name: string,
  { current, known }: Known,
): Promise<boolean> {
  return (
    current !== undefined &&
    known === undefined &&
    !session.isOpen(name) &&
    (await probe(session, name, current)) === "accepted"
  )
}

function currentWorks({ work: { environment } }: Session, { current }: Known): AppError {
  return new AppError(
    "adopt-refused",
    `the service refuses the value that was found, and accepts ${current?.version ?? ""}, which is current`,
    {
      hint:
        `empty that line in the output; then mycelium render ${environment} writes the current ` +
        "value there",
    },
  )
}

function unanswered(session: Session, name: string, { known }: Known): AppError {
  const as = sayKnown(known)
  const fault = session.faults.get(name)
  if (fault !== undefined)
    return new AppError(fault.code, `${as}${fault.message}`, present({ hint: fault.hint }))
  return new AppError(
    "no-answer",
    unclear(session, name, `${as}the service gives no clear answer to a login`),
    { hint: "see that it runs and can be reached from here, at the address in the config" },
  )
}

function refused(session: Session, name: string, { current, known }: Known): AppError {
  const { environment } = session.work
  const typeIn = `type it in: mycelium adopt ${environment} --ask`
  if (known === undefined) {
    const render =
      current === undefined
        ? ""
        : "; if the state has the right one, empty that line, then mycelium render writes it there"
    return new AppError("adopt-refused", "the service refuses the value that was found", {
      hint: `put the right one into the output first, or ${typeIn}${render}`,
    })
  }
  if (current !== undefined && current.version !== known)
    return new AppError(
      "adopt-refused",
      `it is known as ${known}, which is not current any more, and the service refuses it`,
      {
        hint:
          `if ${current.version} works, mycelium render ${environment} writes it; ` +
          `else put the one that works into the output, or ${typeIn}`,
      },
    )
  const byUs = session.isOpen(name)
    ? "the rotation that is not finished has put another one there, "
    : ""
  return new AppError(
    "adopt-refused",
    `${sayKnown(known)}the service refuses it: ${byUs}it was changed there, or the login is off`,
    {
      hint:
        `put the one that works into the output, or ${typeIn}; else set ${known} at the service ` +
        "by hand (mycelium help operations shows how to open it)",
    },
  )
}

function sayKnown(known: string | undefined): string {
  return known === undefined ? "" : `it is known as ${known}, but `
}
