/** What the config says of one secret, as far as planning needs it. */
export type PlannedSecret = {
  readonly name: string
  readonly driver: string
  readonly rotateEveryMs: number | null
  readonly graceMs: number
}
