import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Credential, IssuedVersions, Output, Values, Versions } from "../core/ports.ts"
import { type Patch, type SecretState, type StateDocument, fingerprintsOf } from "../core/state.ts"
import { owedIn } from "../core/unwritten.ts"
import { type ChangeSet, openSetOf } from "../core/change-set.ts"
import { type Version, versionAt } from "../core/version.ts"
import { versionBeside } from "./session/beside.ts"
import type { Commit } from "./session/commit.ts"
import { type Queued, nextDocument, noState } from "./session/next-document.ts"
import { withoutPlace } from "./session/place.ts"
import { RunNotes } from "./session/run-notes.ts"
import { type Strategy, strategyOf } from "./strategy.ts"
import type { Work } from "./work.ts"

/**
 * The state of one environment while it is being worked on. Every change goes through `commit`: one
 * durable write.
 */
export class Session extends RunNotes {
  readonly work: Work
  document: StateDocument
  /**
   * The present clock is not trusted: nothing ages out by it, nor is any part of the log removed.
   */
  readonly clockDoubted: boolean
  /**
   * A containment waits for the end of what an earlier run has left: an output that cannot be put
   * back does not hold that up.
   */
  urgent = false
  readonly #opened = new Map<string, Promise<Credential>>()
  #queued: Queued = []

  /** The caller says whether the clock is trusted. */
  constructor(
    work: Work,
    document: StateDocument,
    { clockDoubted }: Pick<Session, "clockDoubted">,
  ) {
    super()
    this.work = work
    this.document = document
    this.clockDoubted = clockDoubted
  }

  static async load(work: Work): Promise<Session> {
    const session = new Session(work, await work.ledger.load(), { clockDoubted: false })
    await session.flush()
    return session
  }

  async commit(commit: Commit): Promise<void> {
    const queued = this.#queued
    const next = nextDocument(this, commit, { queued, now: this.work.host.now() })
    await this.work.ledger.save(next)
    this.document = next
    // One that came meanwhile waits for the next write.
    this.#queued = this.#queued.slice(queued.length)
    this.work.onStep?.()
    if (commit.flush === true) await this.flush()
  }

  /**
   * What its service holds from here on, as far as is known: who is cut off now may be others than
   * before.
   */
  learn(name: string, holds: "former" | "new" | "either"): void {
    this.holds.set(name, holds)
    this.work.onStep?.()
  }

  /**
   * A change of the journal that the next durable write covers: losing it repeats a step, nothing
   * more.
   */
  note(changeSet: ChangeSet): void {
    this.document = { ...this.document, changeSet }
    this.work.onStep?.()
  }

  /** Nothing of an earlier run lives any more; the next durable write covers it. */
  noteOver(): void {
    const { acting: _acting, run: _run, changeSet, deferred, ...rest } = this.document
    this.document = {
      ...rest,
      ...(changeSet === undefined ? {} : { changeSet: withoutPlace(changeSet) }),
      ...(deferred === undefined ? {} : { deferred: deferred.map(withoutPlace) }),
    }
  }

  /**
   * A change of secrets that the next durable write covers: as long as there is none, nothing was
   * done that it tells of.
   */
  noteSecrets(patches: Readonly<Record<string, Patch>>): void {
    const changed = Object.entries(patches).map(
      ([name, patch]) => [name, patch(this.state(name))] as const,
    )
    this.document = {
      ...this.document,
      secrets: { ...this.document.secrets, ...Object.fromEntries(changed) },
    }
  }

  /** What an entry is at since we wrote it; as `noteSecrets`. */
  noteMark(target: string, mark: string): void {
    this.document = { ...this.document, marks: { ...this.document.marks, [target]: mark } }
  }

  /** What may lie at the manager of an entry, seen by no reader; none: nothing does. */
  noteStaged(target: string, tokens: readonly string[]): void {
    const { staged, ...rest } = this.document
    const { [target]: _, ...others } = staged ?? {}
    const next = tokens.length === 0 ? others : { ...others, [target]: tokens }
    this.document = Object.keys(next).length === 0 ? rest : { ...rest, staged: next }
  }

  /** A line of the log, dated now, that the next durable write takes along: nothing depends on it. */
  queueEvent(event: AuditEvent): void {
    this.#queued = [...this.#queued, { at: this.work.host.now(), event }]
  }
  /** Are there remarks that no write has taken yet? */
  get hasRemarks(): boolean {
    return this.#queued.length > 0
  }

  /**
   * Lines that ride in the state go to the log; the next durable write drops them from the state.
   */
  async flush(): Promise<void> {
    await this.work.ledger.flush(this.document)
    this.document = { ...this.document, audit: { ...this.document.audit, lines: [] } }
  }

  get changeSet(): ChangeSet | undefined {
    return this.document.changeSet
  }

  /** What the open change set does where change sets differ. */
  get strategy(): Strategy {
    return strategyOf(this.changeSet)
  }

  /** Is it in a change set that is not finished? */
  isOpen(name: string): boolean {
    return openSetOf(this.document, name) !== undefined
  }

  state(name: string): SecretState {
    return this.document.secrets[name] ?? noState
  }

  /** One version, opened; each is opened once a session. */
  async open(name: string, id: string): Promise<Credential> {
    const key = `${name}/${id}`
    const version = this.state(name).versions.find((one) => one.id === id)
    if (version === undefined) throw new Error(`no version ${key}`)
    const opening = this.#opened.get(key) ?? this.work.vault.open(name, version)
    this.#opened.set(key, opening)
    const credential = await opening
    // Not part of what is kept: the service's clock is known only after it has taken the value.
    return version.acceptedAt === undefined
      ? credential
      : { ...credential, acceptedAt: version.acceptedAt }
  }

  async versions(name: string): Promise<Versions> {
    const state = this.state(name)
    const [current, previous, pending] = await Promise.all(
      (["current", "previous", "pending"] as const).map((kind) => {
        const version = versionAt(state, kind)
        return version && this.open(name, version.id)
      }),
    )
    const uncertain = await Promise.all(
      state.versions
        .filter((version) => version.stage.kind === "uncertain")
        .map((version) => this.open(name, version.id)),
    )
    return { uncertain, ...present({ current, previous, pending }) }
  }

  /** The youngest first. */
  readonly issued: IssuedVersions = Object.assign(
    (name: string, which: "recent" | "all"): Promise<readonly Credential[]> => {
      const recent = (kind: string): boolean => kind === "current" || kind === "pending"
      const versions = this.state(name).versions.filter(
        (version) => which === "all" || recent(version.stage.kind),
      )
      return Promise.all(versions.map((version) => this.open(name, version.id)).reverse())
    },
    {
      isOurWrite: (target: string, bytes: Uint8Array): boolean =>
        fingerprintsOf(this.document, target).includes(this.work.vault.fingerprint(bytes)),
      mayStillLand: (target: string): boolean =>
        this.doubted.has(target) || owedIn(this.document).outputs[target] !== undefined,
    },
  )

  /** For `commit`: what these outputs hold from now on, those that are ours as a whole. */
  writes(
    drafts: readonly {
      readonly output: Output
      readonly draft: { readonly bytes: Uint8Array; readonly removes?: boolean }
    }[],
  ): Readonly<Record<string, string | null>> {
    return Object.fromEntries(
      drafts
        .filter(({ output }) => output.whole)
        .map(({ output, draft }) => [
          output.target,
          draft.removes === true ? null : this.work.vault.fingerprint(draft.bytes),
        ]),
    )
  }

  /** What outputs should show: a pending value where `shows` says so, else current. */
  async values(pending: (name: string) => boolean): Promise<Values> {
    const values: Record<string, Credential> = {}
    for (const [name, state] of Object.entries(this.document.secrets)) {
      const version =
        (pending(name) ? versionAt(state, "pending") : undefined) ?? versionAt(state, "current")
      if (version !== undefined) values[name] = await this.shown(name, version)
    }
    return values
  }

  /** As outputs show it: with the one that lives beside it, or will once it is current. */
  async shown(name: string, version: Version): Promise<Credential> {
    const own = await this.open(name, version.id)
    const beside = versionBeside(this, name, version)
    return beside === undefined
      ? own
      : { ...own, previous: (await this.open(name, beside.id)).fields }
  }

  /** The outputs that show one of these secrets. */
  outputsOf(names: readonly string[]): readonly Output[] {
    return this.work.outputs.filter((output) => output.shows.some((name) => names.includes(name)))
  }
}
