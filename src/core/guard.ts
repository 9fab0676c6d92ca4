import { AppError, systemCode } from "../base/error.ts"
import { redact } from "./redact.ts"
import { Secret } from "./secret.ts"

/**
 * Wraps a plug-in: an error that leaves it is an AppError without foreign cause, of one line, and
 * holds none of the values that went in. Values are found in the arguments of the calls, however
 * deep.
 */
export function guard<Port extends object>(port: Port, place: string): Port {
  const seen = new Set<Secret>()
  return new Proxy(port, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key)
      if (typeof member !== "function") return member
      return (...args: unknown[]): unknown => {
        collect(args, seen, 0)
        const given = key === "probe" ? args.map((one) => hearing(one, place, seen)) : args
        try {
          const result: unknown = Reflect.apply(member, target, given)
          return result instanceof Promise
            ? result.catch((error: unknown) => Promise.reject(clean(error, place, seen)))
            : result
        } catch (error) {
          throw clean(error, place, seen)
        }
      }
    },
  })
}

/** What a plug-in says of an error beside its answer is cleaned as what it throws. */
function hearing(heard: unknown, place: string, seen: ReadonlySet<Secret>): unknown {
  return typeof heard === "function"
    ? (error: unknown): unknown => heard(clean(error, place, seen)) as unknown
    : heard
}

function collect(value: unknown, into: Set<Secret>, depth: number): void {
  if (value instanceof Secret) into.add(value)
  else if (typeof value === "object" && value !== null && depth < 5)
    for (const inner of Object.values(value)) collect(inner, into, depth + 1)
}

function clean(error: unknown, place: string, seen: ReadonlySet<Secret>): AppError {
  if (error instanceof AppError) {
    const said = (text: string): string => redact(text, seen).replace(/\p{Cc}+/gu, " ")
    return new AppError(error.code, said(error.message), {
      remedy: error.remedy,
      ...(error.hint === undefined ? {} : { hint: said(error.hint) }),
    })
  }
  const code = systemCode(error)
  return new AppError(
    "unexpected",
    `${place}: ` +
      "unexpected " +
      `${error instanceof Error ? error.name : "failure"}${code === undefined ? "" : ` (${code})`}`,
    { remedy: "retry" },
  )
}
