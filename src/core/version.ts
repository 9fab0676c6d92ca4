export type Version = {
  /** "v17"; counts up, never used again. */
  readonly id: string
  readonly madeAt: string
  /**
   * It was taken over. undated: then, at `madeAt`; when it was made is not known. dated: a person
   * has said when (so, too, of one that we made by a wrong clock).
   */
  readonly adopted?: "undated" | "dated"
  readonly stage: Stage
  /**
   * The service's own clock when it took the value: sessions that began before it used an older
   * version.
   */
  readonly acceptedAt?: string
  /**
   * The servers where it was set, accepted or adopted, by their addresses, and where it was not
   * refused since.
   */
  readonly places?: readonly string[]
  /** The fields that are no secret: a role's name. */
  readonly clear: Readonly<Record<string, string>>
  /** An age file (armored) that holds the secret fields. */
  readonly sealed: string
  /**
   * HMAC of each secret field under the store's key: finds reuse and drift without opening a value.
   */
  readonly fingerprints: Readonly<Record<string, string>>
}

export type Stage =
  /** Made, not yet held by every deployment. `proven`: a login with it was accepted. */
  | { readonly kind: "pending"; readonly proven: boolean }
  /** What every deployment is proven to hold. */
  | { readonly kind: "current" }
  /**
   * In its grace; a revoke is owed at `revokeAt`. `since` when it was granted; `revokeOthers`: an
   * incident took its place: no value but the current one may live, and no older session.
   */
  | {
      readonly kind: "previous"
      readonly since?: string
      readonly revokeAt: string
      readonly endSessions: boolean
      readonly revokeOthers?: true
    }
  /** May be live. Nothing is decided on it until a login is refused. */
  | {
      readonly kind: "uncertain"
      readonly why: string
      /** It was given up then, and readers of an entry may still have it: not revoked before. */
      readonly since?: string
      readonly notBefore?: string
    }
  /** Dead or given up; stays sealed, ages out. */
  | { readonly kind: "retired"; readonly since: string }

/** From when on (ms) a value that may be live is to be taken away; 0: at once. */
export function uncertainUntil(stage: Stage): number {
  return stage.kind === "uncertain" && stage.notBefore !== undefined
    ? Date.parse(stage.notBefore)
    : 0
}

/** "v17" → 17: the younger version has the greater number. */
export function versionNumber(id: string): number {
  return Number(id.slice(1))
}

/** Equal for versions that hold the same value for the same user, whatever else differs. */
export function valueOf({ clear, fingerprints, id }: Version): string {
  const password = fingerprints["password"]
  return password === undefined ? id : `${clear["user"] ?? ""} ${password}`
}

/** Which version before `id` holds the current value: that one itself, or the same value. */
export function olderHolder(
  state: { readonly versions: readonly Version[] },
  id: string,
): Version | undefined {
  const current = versionAt(state, "current")
  if (current === undefined) return undefined
  const value = valueOf(current)
  return state.versions.find(
    (one) => versionNumber(one.id) < versionNumber(id) && valueOf(one) === value,
  )
}

export function versionAt(
  { versions }: { readonly versions: readonly Version[] },
  kind: Stage["kind"],
): Version | undefined {
  return versions.find((version) => version.stage.kind === kind)
}
