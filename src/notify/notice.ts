import { type Trouble, keyOf } from "../plan/troubles.ts"

/** A trouble as people are told of it. */
export type Told = Trouble & { readonly since: string }

/** What one receiver is told of one environment at one time. Holds no value, by what it is made of. */
export type Notice = {
  readonly format: 1
  /** The same for each try: a receiver that got it twice can tell. */
  readonly id: string
  readonly project: string
  /** Left out: the service itself, as its clock. */
  readonly environment?: string
  readonly at: string
  readonly began: readonly Told[]
  readonly ended: readonly Told[]
  /** What is still wrong there, with what began. */
  readonly standing: number
}

export type Level = "error" | "warning" | "ok"

export function levelOf({ began, standing }: Notice): Level {
  if (standing === 0) return "ok"
  return began.every(({ kind }) => kind === "failed") ? "warning" : "error"
}

/** "mycelium: shop/production: postgres: the service refuses it …". */
export function titleOf(notice: Notice): string {
  const place = placeOf(notice)
  const { began, ended, standing } = notice
  const [first] = began
  if (first === undefined)
    return standing === 0
      ? `mycelium: ${place} is well again`
      : `mycelium: ${place}: ${ended.length} of ${ended.length + standing} troubles over`
  const more = began.length === 1 ? "" : `, and ${began.length - 1} more`
  return (
    "mycelium: " +
    `${place}: ${words[first.kind]}${first.secret === undefined ? "" : ` (${first.secret})`}${more}`
  )
}

export function textOf(notice: Notice): string {
  const { began, ended, standing, environment } = notice
  const lines = [
    ...began.map((one) => `! ${lineOf(one)}`),
    ...ended.map((one) => `over: ${lineOf(one)}`),
    standing === 0
      ? "Nothing that mycelium watches there is wrong now."
      : `Wrong there now: ${standing}. ` +
        `mycelium status${environment === undefined ? "" : ` ${environment}`} says what to do.`,
  ]
  return lines.join("\n")
}

function placeOf({ project, environment }: Notice): string {
  return environment === undefined ? project : `${project}/${environment}`
}

function lineOf({ secret, message, code, since }: Told): string {
  const who = secret === undefined ? "" : `${secret}: `
  return `${who}${message} (${code}), since ${since.slice(0, 16).replace("T", " ")} UTC`
}

const words: Readonly<Record<Trouble["kind"], string>> = {
  failed: "something failed",
  late: "a secret is overdue",
  person: "a person is needed",
  drift: "a service refuses a current value",
  "not-contained": "NOT contained",
  owed: "an output is not written",
}

export function sameTrouble(one: Trouble, other: Trouble): boolean {
  return keyOf(one) === keyOf(other)
}
