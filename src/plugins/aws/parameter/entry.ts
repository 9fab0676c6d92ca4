import { AppError, describeError } from "../../../base/error.ts"
import type { EntryInspection, Seen, UncomparedEntry } from "../../../core/entry.ts"
import type { AwsReach } from "../reach.ts"
import { sessionFor } from "../session.ts"
import { type Described, type Parameter, ParameterCalls } from "./calls.ts"
import { inspectParameter } from "./inspect.ts"
import { obstacle, refuseLarge } from "./may-write.ts"
import { parameterId, type ParameterPlace } from "./options.ts"

/** How long (ms) a look is good for the next plan: it is looked at once more before each write. */
const recentMs = 15_000
/** Of more versions of others than these, the newest are read. */
const mostVersions = 10

/** A parameter of Parameter Store. Its versions count by one, and each stays readable by its number. */
export class AwsParameterEntry implements UncomparedEntry {
  readonly id: string
  readonly label: string
  readonly #place: ParameterPlace
  readonly #reach: () => AwsReach
  /** Of preflight, for the draft that follows it. */
  #recent: { readonly seen: Seen | undefined; readonly at: number } | undefined
  #described: { readonly it: Described | undefined; readonly at: number } | undefined

  constructor(place: ParameterPlace, reach: () => AwsReach) {
    this.id = parameterId(place)
    this.label = `the parameter ${place.name} of account ${place.account} in ${place.region}`
    this.#place = place
    this.#reach = reach
  }

  async mark(signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#calls().get({ decrypted: false }, signal)
    const mark = found === undefined ? undefined : markOf(found)
    if (mark !== this.#recent?.seen?.mark) this.#recent = undefined
    return mark
  }

  async read(signal: AbortSignal): Promise<Seen | undefined> {
    if (this.#recent !== undefined && this.#isRecent(this.#recent.at)) return this.#recent.seen
    const at = this.#now()
    const found = await this.#calls().get({ decrypted: true }, signal)
    const seen = found === undefined ? undefined : seenOf(found)
    this.#recent = { seen, at }
    return seen
  }

  async mayWrite(seen: Seen | undefined, signal: AbortSignal): Promise<void> {
    if (seen === undefined) return
    const described = await this.#describe(signal)
    const fault = described === undefined ? undefined : obstacle(described, this.#calls().message)
    if (fault !== undefined) throw fault
  }

  mustHold(bytes: Uint8Array): void {
    refuseLarge(bytes, this.#described?.it, this.#calls().message)
  }

  inspect(signal: AbortSignal): Promise<EntryInspection> {
    return inspectParameter(this.#calls(), this.#place, signal)
  }

  async add(bytes: Uint8Array, over: string | undefined, signal: AbortSignal): Promise<string> {
    this.#recent = undefined
    const calls = this.#calls()
    const text = Buffer.from(bytes).toString()
    if (over === undefined) return String(await calls.create(text, signal))
    const described = await this.#describe(signal)
    if (described === undefined)
      throw new AppError("aws-not-found", `${calls.message}: AWS finds no such parameter`)
    refuseLarge(bytes, described, calls.message)
    return String(await calls.put({ text, described }, signal))
  }

  /** Before the request left, or by AWS, which has understood and done nothing. */
  isRefusal(error: unknown): boolean {
    return /^(aws-|tls-|listener-|not-permitted$)/.test(describeError(error).code)
  }

  follows(over: string, mark: string): boolean {
    return Number(mark) === Number(over) + 1
  }

  async since(over: string, signal: AbortSignal): Promise<readonly Seen[]> {
    const calls = this.#calls()
    const newest = await calls.get({ decrypted: true }, signal)
    if (newest === undefined) return []
    const first = Math.max(Number(over) + 1, newest.Version - mostVersions)
    const older = Array.from({ length: Math.max(0, newest.Version - first) }, (_, index) =>
      calls.get({ decrypted: true, version: first + index }, signal),
    )
    const found = [...(await Promise.all(older)), newest]
    return found.flatMap((one) => (one === undefined || one.Version < first ? [] : [seenOf(one)]))
  }

  async #describe(signal: AbortSignal): Promise<Described | undefined> {
    if (this.#described !== undefined && this.#isRecent(this.#described.at))
      return this.#described.it
    const at = this.#now()
    const it = await this.#calls().describe(signal)
    this.#described = { it, at }
    return it
  }

  #calls(): ParameterCalls {
    return new ParameterCalls(sessionFor(this.#place.aws, this.#reach()), this.#place)
  }

  #isRecent(at: number): boolean {
    return this.#now() - at < recentMs
  }

  #now(): number {
    return this.#reach().host.monotonicMs()
  }
}

function markOf({ Version }: Parameter): string {
  return String(Version)
}

function seenOf(parameter: Parameter): Seen {
  return { bytes: Buffer.from(parameter.Value), mark: markOf(parameter) }
}
