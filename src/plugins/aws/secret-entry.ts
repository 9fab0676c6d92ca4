import { AppError, describeError } from "../../base/error.ts"
import type { Entry, EntryInspection, EntryWrite, Landed, Seen } from "../../core/entry.ts"
import { inspectSecret } from "./inspect.ts"
import { obstacle, replicasBehind } from "./may-write.ts"
import { entryId, type SecretPlace } from "./options.ts"
import type { AwsReach } from "./reach.ts"
import {
  currentLabel,
  type Described,
  foundIn,
  foundLabel,
  SecretCalls,
  stagedLabel,
} from "./secrets.ts"
import { sessionFor } from "./session.ts"

/** How long (ms) a look is good for the next plan: each write compares what was seen. */
const recentMs = 15_000
/** AWS takes no more in one version. */
const mostBytes = 65_536
/** A secret that has no version yet, as those have it who describe it elsewhere. */
const empty = "empty"

/**
 * A secret of Secrets Manager. A write is a version under a label of our own, which no reader asks
 * for, then the move of AWSCURRENT from the version that was seen: it fails from any other.
 */
export class AwsSecretEntry implements Entry {
  readonly id: string
  readonly label: string
  readonly #place: SecretPlace
  readonly #reach: () => AwsReach
  /** Of preflight, for the draft that follows it. */
  #recent: { readonly seen: Seen | undefined; readonly at: number } | undefined
  #judgedAt: number | undefined
  /** What others made, and what gets a label of ours before it is replaced. */
  #found: string | undefined

  constructor(place: SecretPlace, reach: () => AwsReach) {
    this.id = entryId(place)
    this.label = `the secret ${place.name} of account ${place.account} in ${place.region}`
    this.#place = place
    this.#reach = reach
  }

  /** A version never changes, so its id is the mark. Throws while a replica shows another one. */
  async mark(signal: AbortSignal): Promise<string | undefined> {
    const calls = this.#calls()
    const described = await calls.describe(signal)
    const behind = described === undefined ? undefined : replicasBehind(described, calls)
    if (behind !== undefined) throw behind
    const mark = described === undefined ? undefined : markOf(described)
    if (mark !== this.#recent?.seen?.mark) this.#recent = undefined
    return mark
  }

  async read(signal: AbortSignal): Promise<Seen | undefined> {
    if (this.#recent !== undefined && this.#isRecent(this.#recent.at)) return this.#recent.seen
    const at = this.#now()
    const seen = await this.#look(signal)
    this.#recent = { seen, at }
    return seen
  }

  async #look(signal: AbortSignal): Promise<Seen | undefined> {
    const calls = this.#calls()
    const value = await calls.current(signal)
    if (value === undefined) {
      const described = await calls.describe(signal)
      if (described === undefined) return undefined
      const mark = markOf(described)
      if (mark === empty) return { bytes: undefined, mark }
      throw new AppError(
        "aws-request-refused",
        `${calls.message}: its value changes at this moment`,
        {
          remedy: "retry",
        },
      )
    }
    if (value.SecretString === undefined)
      throw new AppError("output-unreadable", `${calls.message}: it holds bytes, not text`, {
        hint: 'make it a JSON object, like {"password":"…"}, or name a secret that is one',
      })
    return { bytes: Buffer.from(value.SecretString), mark: value.VersionId }
  }

  async mayWrite(seen: Seen | undefined, signal: AbortSignal): Promise<void> {
    if (seen === undefined || (this.#judgedAt !== undefined && this.#isRecent(this.#judgedAt)))
      return
    const at = this.#now()
    const calls = this.#calls()
    const described = await calls.describe(signal)
    const fault =
      described === undefined
        ? undefined
        : obstacle(described, { message: calls.message, region: this.#place.region })
    if (fault !== undefined) throw fault
    this.#found = described === undefined ? undefined : foundIn(described)
    this.#judgedAt = at
  }

  inspect(signal: AbortSignal): Promise<EntryInspection> {
    return inspectSecret(this.#calls(), this.#place, signal)
  }

  /** The first version of a secret is live at once, so it is written by `write`. */
  async stage({ bytes, over, token }: EntryWrite, signal: AbortSignal): Promise<void> {
    const calls = this.#calls()
    refuseLarge(bytes, calls.message)
    if (over === undefined || over === empty) return
    if (over === this.#found) await this.#keep(over, calls, signal)
    await calls.put({ text: textOf(bytes), token }, signal)
  }

  async write({ bytes, over, token }: EntryWrite, signal: AbortSignal): Promise<Landed> {
    this.#recent = undefined
    const calls = this.#calls()
    const version = { text: textOf(bytes), token }
    try {
      refuseLarge(bytes, calls.message)
      if (over === undefined) await calls.create(version, signal)
      else if (over === empty) await this.#writeFirst(calls, version, signal)
      else await calls.move({ label: currentLabel, from: over, to: token }, signal)
      return { is: "done", mark: token }
    } catch (error) {
      const { code, message: reason } = describeError(error)
      return { is: isNo(code) ? "refused" : "unknown", reason }
    }
  }

  async drop(token: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#calls().move({ label: stagedLabel, from: token }, signal)
    } catch (error) {
      // The label is elsewhere, or there is no such version.
      if (!["aws-request-refused", "aws-not-found"].includes(describeError(error).code)) throw error
    }
  }

  /** A help for Terraform: where AWS says no, nothing of ours depends on it. */
  async #keep(version: string, calls: SecretCalls, signal: AbortSignal): Promise<void> {
    this.#found = undefined
    try {
      await calls.move({ label: foundLabel, to: version }, signal)
    } catch (error) {
      if (!describeError(error).code.startsWith("aws-")) throw error
    }
  }

  /** Current already if it is the first; else moved, which fails if another has become it. */
  async #writeFirst(
    calls: SecretCalls,
    version: { readonly text: string; readonly token: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { VersionStages } = await calls.put(version, signal)
    if (!VersionStages.includes(currentLabel))
      await calls.move({ label: currentLabel, to: version.token }, signal)
  }

  #calls(): SecretCalls {
    return new SecretCalls(sessionFor(this.#place.aws, this.#reach()), this.#place)
  }

  #isRecent(at: number): boolean {
    return this.#now() - at < recentMs
  }

  #now(): number {
    return this.#reach().host.monotonicMs()
  }
}

function markOf({ VersionIdsToStages }: Described): string {
  const current = Object.entries(VersionIdsToStages ?? {}).find(([, labels]) =>
    labels.includes(currentLabel),
  )
  return current?.[0] ?? empty
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

function refuseLarge(bytes: Uint8Array, message: string): void {
  if (bytes.length > mostBytes)
    throw new AppError("aws-secret-too-large", `${message}: it would have more than 64 KiB`, {
      hint: "show less in this secret: its other fields count, too",
    })
}

/** Before the request left, or by AWS, which has understood and done nothing. */
function isNo(code: string): boolean {
  return /^(aws-|tls-|listener-|not-permitted$)/.test(code)
}
